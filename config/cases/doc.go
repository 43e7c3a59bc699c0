// Package cases tests a configuration's routes: which receivers are expected for which labels, written in YAML beside the configuration, as
// promtool has it for rules.
//
// In flows a file of tests, and the configuration that it names. Out flow a Result for each test, or everything that is wrong with the
// file. The package tells nobody anything and never looks at a receiver but by its name.
package cases
