// Package alertmanager turns an alertmanager.yml into a notifier.yml that routes every alert to the same receivers.
//
// In flows the text of an alertmanager.yml. Out flows the text of a notifier.yml that package config accepts, with what has no counterpart
// as comments that name its lines; or a *config.Error that says why Alertmanager would not take the file itself. Secrets go from the one text
// to the other as they are, and into no message. The package reads no file but the templates, and asks nobody anything.
//
// It reads with the YAML library that Alertmanager's own is a successor of, so that what a file means there it means here.
package alertmanager
