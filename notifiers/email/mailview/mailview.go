package mailview

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
)

// Mail is a mail as a client shows it.
type Mail struct {
	Header  netmail.Header
	Subject string
	Text    string
	// HTML has the pictures of the mail in the place of their addresses.
	HTML string
}

// Read reads a mail.
func Read(data []byte) (Mail, error) {
	m, err := netmail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return Mail{}, fmt.Errorf("reading a mail: %w", err)
	}
	shown := Mail{Header: m.Header}
	if shown.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return Mail{}, fmt.Errorf("reading a mail's subject: %w", err)
	}
	pictures := map[string]string{}
	if err := shown.part(m.Header.Get, m.Body, pictures); err != nil {
		return Mail{}, fmt.Errorf("reading a mail: %w", err)
	}
	for id, picture := range pictures {
		shown.HTML = strings.ReplaceAll(shown.HTML, `"cid:`+strings.ReplaceAll(id, "@", "%40")+`"`, `"`+picture+`"`)
		shown.HTML = strings.ReplaceAll(shown.HTML, `"cid:`+id+`"`, `"`+picture+`"`)
	}
	return shown, nil
}

// part reads a part with all that is in it. Pictures are data URLs (RFC 2397), by their Content-ID.
func (m *Mail) part(header func(name string) string, body io.Reader, pictures map[string]string) error {
	mediaType, params, err := mime.ParseMediaType(header("Content-Type"))
	if err != nil {
		return err
	}
	if strings.HasPrefix(mediaType, "multipart/") {
		return m.parts(multipart.NewReader(body, params["boundary"]), pictures)
	}
	switch strings.ToLower(header("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	content, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	switch mediaType {
	case "text/plain":
		m.Text = strings.ReplaceAll(string(content), "\r\n", "\n")
	case "text/html":
		m.HTML = strings.ReplaceAll(string(content), "\r\n", "\n")
	default:
		id := strings.Trim(header("Content-Id"), "<>")
		pictures[id] = "data:" + mediaType + ";base64," + base64.StdEncoding.EncodeToString(content)
	}
	return nil
}

func (m *Mail) parts(of *multipart.Reader, pictures map[string]string) error {
	for {
		p, err := of.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := m.part(p.Header.Get, p, pictures); err != nil {
			return err
		}
	}
}
