// Package config reads notifier.yml.
//
// In flows a file. Out flows a Config whose every part was checked by the package that holds it, or an Error that shows
// each problem with its line. The package never starts anything, reads a secret or touches the network, and a file that
// is wrong in any place yields no Config at all.
package config
