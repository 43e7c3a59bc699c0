package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// writeError is what NATS logs, once for each stream, when the stream met a write error. It answers nothing about that
// stream any more, so the log is the only place that says so before Options.Timeout does.
const writeError = "critical write error"

// serverLog gives the NATS server's log to slog. NATS's notices are about its own start and stop, so they are for
// debugging only. A Fatalf of an embedded server ends nothing.
type serverLog struct {
	to *slog.Logger
	// broken is called with what NATS says of a write error.
	broken func(error)

	mu   sync.Mutex
	last string // the last fatal message: NATS logs why it cannot start, and returns no error
}

func (l *serverLog) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == "" {
		return nil
	}
	return errors.New(l.last)
}

func (l *serverLog) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.mu.Lock()
	l.last = text
	l.mu.Unlock()
	l.to.Error(text)
}

func (l *serverLog) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.to.Error(text)
	if strings.Contains(strings.ToLower(text), writeError) {
		l.broken(errors.New(text))
	}
}

func (l *serverLog) Warnf(format string, v ...any)   { l.to.Warn(fmt.Sprintf(format, v...)) }
func (l *serverLog) Noticef(format string, v ...any) { l.to.Debug(fmt.Sprintf(format, v...)) }
func (l *serverLog) Debugf(string, ...any)           {}
func (l *serverLog) Tracef(string, ...any)           {}
