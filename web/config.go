package web

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// configuration answers with the configuration in use, as YAML in JSON, as Prometheus's /api/v1/status/config does within its
// envelope: {"yaml": "agents:\n  - name: …"}. It is what applies: defaults are filled in, and every secret is <secret>. After a
// reload that was refused it is still the one before.
func (p Parts) configuration(c *gin.Context) {
	c.PureJSON(http.StatusOK, gin.H{"yaml": p.Config()})
}
