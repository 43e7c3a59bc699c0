package request

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
)

func TestName(t *testing.T) {
	gin.SetMode(gin.TestMode)
	for said, want := range map[string]string{
		"":                             "[0-9a-f]{16}",
		"c0ffee-1_2.3":                 `c0ffee-1_2\.3`,
		strings.Repeat("x", longest):   "x{64}",
		strings.Repeat("x", longest+1): "[0-9a-f]{16}",
		"two words":                    "[0-9a-f]{16}",
		"<script>":                     "[0-9a-f]{16}",
		"a\x1b[31m":                    "[0-9a-f]{16}",
	} {
		answer := httptest.NewRecorder()
		c, router := gin.CreateTestContext(answer)
		seen := ""
		router.Use(Name)
		router.GET("/", func(c *gin.Context) { seen = ID(c) })
		c.Request = httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		c.Request.Header.Set(Header, said)
		router.HandleContext(c)
		assert.Regexp(t, "^"+want+"$", answer.Header().Get(Header), "%q", said)
		assert.Equal(t, answer.Header().Get(Header), seen)
	}
}
