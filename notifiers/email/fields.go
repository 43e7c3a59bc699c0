package email

import (
	"fmt"
	netmail "net/mail"
	"net/textproto"
	"slices"
	"strings"
	"unicode"

	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

// headerSize bounds what a template makes of a header, in characters.
const headerSize = 1000

// fields are what the configuration says of one mail, its templates executed. What they leave empty is ours.
type fields struct {
	from *netmail.Address
	to   []*netmail.Address
	// headers are by their canonical name.
	headers    map[string]string
	html, text string
	// failed are the templates in whose place our own words stand.
	failed []string
}

// Texts are all templates of the configuration, by their place in it, but HTML.
func (c Config) Texts() map[string]string {
	texts := map[string]string{"to": c.To, "from": c.From, "text": c.Text}
	for name, value := range c.Headers {
		texts["headers."+name] = value
	}
	return texts
}

// fields executes the templates for m. One that fails leaves the mail to our own words, which the mail says; without recipients
// there is no mail, and the error says so.
func (n *Notifier) fields(m notifiers.Message) (f fields, err error) {
	data := templates.DataOf(m.Receiver, m.Group, m.Snapshot)
	run := func(name, source string, execute func(string, templates.Data) (string, error)) string {
		if !isTemplate(source) {
			return source
		}
		text, failure := execute(source, data)
		if failure != nil {
			f.failed = append(f.failed, name)
			return ""
		}
		return strings.TrimSpace(text)
	}
	f.headers = map[string]string{}
	for _, name := range sortedKeys(n.config.Headers) {
		if value := clip(run(name, n.config.Headers[name], n.set.Text), headerSize); value != "" {
			f.headers[textproto.CanonicalMIMEHeaderKey(name)] = value
		}
	}
	f.html, f.text = run("html", n.config.HTML, n.set.HTML), run("text", n.config.Text, n.set.Text)
	from, err := n.addresses("from", n.config.From, data)
	if err != nil {
		return fields{}, err
	}
	f.from = from[0]
	f.to, err = n.addresses("to", n.config.To, data)
	return f, err
}

// addresses are those of a list that may be a template. A label in it makes a part of one address and never two.
func (n *Notifier) addresses(name, source string, data templates.Data) ([]*netmail.Address, error) {
	list := source
	if isTemplate(source) {
		var err error
		if list, err = n.set.Text(source, data.Escaped(addressPart)); err != nil {
			return nil, noAddress(name)
		}
	}
	all, err := netmail.ParseAddressList(strings.Trim(strings.TrimSpace(list), ","))
	if err != nil || len(all) > mostRecipients || name == "from" && len(all) != 1 {
		return nil, noAddress(name)
	}
	// Who is named twice gets one mail.
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(a *netmail.Address) bool {
		twice := seen[a.Address]
		seen[a.Address] = true
		return twice
	}), nil
}

func noAddress(name string) error {
	return &notifiers.Error{
		Reason: notifiers.Rejected, Permanent: true,
		Err: fmt.Errorf("the template in %s comes to no address that a mail can have", name),
	}
}

// addressPart leaves of an untrusted text what an address has of letters, digits and signs that part nothing.
func addressPart(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(".@_+-=", r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(text, ""))
}
