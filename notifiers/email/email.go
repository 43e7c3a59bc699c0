package email

import (
	"context"
	"fmt"
	"maps"
	netmail "net/mail"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/templates"
)

// longestTry bounds a try whose context has no end of its own.
const longestTry = 30 * time.Second

// Notifier is one email integration. It is safe for concurrent use and keeps nothing between calls.
type Notifier struct {
	config Config
	set    *templates.Set
	hello  string
	now    func() time.Time
}

var _ notifiers.Notifier = (*Notifier)(nil)

// New makes the sink; set are the templates that its own may use. Its error says what is wrong with the configuration.
func New(c Config, set *templates.Set) (*Notifier, error) {
	if problems := c.Validate(); len(problems) > 0 {
		return nil, fmt.Errorf("email: %s: %s", problems[0].Path, problems[0].Msg)
	}
	return &Notifier{config: c, set: set, hello: helloOf(c), now: time.Now}, nil
}

// helloOf is the name by which a server is greeted: a host name, or "localhost", which every server knows for none.
func helloOf(c Config) string {
	if c.Hello != "" {
		return c.Hello
	}
	if name, err := os.Hostname(); err == nil && hostnames.MatchString(name) {
		return name
	}
	return "localhost"
}

// Notify sends one mail to all recipients, or to those whom an earlier try of the same delivery did not reach.
//
// A recipient whom the server refuses does not stop the others. Refused for good (5yz), he is named in the mail that the others
// get, with the reason, and the message counts as told; refused for now (4yz), he is tried again by himself: the Receipt beside the
// error says who has got it. When everybody is refused, the message is.
//
// A connection that breaks after the last byte and before the answer leaves open whether the mail was taken; then it is sent
// again under the same Message-ID, by which a server or a client can tell that it is one mail.
//
// An amendment sends nothing: nobody wants a second mail for vitals that came late.
func (n *Notifier) Notify(ctx context.Context, m notifiers.Message) (notifiers.Receipt, error) {
	if m.Amends {
		return m.Previous, nil
	}
	ctx, cancel := context.WithTimeout(ctx, longestTry)
	defer cancel()
	m = m.WithCharts(ctx)
	f, err := n.fields(m)
	if err != nil {
		return m.Previous, err
	}
	now := n.now()
	t := threadOf(m, n.config.Threading, now)
	mail := letter{message: m, thread: t, id: messageID(m, f.from.Address), fields: f, date: now}
	receipt := t.receipt()
	if m.Late {
		receipt = m.Previous
	}
	told := toldOf(m)
	m.Hear("message_id", mail.id)
	s, err := n.connect(ctx)
	if err != nil {
		return m.Previous, err
	}
	defer s.close()
	o, err := s.send(mail, missing(f.to, told))
	if err != nil {
		return m.Previous, err
	}
	told = append(told, o.taken...)
	m.Hear("taken_for", fmt.Sprintf("%d of %d recipients", len(told), len(f.to)))
	switch {
	case len(told) == 0:
		return m.Previous, o.worst()
	case len(o.later) > 0:
		e := o.later[0].err
		e.Err = fmt.Errorf("%d of %d recipients have the mail: %w", len(told), len(f.to), e.Err)
		return progress(receipt, m.ID, told), e
	}
	return receipt, nil
}

// toldOf are the recipients that have this very message already.
func toldOf(m notifiers.Message) []string {
	if m.Previous[deliveryKey] != m.ID || m.ID == "" {
		return nil
	}
	return strings.Split(m.Previous[toldKey], "\n")
}

func progress(receipt notifiers.Receipt, delivery string, told []string) notifiers.Receipt {
	half := notifiers.Receipt{}
	maps.Copy(half, receipt)
	half[deliveryKey], half[toldKey] = delivery, strings.Join(told, "\n")
	return half
}

// missing are the recipients that do not have the mail yet.
func missing(to []*netmail.Address, told []string) []string {
	var addresses []string
	for _, a := range to {
		if !slices.Contains(told, a.Address) {
			addresses = append(addresses, a.Address)
		}
	}
	return addresses
}
