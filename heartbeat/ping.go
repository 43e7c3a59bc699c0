package heartbeat

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	commoncfg "github.com/prometheus/common/config"

	"github.com/alertvitals/notifier/config/secretfile"
)

// pingTimeout bounds a ping, and the question whether the notifier is ready.
const pingTimeout = 10 * time.Second

// Pinger says to a dead man's switch that the notifier works. Its methods may be called at the same time.
type Pinger struct {
	ready   func(context.Context) error
	logger  *slog.Logger
	sent    prometheus.Counter
	failed  prometheus.Counter
	last    prometheus.Gauge
	changed chan struct{}

	mu     sync.Mutex
	config Ping
	client *http.Client
}

// NewPinger says nothing until Use says where, and only while ready is nil.
func NewPinger(ready func(context.Context) error, logger *slog.Logger, reg prometheus.Registerer) *Pinger {
	return &Pinger{
		ready: ready, logger: logger, changed: make(chan struct{}, 1),
		sent: promauto.With(reg).NewCounter(prometheus.CounterOpts{
			Name: "notifier_pings_total", Help: "Pings that were tried.",
		}),
		failed: promauto.With(reg).NewCounter(prometheus.CounterOpts{
			Name: "notifier_ping_failures_total", Help: "Pings that the far side did not take.",
		}),
		last: promauto.With(reg).NewGauge(prometheus.GaugeOpts{
			Name: "notifier_ping_last_success_timestamp_seconds", Help: "When the far side took the newest ping; 0 when it has taken none.",
		}),
	}
}

// Prepare reads what a configuration that Validate found nothing wrong with needs. Use puts it in use.
func (p *Pinger) Prepare(c Ping) (use func(), err error) {
	var client *http.Client
	if c.Configured() {
		cfg := c.HTTPConfig.Common()
		if err = cfg.Validate(); err != nil {
			return nil, fmt.Errorf("ping.http_config: %w", err)
		}
		if client, err = commoncfg.NewClientFromConfig(cfg, "ping", commoncfg.WithUserAgent("alertvitals-notifier")); err != nil {
			return nil, fmt.Errorf("ping.http_config: %w", err)
		}
		client.Timeout = pingTimeout
	}
	return func() {
		p.mu.Lock()
		before := p.client
		p.config, p.client = c, client
		p.mu.Unlock()
		if before != nil {
			before.CloseIdleConnections()
		}
		select {
		case p.changed <- struct{}{}:
		default: // Run has yet to look
		}
	}, nil
}

// Run pings at the interval until ctx ends, and then returns nil.
func (p *Pinger) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	was := ""
	for {
		select {
		case <-ctx.Done():
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.client != nil {
				p.client.CloseIdleConnections()
			}
			return nil
		case <-p.changed:
		case <-timer.C:
		}
		p.mu.Lock()
		config, client := p.config, p.client
		p.mu.Unlock()
		timer.Reset(config.interval()) // before the work: the interval is from one begin to the next
		if client == nil {
			timer.Stop()
			continue
		}
		now := ""
		if err := p.ping(ctx, config, client); err != nil && ctx.Err() == nil {
			now = err.Error()
		}
		if now != "" && now != was {
			p.logger.Warn("Ping failed", "err", now)
		} else if now == "" && was != "" {
			p.logger.Info("Ping is taken again")
		}
		was = now
	}
}

// ping says that the notifier works, if it does. The error holds no address.
func (p *Pinger) ping(ctx context.Context, c Ping, client *http.Client) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	if err := p.ready(ctx); err != nil {
		return fmt.Errorf("not sent, the notifier is not ready: %w", err)
	}
	p.sent.Inc()
	err := get(ctx, c, client)
	if err != nil {
		p.failed.Inc()
		return err
	}
	p.last.SetToCurrentTime()
	return nil
}

func get(ctx context.Context, c Ping, client *http.Client) error {
	address := string(c.URL)
	if c.URLFile != "" {
		var err error
		if address, err = secretfile.Read(c.URLFile); err != nil {
			return fmt.Errorf("reading ping.url_file: %w", err)
		}
	}
	if parse(address) == nil {
		return errors.New("the content of ping.url_file is not an http or https address")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return errors.New("the address of the ping is not an http or https address")
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("asking the address of the ping: %w", plain(err))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // for the connection to be used again
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the address of the ping answered %d", resp.StatusCode)
	}
	return nil
}

// plain is a client's error without the address. Those that net/http words by what was answered may quote it: they say so little.
func plain(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	var (
		network     net.Error
		certificate *tls.CertificateVerificationError
	)
	if errors.As(err, &network) || errors.As(err, &certificate) || errors.Is(err, io.EOF) {
		return err
	}
	return errors.New("the connection broke, or the answer is no HTTP or a redirect that leads nowhere")
}
