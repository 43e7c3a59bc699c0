package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/notifiers/post"
	"github.com/alertvitals/notifier/templates"
)

// Notifier is one PagerDuty integration. It is safe for concurrent use and keeps nothing between calls.
type Notifier struct {
	config Config
	client *post.Client
	set    *templates.Set
}

var _ notifiers.Notifier = (*Notifier)(nil)

// New makes the sink, whose texts are made with set. Its error says what is wrong with the configuration.
func New(c Config, set *templates.Set) (*Notifier, error) {
	if problems := c.Validate(); len(problems) > 0 {
		return nil, fmt.Errorf("pagerduty: %s: %s", problems[0].Path, problems[0].Msg)
	}
	client, err := post.New(c.HTTPConfig, cmp.Or(time.Duration(c.Timeout), defaultTimeout))
	if err != nil {
		return nil, fmt.Errorf("pagerduty: %w", err)
	}
	return &Notifier{c, client, set}, nil
}

// Notify sends the events that the message comes to, one after the other. When one of them fails, the Receipt that comes with the
// error holds what was sent, and the next try sends the rest: PagerDuty takes some 120 events in a minute, so a message of many
// alerts may need several tries. Whatever is sent twice nonetheless changes nothing, because its dedup_key is the same.
//
// Source: https://developer.pagerduty.com/docs/send-alert-event.
func (n *Notifier) Notify(ctx context.Context, m notifiers.Message) (notifiers.Receipt, error) {
	key, err := n.config.key()
	if err != nil {
		return m.Previous, err
	}
	told := m.Previous
	var refused error
	for _, s := range n.plan(m) {
		m.Hear("dedup_key", s.event.dedupKey)
		switch err := n.send(ctx, key, s.event, m.Hear); {
		case isRefusal(err):
			refused = cmp.Or(refused, err) // one alert that PagerDuty does not want keeps none of the others from it
		case err != nil:
			return told, err
		}
		told = s.after
	}
	return told, refused
}

func isRefusal(err error) bool {
	e, ok := errors.AsType[*notifiers.Error](err)
	return ok && e.Permanent && e.Reason == notifiers.Rejected
}

// send sends one event.
func (n *Notifier) send(ctx context.Context, key string, e event, hear func(name, value string)) error {
	const doing = "telling PagerDuty"
	body, err := n.fit(e, key)
	if err != nil {
		return &notifiers.Error{Reason: notifiers.Rejected, Permanent: true, Err: fmt.Errorf("%s: %w", doing, err)}
	}
	address := n.config.address()
	answer, err := n.client.JSON(ctx, doing, address, nil, body)
	if err != nil {
		return err
	}
	hear("status", strconv.Itoa(answer.Status))
	switch {
	case n.config.v1() && answer.Status == http.StatusOK, !n.config.v1() && answer.Status == http.StatusAccepted:
		return nil
	case n.config.v1() && answer.Status == http.StatusForbidden:
		// Source: https://developer.pagerduty.com/docs/events-api-v1-overview#api-response-codes--retry-logic.
		return &notifiers.Error{
			Reason: notifiers.RateLimited, RetryAfter: notifiers.RetryAfter(answer.Header, time.Now()),
			Err: errors.New(doing + ": the answer is 403, which means too many events"),
		}
	}
	if err := answer.Failed(doing, complaint(answer.Body, key)); err != nil {
		return err
	}
	return &notifiers.Error{Reason: notifiers.Server, Err: fmt.Errorf("%s: the answer %d is not one of PagerDuty's", doing, answer.Status)}
}

// harmless is what a complaint of PagerDuty's consists of: "Length of 'routing_key' is incorrect (should be 32 characters)".
var harmless = regexp.MustCompile(`^[A-Za-z0-9 '._,()-]{1,120}$`)

// complaint is what PagerDuty says is wrong with an event, "" when it says nothing or something that may hold our key.
func complaint(answer []byte, key string) string {
	var said struct {
		Message string   `json:"message"`
		Errors  []string `json:"errors"`
	}
	if json.Unmarshal(answer, &said) != nil {
		return ""
	}
	for _, text := range append(said.Errors, said.Message) {
		if harmless.MatchString(text) && !strings.Contains(text, key) {
			return text
		}
	}
	return ""
}
