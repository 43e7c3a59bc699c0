// Package strict reads a YAML document into Go values, and finds everything that is wrong with it in one go.
//
// In flow the text of a file and a pointer to a struct with yaml tags. Out flow the values that could be read, where each of them
// stands, and a Finding for every key that nobody knows, every value of a wrong type and every key that is there twice. What
// another package says of the values (package problem) gets its line here, unless it only follows from what could not be read.
//
// The package knows no key of its own. It reads no file, and of the environment only what ${NAME} in a secret asks for. It never
// repeats a secret: what stands where one belongs is starred out in every excerpt.
package strict
