// Package apierror is the form of every HTTP answer that is not a success.
//
// In flow a status, a code from docs/errors.md and a message for the person who reads it. Out flows JSON. The package
// decides nothing and never shows an error of Go.
package apierror

import "github.com/gin-gonic/gin"

// docs explains every code under a heading of its name.
const docs = "https://github.com/alertvitals/notifier/blob/main/docs/errors.md#"

// Write answers with {"code", "message", "docs"}. code is one that docs/errors.md explains and stays the same from
// version to version; message says what is wrong this time and what would be right.
func Write(c *gin.Context, status int, code, message string) {
	c.JSON(status, gin.H{"code": code, "message": message, "docs": docs + code})
}
