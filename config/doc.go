// Package config reads notifier.yml.
//
// In flows a file. Out flows a Config whose every part was checked by the package that holds it, or an Error that shows
// each problem with its line. The package never starts anything or touches the network, reads no secret but the environment's
// variables that secrets name, and a file that is wrong in any place yields no Config at all.
package config

// What operators read of the configuration is made of the types that read it.
//go:generate go test ./reference -run TestWhatIsGenerated -update
