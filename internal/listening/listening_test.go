package listening

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFollowGivesEveryLineAndTheFirstAddress(t *testing.T) {
	var lines, addresses []string
	Follow(strings.NewReader(`level=INFO msg="Starting notifier"
level=INFO source=tls_config.go:395 msg="Listening on" address=127.0.0.1:40001
level=INFO msg="Listening on" http2=false address=127.0.0.1:40002
the end`), func(line string) { lines = append(lines, line) }, func(at string) { addresses = append(addresses, at) })

	assert.Len(t, lines, 4)
	assert.Equal(t, "the end", lines[3])
	assert.Equal(t, []string{"127.0.0.1:40001"}, addresses)
}
