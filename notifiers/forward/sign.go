package forward

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"time"
)

// The headers of a signed webhook.
//
// Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, for which there are libraries
// in many languages.
const (
	// IDHeader names the delivery; it is the same for every try.
	IDHeader = "Webhook-Id"
	// TimestampHeader is when the try was made, in seconds since 1970.
	TimestampHeader = "Webhook-Timestamp"
	// SignatureHeader is "v1," and the base64 of the HMAC-SHA256 of ID, timestamp and body, with dots between them.
	SignatureHeader = "Webhook-Signature"
)

var errNotBase64 = errors.New("a secret that begins with whsec_ goes on in base64, and this one does not")

// Sign is the value of SignatureHeader.
func Sign(key []byte, id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
