package faults

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

// posters is how many webhooks are under way at once.
const posters = 12

// load posts a plan as Alertmanagers do: a group's updates one after the other, each until it is accepted.
type load struct {
	notifier *notifier
	// accepted counts the answers 200, unavailable those with 503, both over all posters.
	accepted, unavailable counter
	turns                 *semaphore.Weighted
}

func newLoad(n *notifier) *load {
	return &load{notifier: n, accepted: newCounter(), unavailable: newCounter(), turns: semaphore.NewWeighted(posters)}
}

// run posts all groups side by side. It returns an error at the first answer that Alertmanager would give up on.
func (l *load) run(ctx context.Context, plan []group) error {
	all, ctx := errgroup.WithContext(ctx)
	for _, g := range plan {
		all.Go(func() error { return l.postGroup(ctx, g) })
	}
	return all.Wait()
}

func (l *load) postGroup(ctx context.Context, g group) error {
	for _, u := range g.Updates {
		body, err := g.payload(u, false)
		if err != nil {
			return err
		}
		both, bothCtx := errgroup.WithContext(ctx)
		both.Go(func() error { return l.post(bothCtx, body) })
		if u.Twin {
			twin, err := g.payload(u, true)
			if err != nil {
				return err
			}
			both.Go(func() error { return l.post(bothCtx, twin) })
		}
		if err := both.Wait(); err != nil {
			return fmt.Errorf("posting g%d-u%d: %w", g.ID, u.Version, err)
		}
		if u.Again {
			if err := l.post(ctx, body); err != nil {
				return fmt.Errorf("posting g%d-u%d again: %w", g.ID, u.Version, err)
			}
		}
		if u.Behind {
			old, err := g.payload(g.Updates[u.Version-2], true)
			if err != nil {
				return err
			}
			if err := l.post(ctx, old); err != nil {
				return fmt.Errorf("posting what is older than g%d-u%d: %w", g.ID, u.Version, err)
			}
		}
	}
	return nil
}

// post posts one body until it is accepted. Only a 5xx and a broken connection are tried again, as Alertmanager does.
func (l *load) post(ctx context.Context, body []byte) error {
	if err := l.turns.Acquire(ctx, 1); err != nil {
		return fmt.Errorf("waiting for a turn: %w", err)
	}
	defer l.turns.Release(1)
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 300*time.Millisecond) {
		status, answer := l.notifier.request(http.MethodPost, "/api/v1/webhook", bytes.NewReader(body))
		switch {
		case status == http.StatusOK:
			l.accepted.add()
			return nil
		case status == http.StatusServiceUnavailable:
			l.unavailable.add()
		case status != 0 && status < 500:
			return fmt.Errorf("the notifier answered %d: %s", status, answer)
		}
		pause := time.NewTimer(wait)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return fmt.Errorf("it was never accepted; the last answer was %d %s: %w", status, answer, ctx.Err())
		}
	}
}

// TestPlan: what is posted must be what Alertmanager could post, or the suite proves nothing.
func TestPlan(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	plan := newPlan(rnd, 500)
	fired, resolved, again, joined, left, many := map[int]bool{}, map[int]bool{}, map[int]bool{}, map[int]bool{}, map[int]bool{}, map[int]bool{}
	for _, g := range plan {
		firing := map[int]int{} // alert → start
		ended := map[int]int{}  // alert → end
		for i, u := range g.Updates {
			if u.Version != i+1 || len(u.Alerts) == 0 {
				t.Fatalf("group %d: update %d has version %d and %d alerts", g.ID, i+1, u.Version, len(u.Alerts))
			}
			for _, a := range u.Alerts {
				start, fires := firing[a.ID]
				switch {
				case fires && start != a.Start:
					t.Fatalf("group %d u%d: alert %d changes its start while it fires", g.ID, u.Version, a.ID)
				case !fires && (a.resolved() || a.Start != u.Version):
					t.Fatalf("group %d u%d: alert %d was not firing before", g.ID, u.Version, a.ID)
				case !fires && ended[a.ID] >= a.Start:
					t.Fatalf("group %d u%d: alert %d fires anew before its end", g.ID, u.Version, a.ID)
				}
				switch {
				case a.resolved():
					ended[a.ID] = a.End
					delete(firing, a.ID)
					resolved[g.ID] = true
				case !fires && ended[a.ID] > 0:
					again[g.ID] = true
					fallthrough
				default:
					fired[g.ID] = true
					if !fires && len(firing) > 0 && i > 0 {
						joined[g.ID] = true
					}
					firing[a.ID] = a.Start
				}
			}
			if len(firing) > 0 && len(firing) < len(u.Alerts) {
				left[g.ID] = true
			}
			if len(u.Alerts) > 3 {
				many[g.ID] = true
			}
		}
	}
	for what, groups := range map[string]map[int]bool{
		"fires": fired, "resolves": resolved, "fires anew": again, "is joined": joined, "is left": left, "has four alerts": many,
	} {
		if n := len(groups); n < 25 {
			t.Errorf("only %d of 500 groups have one that %s", n, what)
		}
	}
}
