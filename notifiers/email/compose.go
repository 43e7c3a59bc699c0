package email

import (
	"bytes"
	"fmt"
	"html"
	netmail "net/mail"
	"slices"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/notifiers"
)

// letter is a mail before it has its bytes.
type letter struct {
	message notifiers.Message
	thread  thread
	id      string
	fields  fields
	date    time.Time
	// ascii leaves out what a server without SMTPUTF8 does not take: the addresses that are not ASCII.
	ascii bool
}

// needsUTF8 is whether the mail has an address that is not ASCII (RFC 6531). Its texts never need it: they are encoded.
func (l letter) needsUTF8() bool {
	return slices.ContainsFunc(append(slices.Clone(l.fields.to), l.fields.from), func(a *netmail.Address) bool { return !ascii(a.Address) })
}

// bytes are the mail, which says to whom it could not be delivered. When it is larger than most bytes it goes without its
// charts; 0 is no limit.
func (l letter) bytes(refused []string, most int64) ([]byte, error) {
	p := pageOf(l.message, l.thread, l.id)
	p.Refused = refused
	if len(l.fields.failed) > 0 {
		p.Foot = join(" · ", p.Foot, "standard text in place of "+strings.Join(l.fields.failed, ", ")+", which failed")
	}
	for {
		mail, err := l.write(p)
		if err != nil || most <= 0 || int64(len(mail)) <= most || len(p.Charts) == 0 {
			return mail, err
		}
		p.Charts = p.Charts[:len(p.Charts)-1]
	}
}

func (l letter) write(p *page) ([]byte, error) {
	text, markup, err := p.bodies()
	if err != nil {
		return nil, err
	}
	if l.fields.text != "" {
		text = l.fields.text + "\n\n" + strings.Join(p.notices(), "\n\n")
	}
	if l.fields.html != "" {
		markup = withNotices(l.fields.html, p.notices())
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.SetBodyString(gomail.TypeTextPlain, text)
	m.AddAlternativeString(gomail.TypeTextHTML, markup)
	for _, chart := range p.Charts {
		name, _, _ := strings.Cut(chart.CID, ".")
		err := m.EmbedReader(name+".png", bytes.NewReader(chart.PNG), gomail.WithFileContentID("<"+chart.CID+">"),
			gomail.WithFileContentType("image/png"))
		if err != nil {
			return nil, fmt.Errorf("adding a chart to a mail: %w", err)
		}
	}
	m.FromMailAddress(l.fields.from)
	m.ToMailAddress(slices.DeleteFunc(slices.Clone(l.fields.to), func(a *netmail.Address) bool { return l.ascii && !ascii(a.Address) })...)
	l.setHeaders(m, p)
	var out bytes.Buffer
	if _, err := m.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("writing a mail: %w", err)
	}
	return out.Bytes(), nil
}

// withNotices adds to a body of the user's what no template can know of: how the mail itself fared.
func withNotices(body string, notices []string) string {
	end := strings.LastIndex(strings.ToLower(body), "</body>")
	if end < 0 || len(strings.ToLower(body)) != len(body) {
		end = len(body)
	}
	added := ""
	for _, notice := range notices {
		added += "<p>" + html.EscapeString(notice) + "</p>\n"
	}
	return body[:end] + added + body[end:]
}

func (l letter) setHeaders(m *gomail.Msg, p *page) {
	m.SetDateWithValue(l.date)
	m.SetGenHeader(gomail.HeaderMessageID, l.id)
	m.SetGenHeader(gomail.HeaderSubject, p.Subject)
	m.SetGenHeader("X-Mailer", "alertvitals notifier")
	// No out-of-office reply and no answering machine: RFC 3834, section 5, and
	// https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-oxcmail/ced68690-498a-4567-9d14-5c01f974d8b1.
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	// For filters: the subject says no status, because it is to stay the same.
	m.SetGenHeader("X-Alert-Status", l.message.Content.Status)
	if severity := clip(string(l.message.Content.Severity), severitySize); severity != "" {
		m.SetGenHeader("X-Alert-Severity", severity)
	}
	if l.message.Content.Status == alert.StatusFiring && l.message.Content.Severity == alert.Critical && !l.message.Late {
		m.SetGenHeader("X-Priority", "1")
		m.SetGenHeader("Importance", "high")
	}
	if l.thread.root != "" {
		m.SetGenHeader(gomail.HeaderInReplyTo, l.thread.root)
		m.SetGenHeader(gomail.HeaderReferences, l.thread.root)
	}
	for _, name := range sortedKeys(l.fields.headers) {
		setHeader(m, name, l.fields.headers[name])
	}
}

// setHeader sets a header of the configuration, which may take the place of one of ours.
func setHeader(m *gomail.Msg, name, value string) {
	kinds := map[string]gomail.AddrHeader{"From": gomail.HeaderFrom, "To": gomail.HeaderTo, "Cc": gomail.HeaderCc, "Reply-To": gomail.HeaderReplyTo}
	if kind, ok := kinds[name]; ok {
		if list, err := netmail.ParseAddressList(value); err == nil && ascii(value) {
			m.SetAddrHeaderFromMailAddress(kind, list...)
		}
		return
	}
	m.SetGenHeader(gomail.Header(name), value)
}
