package post

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	commoncfg "github.com/prometheus/common/config"

	"github.com/alertvitals/notifier/config/httpclient"
	"github.com/alertvitals/notifier/config/secretfile"
	"github.com/alertvitals/notifier/notifiers"
)

// answerSize bounds what is read of an answer, in bytes. Nobody shows more of one than a few words.
const answerSize = 64 << 10

// UserAgent is how the notifier calls itself.
const UserAgent = "alertvitals-notifier"

// Client makes requests. It is safe for concurrent use.
type Client struct{ http *http.Client }

// New makes a client by http_config, which may be nil. It reads the files of tls_config; those that hold secrets are read at
// each use. timeout bounds a request together with its context.
func New(c *httpclient.Config, timeout time.Duration) (*Client, error) {
	cfg := c.Common()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("http_config: %w", err)
	}
	client, err := commoncfg.NewClientFromConfig(cfg, "notifier", commoncfg.WithUserAgent(UserAgent))
	if err != nil {
		return nil, fmt.Errorf("http_config: %w", err)
	}
	client.Timeout = timeout
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{client}, nil
}

// Answer is what the far side answered: at most the first 64 KiB of its body, which may hold anything.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON posts a body of JSON. The error, when no whole answer came, is a *notifiers.Error; doing says in it what was tried. What
// the answer's status means is for the caller to say.
func (c *Client) JSON(ctx context.Context, doing, address string, header http.Header, body []byte) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return Answer{}, &notifiers.Error{Reason: notifiers.Auth, Err: errors.New(doing + ": this is not an http or https address")}
	}
	for name, values := range header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return Answer{}, during(doing, err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, answerSize))
	if err != nil {
		return Answer{}, during(doing, err)
	}
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: said}, nil
}

func during(doing string, err error) *notifiers.Error {
	e := notifiers.FromNetwork(err)
	e.Err = fmt.Errorf("%s: %w", doing, e.Err)
	return e
}

// Failed is the error of an answer with which the far side does not take the message, nil when its status is one of 2xx.
// because, which may be empty, says more in words that are known to hold no secret.
func (a Answer) Failed(doing, because string) error {
	if because != "" {
		because = " (" + because + ")"
	}
	answered := fmt.Errorf("%s: the answer is %s%s", doing, notifiers.StatusInWords(a.Status), because)
	if e := notifiers.FromStatus(a.Status, a.Header, time.Now(), answered); e != nil {
		return e
	}
	return nil
}

// Address is nil for what is not an absolute http address. It has no error, because one would hold the address.
func Address(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil
	}
	return u
}

// Secret is a secret that the configuration holds, or else the content of the file that it names, freshly read. what says in the
// error whose it is.
func Secret(what string, given commoncfg.Secret, file string) (string, error) {
	if given != "" {
		return string(given), nil
	}
	secret, err := secretfile.Read(file)
	if err != nil {
		return "", &notifiers.Error{Reason: notifiers.Auth, Err: fmt.Errorf("reading %s: %w", what, err)}
	}
	return secret, nil
}
