// Package address makes addresses out of an alert's labels, and keeps them where the configuration allows them to lead.
//
// In flow templates and allowed targets from the configuration, and the labels and times of an alert, which anybody may have
// written. Out flow a Target to be asked, a link for people to click, and a Dialer that connects to allowed targets only. A
// label fills a place of the template and never changes the rest: not the scheme, the host of a link, a path's depth, or the
// number of parameters. The package never asks anything, never trusts a name before it is resolved, and never repeats an
// address that it does not understand.
package address
