package faults

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
)

// disk is a small file system of its own, which can be filled.
type disk struct{ dir string }

// mount makes a disk in memory. It is nil, with a line in the log, where the test may not mount one; then
// TestP1FullJournal alone says what happens when nothing more can be stored.
func mount(t *testing.T, size string) *disk {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "faults", dir).CombinedOutput()
	if err != nil {
		t.Logf("no disk will be filled, because none can be mounted: %v: %s", err, out)
		return nil
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("unmounting %s: %v: %s", dir, err, out)
		}
	})
	return &disk{dir: dir}
}

func (d *disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill leaves not a byte.
func (d *disk) fill(t *testing.T) {
	t.Helper()
	file, err := os.Create(d.ballast())
	require.NoError(t, err)
	defer file.Close()
	for block := make([]byte, 64<<10); len(block) > 0; {
		n, err := file.Write(block)
		switch {
		case err == nil:
		case errors.Is(err, syscall.ENOSPC):
			block = block[:min(n, len(block)/2)]
		default:
			require.NoError(t, err)
		}
	}
}

func (d *disk) free(t *testing.T) {
	t.Helper()
	require.NoError(t, os.Remove(d.ballast()))
}

// TestP1FullJournal: a journal that has reached its limit with what nobody could be told answers 503, and goes on by itself
// when the far side is back.
func TestP1FullJournal(t *testing.T) {
	const limit = "--storage.retention.size"
	if !has(t, limit) {
		t.Skipf("this notifier has no %s yet", limit)
	}
	rnd := newRandom(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s := newSink(t, rnd)
	n := newNotifier(t, s.server.URL, t.TempDir(), limit+"=16MB")
	n.start()
	s.setWeather(outage)
	l := newLoad(n)
	plan := newPlan(rnd, 150)
	for i := range plan {
		plan[i].Bulk = 20 << 10 // some 40 MB in all
	}

	loaded := make(chan error, 1)
	go func() { loaded <- l.run(ctx, plan) }()
	require.NoError(t, l.unavailable.reach(ctx, 2*posters), "a full journal must be answered with 503")
	ready, _ := n.request(http.MethodGet, "/-/ready", nil)
	s.setWeather(fair)
	err := <-loaded

	require.Equal(t, http.StatusServiceUnavailable, ready, "a notifier that takes nothing is not ready")
	require.NoError(t, err)
	c := &chaos{t: t, rnd: rnd, ctx: ctx, notifier: n, sink: s, load: l, plan: plan}
	c.settle()
	require.Empty(t, judge(c.plan, s.calls(), true).Broken)
}

// TestP2PermanentErrorsBecomeDeadLetters: what Slack will never take is counted and holds up nobody.
func TestP2PermanentErrorsBecomeDeadLetters(t *testing.T) {
	rnd := newRandom(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s := newSink(t, rnd)
	n := newNotifier(t, s.server.URL, t.TempDir())
	n.start()
	if _, ok := n.sum("notifier_dead_letters_total"); !ok {
		t.Skip("this notifier knows no dead letters yet")
	}
	fires := func(id int) group {
		return group{ID: id, Updates: []update{{Version: 1, Alerts: []plannedAlert{{ID: 1, Severity: alert.Warning, Start: 1}}}}}
	}
	words := map[int]string{1: "invalid_blocks", 2: "channel_not_found", 3: "msg_blocks_too_long"}
	s.refuse = func(c call) string { return words[c.Group] }
	l := newLoad(n)
	plan := []group{fires(1), fires(2), fires(3), fires(4), fires(5)}

	require.NoError(t, l.run(ctx, plan))
	err := eventually(ctx, func() bool {
		dead, _ := n.sum("notifier_dead_letters_total")
		pending, ok := n.sum("notifier_pending")
		return ok && pending == 0 && dead == float64(len(words))
	})

	require.NoError(t, err, "want %d dead letters and nothing pending\n%s", len(words), n.logTail())
	require.Empty(t, judge(plan[3:], s.calls(), true).Broken)
}
