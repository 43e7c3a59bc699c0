package email

import (
	"bytes"
	"encoding/base64"
	"html"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// received is a mail as a client reads it.
type received struct {
	header     netmail.Header
	subject    string
	text, html string
	images     map[string][]byte // by Content-ID
}

// read reads a mail as a client does: header words and transfer encodings decoded.
func read(t *testing.T, data []byte) *received {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(data))
	require.NoError(t, err)
	r := &received{header: m.Header, images: map[string][]byte{}}
	r.subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	require.NoError(t, err)
	r.part(t, m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), "", m.Body)
	return r
}

func (r *received) part(t *testing.T, kind, encoding, id string, body io.Reader) {
	t.Helper()
	mediaType, params, err := mime.ParseMediaType(kind)
	require.NoError(t, err)
	if strings.HasPrefix(mediaType, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			p, end := parts.NextRawPart()
			if end == io.EOF {
				return
			}
			require.NoError(t, end)
			r.part(t, p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p.Header.Get("Content-Id"), p)
		}
	}
	switch encoding {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	content, err := io.ReadAll(body)
	require.NoError(t, err)
	switch mediaType {
	case "text/plain":
		r.text = strings.ReplaceAll(string(content), "\r\n", "\n")
	case "text/html":
		r.html = strings.ReplaceAll(string(content), "\r\n", "\n")
	default:
		r.images[id] = content
	}
}

var (
	tag   = regexp.MustCompile(`(?s)<title>.*?</title>|<style>.*?</style>|<[^>]*>`)
	space = regexp.MustCompile(`[\s\x{a0}]+`)
)

// visible is what a person reads of the HTML.
func (r *received) visible() string {
	return strings.TrimSpace(space.ReplaceAllString(html.UnescapeString(tag.ReplaceAllString(r.html, " ")), " "))
}
