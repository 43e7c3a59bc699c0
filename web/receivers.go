package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/alertvitals/notifier/web/apierror"
)

func (p Parts) receivers(c *gin.Context) {
	if _, err := parameters(c); err != nil {
		apierror.Write(c, http.StatusBadRequest, "bad_parameter", err.Error())
		return
	}
	c.JSON(http.StatusOK, gin.H{"receivers": p.Receivers()})
}
