package smtpfake

import (
	"bytes"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"

	gosmtp "github.com/emersion/go-smtp"
)

// Limits of RFC 5321, section 4.5.3.1: a server must take as much, and many take no more.
const (
	mostRecipients = 100
	longestLine    = 1000 // with its CR LF
	longestLocal   = 64
	longestDomain  = 255
)

func wrong(code int, enhanced gosmtp.EnhancedCode, format string, args ...any) *gosmtp.SMTPError {
	return &gosmtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: fmt.Sprintf(format, args...)}
}

func checkAddress(address string) error {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 || at > longestLocal || len(address)-at-1 > longestDomain || at == len(address)-1 {
		return wrong(553, gosmtp.EnhancedCode{5, 1, 3}, "bad address syntax")
	}
	return nil
}

func checkUTF8(address string, announced bool) error {
	if announced || !strings.ContainsFunc(address, func(r rune) bool { return r >= 0x80 }) {
		return nil
	}
	return wrong(553, gosmtp.EnhancedCode{5, 6, 7}, "SMTPUTF8 is required")
}

// checkAddressOr is the reply in a joined error.
func checkAddressOr(err error) error {
	var reply *gosmtp.SMTPError
	if errors.As(err, &reply) {
		return reply
	}
	return err
}

// checkMail refuses what RFC 5322 forbids: lines without end, headers that are missing or twice, and what is not
// ASCII, in a body without 8BITMIME and in a header without SMTPUTF8.
func checkMail(data []byte, eightBit, utf8 bool) error {
	bad := func(format string, args ...any) error {
		return wrong(554, gosmtp.EnhancedCode{5, 6, 0}, format, args...)
	}
	for line := range bytes.SplitSeq(data, []byte("\r\n")) {
		switch {
		case len(line) > longestLine-2:
			return bad("a line of %d bytes", len(line))
		case bytes.ContainsAny(line, "\r\n\x00"):
			return bad("a bare CR, LF or NUL")
		case !eightBit && bytes.ContainsFunc(line, func(r rune) bool { return r >= 0x80 }):
			return bad("8 bits without 8BITMIME")
		}
	}
	m, err := netmail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return bad("no mail: %v", err)
	}
	for name, most := range map[string]int{
		"From": 1, "To": 1, "Cc": 1, "Reply-To": 1, "Date": 1, "Subject": 1, "Message-Id": 1, "In-Reply-To": 1, "References": 1,
		"Mime-Version": 1, "Content-Type": 1, "Bcc": 0,
	} {
		if n := len(m.Header[name]); n > most {
			return bad("%d headers %s", n, name)
		}
	}
	for _, name := range []string{"From", "Date"} {
		if len(m.Header[name]) == 0 {
			return bad("no header %s", name)
		}
	}
	for name, values := range m.Header {
		for _, value := range values {
			if !utf8 && strings.ContainsFunc(value, func(r rune) bool { return r >= 0x80 }) {
				return bad("a header %s that is not ASCII", name)
			}
		}
	}
	if _, err := m.Header.Date(); err != nil {
		return bad("a date that is none")
	}
	return nil
}
