package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alertvitals/notifier/delivery"
)

const (
	// clientTimeout bounds one request to a running notifier.
	clientTimeout = 15 * time.Second
	// maxAnswer bounds what is read of its answer, in bytes.
	maxAnswer = 64 << 20
)

// client asks a running notifier.
type client struct {
	base *url.URL
	http *http.Client
}

// ask is the body of the answer to a request. The error says in words why there is none.
func (c *client) ask(ctx context.Context, method string, query url.Values, path ...string) ([]byte, error) {
	for i := range path {
		path[i] = url.PathEscape(path[i])
	}
	address := c.base.JoinPath(path...)
	address.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, address.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("--url %s is not an address like http://localhost:9095", c.base.Redacted())
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the notifier at %s cannot be asked: %s; --url says where it is", c.base.Redacted(), whyNot(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("the notifier at %s broke off its answer", c.base.Redacted())
	}
	if resp.StatusCode/100 == 2 {
		return body, nil
	}
	var wrong struct {
		Message string `json:"message"`
	}
	switch {
	case json.Unmarshal(body, &wrong) == nil && wrong.Message != "":
	case resp.StatusCode == http.StatusUnauthorized:
		return nil, fmt.Errorf("the notifier at %s wants to know who asks: --http.config.file says how to tell it", c.base.Redacted())
	case strings.Contains(string(body), "HTTP request to an HTTPS server"):
		return nil, fmt.Errorf("the notifier at %s speaks HTTPS, not HTTP: --url=https://…", c.base.Redacted())
	default:
		return nil, fmt.Errorf("%s answered %d, and not as a notifier does; --url says where it is", c.base.Redacted(), resp.StatusCode)
	}
	said := printable(wrong.Message)
	if resp.StatusCode == http.StatusUnauthorized { // it speaks to whoever asks by HTTP
		said += "; commands take it from --http.config.file"
	}
	return nil, refusal(said)
}

// refusal is a notifier's answer that it does not do what it was asked; another request may fare better.
type refusal string

func (r refusal) Error() string { return string(r) }

// deliveryPath is where a notifier lists its deliveries.
var deliveryPath = []string{"api", "v1", "deliveries"}

// listing is the answer with which a notifier lists them.
type listing struct {
	Deliveries []delivery.Delivery `json:"deliveries"`
	// Next is where the next answer begins, empty when this is all.
	Next string `json:"next"`
}

// list is what waits and what is dead, the newest first, from the next of an earlier answer on.
func (c *client) list(ctx context.Context, q delivery.Query, from string) (found listing, body []byte, err error) {
	query := url.Values{"limit": {strconv.Itoa(q.Limit)}}
	for name, value := range map[string]string{
		"receiver": q.Receiver, "status": string(q.Status), "alertname": q.Alertname, "before": from,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if body, err = c.ask(ctx, http.MethodGet, query, deliveryPath...); err != nil {
		return listing{}, nil, err
	}
	if err := json.Unmarshal(body, &found); err != nil {
		return listing{}, nil, errors.New("the answer is not a notifier's; --url says where it is")
	}
	return found, body, nil
}

func (c *client) replay(ctx context.Context, id string) error {
	_, err := c.ask(ctx, http.MethodPost, nil, append(slices.Clone(deliveryPath), id, "replay")...)
	return err
}

// noReceiver says which receivers there are when there is none of this name, "" otherwise and when the notifier does not say.
func (c *client) noReceiver(ctx context.Context, name string) string {
	var all struct {
		Receivers []delivery.Receiver `json:"receivers"`
	}
	if name == "" {
		return ""
	}
	body, err := c.ask(ctx, http.MethodGet, nil, "api", "v1", "receivers")
	if err != nil || json.Unmarshal(body, &all) != nil || len(all.Receivers) == 0 {
		return ""
	}
	var names []string
	for _, r := range all.Receivers {
		if r.Name == name {
			return ""
		}
		names = append(names, printable(r.Name))
	}
	return fmt.Sprintf(" There is no receiver %q; there are %s.", name, strings.Join(names, ", "))
}

// whyNot is why there was no answer, without the address, which may hold a password.
func whyNot(err error) string {
	var (
		timeout   net.Error
		dns       *net.DNSError
		file      *fs.PathError
		untrusted *tls.CertificateVerificationError
	)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there"
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.As(err, &dns):
		return "there is no host " + printable(dns.Name)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("no answer within %s", clientTimeout)
	case errors.As(err, &file):
		return printable(file.Error())
	case errors.As(err, &untrusted):
		return printable(untrusted.Err.Error()) + " (--http.config.file says whom to trust)"
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "it speaks HTTP, not HTTPS"
	default:
		for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
			err = inner
		}
		return printable(err.Error())
	}
}
