package smtpfake

import (
	"strings"
	"testing"

	gosmtp "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const good = "From: <a@example.com>\r\nDate: Sun, 01 Mar 2026 09:17:00 +0000\r\nSubject: x\r\n\r\nbody\r\n"

func TestWhatTheRFCsForbidIsRefused(t *testing.T) {
	require.NoError(t, checkMail([]byte(good), false, false))
	eight := strings.Replace(good, "body", "bödy", 1)
	require.NoError(t, checkMail([]byte(eight), true, false))
	headers := strings.Replace(good, "Subject: x", "Subject: ü", 1)
	require.NoError(t, checkMail([]byte(headers), true, true))

	for why, mail := range map[string]string{
		"a line of 999 bytes":            good + strings.Repeat("x", 999) + "\r\n",
		"a bare CR, LF or NUL":           good + "x\ny\r\n",
		"8 bits without 8BITMIME":        eight,
		"2 headers Subject":              "Subject: y\r\n" + good,
		"1 headers Bcc":                  "Bcc: <x@example.com>\r\n" + good,
		"no header From":                 strings.Replace(good, "From", "X-From", 1),
		"no header Date":                 strings.Replace(good, "Date", "X-Date", 1),
		"a date that is none":            strings.Replace(good, "Mar", "Mär"[:1], 1),
		"no mail: malformed header line": "no header at all\r\n",
	} {
		err := checkMail([]byte(mail), false, false)
		var reply *gosmtp.SMTPError
		require.ErrorAs(t, err, &reply, why)
		assert.Contains(t, reply.Message, why)
	}
	require.ErrorContains(t, checkMail([]byte(headers), true, false), "a header Subject that is not ASCII")
}

func TestAddressesHaveTheirLimits(t *testing.T) {
	for _, address := range []string{"a@b", strings.Repeat("a", 64) + "@" + strings.Repeat("b", 255)} {
		require.NoError(t, checkAddress(address))
	}
	for _, address := range []string{"", "a", "@b", "a@", strings.Repeat("a", 65) + "@b", "a@" + strings.Repeat("b", 256)} {
		require.Error(t, checkAddress(address), address)
	}
	require.NoError(t, checkUTF8("zoë@example.com", true))
	require.Error(t, checkUTF8("zoë@example.com", false))
}
