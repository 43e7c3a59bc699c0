// Package listening follows the log of a server that a test has started, until the server says where it listens.
//
// In flow the lines that the server writes to stderr, of the notifier or of another program that serves by Prometheus's
// exporter-toolkit. Out flow the lines, and the address. The package never starts or ends a program.
package listening

import (
	"bufio"
	"io"
	"regexp"
)

// says is the exporter-toolkit's line.
var says = regexp.MustCompile(`msg="Listening on" .*address=(\S+)`)

// Follow reads a log to its end. It calls line for each line, and at for the first address (host:port) that one names.
func Follow(log io.Reader, line, at func(text string)) {
	found := false
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line(lines.Text())
		if address := says.FindStringSubmatch(lines.Text()); address != nil && !found {
			found = true
			at(address[1])
		}
	}
}
