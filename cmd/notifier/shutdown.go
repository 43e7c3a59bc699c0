package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

const (
	// exitLimit bounds the whole end of the notifier, from the signal on. A try that is under way has five seconds of it, and
	// then its outcome is stored.
	exitLimit = 20 * time.Second
	// requestsLimit bounds how long requests that are under way may take at the end.
	requestsLimit = 5 * time.Second
)

// part is something that runs beside others.
type part struct {
	done chan struct{}
	err  error
}

func begin(run func() error) *part {
	p := &part{done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = run()
	}()
	return p
}

func (p *part) wait() error {
	<-p.done
	return p.err
}

// run runs the service until ctx ends or a part of it fails. Then it accepts nothing more, which senders are told for as long as
// others are still being told, and closes everything: what is sent is finished or handed back, and nothing that was accepted is lost.
func (s *service) run(ctx context.Context, hangups <-chan os.Signal, listen func() error) error {
	whole := context.WithoutCancel(ctx)
	sending, stopSending := context.WithCancel(whole)
	defer stopSending()
	looking, stopLooking := context.WithCancel(whole)
	defer stopLooking()
	reloading, stopReloading := context.WithCancel(ctx)
	defer stopReloading()

	raising, stopRaising := context.WithCancel(whole)
	defer stopRaising()
	own := begin(func() error { return s.own.run(raising) })
	agents := begin(func() error { return s.collector.Run(looking) })
	loops := begin(func() error { return s.loops.Run(sending) })
	requests := begin(listen)
	go s.configuration.reloadOn(reloading, hangups)

	select {
	case <-ctx.Done():
	case <-loops.done:
	case <-requests.done:
	}
	s.logger.Info("Stopping", "limit", exitLimit)
	stopRaising()
	s.webhook.Drain()
	stopReloading()
	return inOrder(exitLimit, s.logger,
		step{"delivery", func() error { stopSending(); return loops.wait() }},
		step{"requests", func() error { return errors.Join(s.closeServer(whole), requests.wait()) }},
		step{"rules and heartbeats", func() error { s.own.rules.Close(); return own.wait() }},
		step{"agents", func() error { stopLooking(); return agents.wait() }},
		step{"history of scraped samples", s.collector.Close},
		step{"journal", func() error { s.journal.Close(); return nil }},
		step{"traces", func() error { s.stopTracing(whole); return nil }},
	)
}

func (s *service) closeServer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestsLimit)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		s.logger.Warn("Some requests were cut off", "err", err)
		if err := s.server.Close(); err != nil && !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("closing the HTTP server: %w", err)
		}
	}
	return nil
}

// stopTracing sends the last spans. That a collector does not take them is no failure of the notifier.
func (s *service) stopTracing(ctx context.Context) {
	if err := s.tracing.Stop(ctx); err != nil {
		s.logger.Warn("The newest traces are lost", "err", err)
	}
}

// step is one of several things that are done one after the other.
type step struct {
	name string
	do   func() error
}

// inOrder does all steps, whatever one of them fails with, and joins their errors. When they are not done after limit it says
// which of them hangs, and gives up.
func inOrder(limit time.Duration, logger *slog.Logger, steps ...step) error {
	var at atomic.Int64
	done := begin(func() error {
		var errs error
		for i, s := range steps {
			at.Store(int64(i))
			errs = errors.Join(errs, s.do())
		}
		return errs
	})
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done.done:
		if done.err == nil {
			logger.Info("Stopped")
		}
		return done.err
	case <-timer.C:
		name := steps[at.Load()].name
		logger.Error("Stopping took too long, gave up", "hangs", name, "limit", limit)
		return fmt.Errorf("stopping took more than %s: this hangs: %s; what was accepted is on disk", limit, name)
	}
}
