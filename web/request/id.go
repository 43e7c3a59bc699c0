package request

import (
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
)

// Header is where senders and answers have the name of a request.
const Header = "X-Request-ID"

// longest is how long a sender's name may be.
const longest = 64

// Name gives the request a name: the sender's, or a random one.
func Name(c *gin.Context) {
	id := c.GetHeader(Header)
	if !plain(id) {
		id = strconv.FormatUint(rand.Uint64()|1<<63, 16)
	}
	c.Writer.Header().Set(Header, id)
}

// ID is the name of a request, "" when Name did not see it.
func ID(c *gin.Context) string { return c.Writer.Header().Get(Header) }

func plain(id string) bool {
	return id != "" && len(id) <= longest && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
	})
}
