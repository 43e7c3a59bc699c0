package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// written is a log, as a JSON object for each line.
type written struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *written) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(line)
}

func (w *written) lines(t *testing.T) (lines []map[string]any) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for line := range strings.Lines(w.text.String()) {
		var l map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &l))
		lines = append(lines, l)
	}
	return lines
}

// A rule whose template goes wrong for each of a thousand alerts does not hide another rule's trouble.
func TestEachRuleIsAKindOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(written)
		handler := NewSampled(slog.NewJSONHandler(log, nil), nil)
		logger := slog.New(handler)
		for range 1000 {
			logger.With("alert", "Many").Warn("Expanding alert template failed")
		}
		logger.With("alert", "One").Warn("Expanding alert template failed")
		assert.Len(t, log.lines(t), First+1)
		handler.Flush()
	})
}

func TestFailuresByTheThousandsWriteFewLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, leftOut := new(written), 0
		handler := NewSampled(slog.NewJSONHandler(log, nil), func() { leftOut++ })
		logger := slog.New(handler).With("receiver", "slack", "integration", "slack")
		for i := range 10_000 {
			reason := []string{"timeout", "server"}[i%2]
			logger.With("delivery", fmt.Sprint(i)).Warn("A try failed", "reason", reason, "err", errors.New("an error of its own: "+fmt.Sprint(i)))
			if i == 5000 {
				logger.Warn("A try failed", "reason", "auth")
			}
		}
		lines := log.lines(t)
		require.Len(t, lines, 2*First+1, "the first of each reason")
		assert.Equal(t, "0", lines[0]["delivery"])
		assert.Equal(t, "auth", lines[2*First]["reason"], "the first of a kind always shows")

		time.Sleep(Interval)
		synctest.Wait()
		last := log.lines(t)[2*First+1:]
		require.Len(t, last, 2, "and at the end of the interval the newest of each")
		assert.ElementsMatch(t, []any{"9998", "9999"}, []any{last[0]["delivery"], last[1]["delivery"]})
		assert.InDelta(t, 5000-First-1, last[0]["suppressed"], 0)
		assert.Equal(t, 2*(5000-First-1), leftOut)

		logger.Warn("A try failed", "reason", "timeout")
		assert.Len(t, log.lines(t), 2*First+4, "a new interval begins afresh")
		handler.Flush()
	})
}

func TestEverySourceHasItsOwnShare(t *testing.T) {
	log := new(written)
	handler := NewSampled(slog.NewJSONHandler(log, nil), nil)
	defer handler.Flush()
	for range 2 * First {
		slog.New(handler).With("receiver", "a").Info("Sent")
		slog.New(handler).With("receiver", "b").Info("Sent")
		slog.New(handler).Info("Webhook refused", "code", "not_a_payload")
		slog.New(handler).WithGroup("g").Info("Sent", "receiver", "in a group it is another thing")
	}
	assert.Len(t, log.lines(t), 4*First)
}

func TestDebuggingIsWhole(t *testing.T) {
	log := new(written)
	handler := NewSampled(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}), nil)
	for range 2 * First {
		slog.New(handler).Debug("Webhook accepted")
	}
	assert.Len(t, log.lines(t), 2*First)
}

func TestFlushWritesWhatIsHeld(t *testing.T) {
	log := new(written)
	handler := NewSampled(slog.NewJSONHandler(log, nil), nil)
	for i := range First + 1 {
		slog.New(handler).Info("Sent", "delivery", i)
	}
	handler.Flush()
	lines := log.lines(t)
	require.Len(t, lines, First+1)
	assert.InDelta(t, First, lines[First]["delivery"], 0)
	assert.NotContains(t, lines[First], "suppressed", "nothing was left out")
	handler.Flush()
	assert.Len(t, log.lines(t), First+1, "once")
}

func TestKindsAreBounded(t *testing.T) {
	log := new(written)
	handler := NewSampled(slog.NewJSONHandler(log, nil), nil)
	defer handler.Flush()
	for i := range 2 * mostKinds {
		slog.New(handler).Info(fmt.Sprintf("NATS says %d", i))
	}
	assert.Len(t, handler.kinds.open, mostKinds+1)
	assert.Len(t, log.lines(t), mostKinds+First)
}

func TestManyAtOnce(t *testing.T) {
	log := new(written)
	handler := NewSampled(slog.NewJSONHandler(log, nil), nil)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range First {
				slog.New(handler).Info("Sent")
			}
		})
	}
	all.Wait()
	handler.Flush()
	lines := log.lines(t)
	require.Len(t, lines, First+1)
	assert.InDelta(t, 7*First-1, lines[First]["suppressed"], 0)
}
