// Package jsonbody makes samples of an agent's JSON answers: how many sessions wait, what they cost, how full a pool is.
//
// In flow a body and the rules of a profile; out flow samples. It is pure: it asks nobody. A sample is a number under a name
// and labels that stand in the rule, so no text of the agent (a title, a path, a name) can ever become part of one. It never
// makes a number of what is not there: a sum over elements of which one has no number is no sample, not a smaller sum.
package jsonbody
