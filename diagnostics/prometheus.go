package diagnostics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"

	"github.com/prometheus/client_golang/api"
	prometheusv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/alertvitals/notifier/config/httpclient"
	"github.com/alertvitals/notifier/config/problem"
)

// maxQueryBytes bounds an answer of the Prometheus. One with hundreds of series has less.
const maxQueryBytes = 4 << 20

// PrometheusConfig is the `prometheus` key: a Prometheus that is asked for the value of an alert's own expression.
type PrometheusConfig struct {
	// URL is its base address; without one none is asked.
	URL string `yaml:"url"`
	// HTTPConfig is how to speak HTTP with it.
	HTTPConfig *httpclient.Config `yaml:"http_config"`
}

// Validate says what is wrong with c.
func (c PrometheusConfig) Validate() []problem.Problem {
	var problems []problem.Problem
	if c.URL == "" {
		if c.HTTPConfig != nil {
			problems = append(problems, problem.Problem{Path: "url", Msg: "is missing: http_config says how to ask, but not whom"})
		}
	} else if msg := checkURL(c.URL); msg != "" {
		problems = append(problems, problem.Problem{Path: "url", Msg: msg})
	}
	return append(problems, problem.Under("http_config", c.HTTPConfig.Validate())...)
}

// server is a Prometheus that can be asked. What it answers is not trusted.
type server struct {
	config PrometheusConfig
	client *http.Client
	api    prometheusv1.API
}

// newServer is nil when none is configured, and the one before when nothing changed.
func newServer(cfg PrometheusConfig, before *settings) (*server, error) {
	if cfg.URL == "" {
		return nil, nil //nolint:nilnil // none is configured
	}
	if before != nil && before.prometheus != nil && reflect.DeepEqual(before.prometheus.config, cfg) {
		return before.prometheus, nil
	}
	common := cfg.HTTPConfig.Common()
	if err := common.Validate(); err != nil {
		return nil, fmt.Errorf("http_config of diagnostics.prometheus: %w", err)
	}
	client, err := commoncfg.NewClientFromConfig(common, "prometheus")
	if err != nil {
		return nil, fmt.Errorf("making the HTTP client of diagnostics.prometheus: %w", err)
	}
	cfg.HTTPConfig.OneAtATime(client)
	client.CheckRedirect = sameHost(common.FollowRedirects)
	client.Transport = bounded{client.Transport}
	asking, err := api.NewClient(api.Config{Address: cfg.URL, Client: client})
	if err != nil {
		return nil, errors.New("diagnostics.prometheus: the URL cannot be parsed")
	}
	return &server{config: cfg, client: client, api: prometheusv1.NewAPI(asking)}, nil
}

// course evaluates an expression at each moment. An error holds nothing of the answer.
func (s *server) course(ctx context.Context, expr string, m moments) (model.Matrix, error) {
	value, _, err := s.api.QueryRange(ctx, expr, prometheusv1.Range{Start: m.first, End: m.last(), Step: m.step})
	var refused *prometheusv1.Error
	switch {
	case errors.As(err, &refused):
		return nil, errors.New("asking Prometheus: it answered with an error")
	case err != nil:
		return nil, errors.New("asking Prometheus: " + explain(err, "it", 0))
	}
	matrix, is := value.(model.Matrix)
	if !is {
		return nil, errors.New("asking Prometheus: it gave no matrix")
	}
	return matrix, nil
}

// bounded is a transport whose answers end with errTooLarge.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, err //nolint:wrapcheck // http.Client says what was asked
	}
	resp.Body = &boundedBody{resp.Body, maxQueryBytes}
	return resp, nil
}

// CloseIdleConnections is what http.Client looks for.
func (b bounded) CloseIdleConnections() {
	if closer, can := b.RoundTripper.(interface{ CloseIdleConnections() }); can {
		closer.CloseIdleConnections()
	}
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err //nolint:wrapcheck // io.EOF stays what it is
}
