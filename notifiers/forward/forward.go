package forward

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/alertvitals/notifier/config/secretfile"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/notifiers/post"
)

// Notifier is one webhook. It is safe for concurrent use and keeps nothing between calls.
type Notifier struct {
	config Config
	client *post.Client
	now    func() time.Time
}

var _ notifiers.Notifier = (*Notifier)(nil)

// New makes the sink. Its error says what is wrong with the configuration.
func New(c Config) (*Notifier, error) {
	if problems := c.Validate(); len(problems) > 0 {
		return nil, fmt.Errorf("webhook: %s: %s", problems[0].Path, problems[0].Msg)
	}
	client, err := post.New(c.HTTPConfig, cmp.Or(time.Duration(c.Timeout), defaultTimeout))
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	return &Notifier{c, client, time.Now}, nil
}

// Notify posts the message. Any status of 2xx means that it was taken.
func (n *Notifier) Notify(ctx context.Context, m notifiers.Message) (notifiers.Receipt, error) {
	const doing = "posting the webhook"
	address, err := post.Secret("the webhook's address", n.config.URL, n.config.URLFile)
	if err != nil {
		return nil, err
	}
	body, err := n.body(m)
	if err != nil {
		return nil, &notifiers.Error{Reason: notifiers.Rejected, Permanent: true, Err: fmt.Errorf("%s: %w", doing, err)}
	}
	header, err := n.header(m.ID, body)
	if err != nil {
		return nil, err
	}
	m.Hear("webhook_id", m.ID)
	answer, err := n.client.JSON(ctx, doing, address, header, body)
	if err != nil {
		return nil, err
	}
	m.Hear("status", strconv.Itoa(answer.Status))
	if err := answer.Failed(doing, ""); err != nil {
		return nil, err
	}
	return notifiers.Receipt{}, nil
}

// header names the delivery and, when there is a secret, signs it.
func (n *Notifier) header(id string, body []byte) (http.Header, error) {
	header := http.Header{IDHeader: {id}}
	if n.config.Secret == "" && n.config.SecretFile == "" {
		return header, nil
	}
	secret := string(n.config.Secret)
	if secret == "" {
		content, err := secretfile.Bytes(n.config.SecretFile)
		if err != nil {
			return nil, &notifiers.Error{Reason: notifiers.Auth, Err: fmt.Errorf("reading the webhook's secret: %w", err)}
		}
		secret = string(content)
	}
	key, err := keyOf(secret)
	if err != nil {
		return nil, &notifiers.Error{Reason: notifiers.Auth, Err: fmt.Errorf("signing the webhook: %w", err)}
	}
	now := n.now()
	header.Set(TimestampHeader, strconv.FormatInt(now.Unix(), 10))
	header.Set(SignatureHeader, Sign(key, id, now, body))
	return header, nil
}
