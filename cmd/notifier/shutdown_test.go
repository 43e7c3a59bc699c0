package main

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryStepOfTheEndIsDone(t *testing.T) {
	var log bytes.Buffer
	var did []string
	do := func(name string, err error) step {
		return step{name, func() error { did = append(did, name); return err }}
	}
	broken := errors.New("broken")

	err := inOrder(time.Hour, slog.New(slog.NewTextHandler(&log, nil)), do("a", broken), do("b", nil))

	require.ErrorIs(t, err, broken)
	assert.Equal(t, []string{"a", "b"}, did, "what fails does not keep the rest from being closed")
	assert.NotContains(t, log.String(), "Stopped")

	require.NoError(t, inOrder(time.Hour, slog.New(slog.NewTextHandler(&log, nil)), do("c", nil)))
	assert.Contains(t, log.String(), "msg=Stopped")
}

func TestEndIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		hang, tooLate := make(chan struct{}), false
		began := time.Now()

		err := inOrder(exitLimit, slog.New(slog.NewTextHandler(&log, nil)),
			step{"delivery", func() error { time.Sleep(7 * time.Second); return nil }},
			step{"journal", func() error { <-hang; return nil }},
			step{"history", func() error { tooLate = true; return nil }})

		require.ErrorContains(t, err, "this hangs: journal")
		assert.Equal(t, exitLimit, time.Since(began))
		assert.Contains(t, log.String(), "level=ERROR")
		assert.Contains(t, log.String(), "hangs=journal")
		assert.False(t, tooLate)
		close(hang)
	})
}
