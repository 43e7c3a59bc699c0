package diagnostics

import (
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alertvitals/notifier/diagnostics/jsonbody"
)

// healthShape is what a health answer of one kind of agent looks like: a JSON object that has all the keys, or the JSON string.
type healthShape struct {
	Path string   `yaml:"path"`
	Keys []string `yaml:"keys"`
	Says string   `yaml:"says"`
}

// fits is whether an answer to Path has the shape.
func (h healthShape) fits(got answer) bool {
	mediaType, _, _ := mime.ParseMediaType(got.contentType)
	if got.status != 200 || (mediaType != "application/json" && !strings.HasSuffix(mediaType, "+json")) {
		return false
	}
	if h.Says != "" {
		var text string
		return json.Unmarshal(got.body, &text) == nil && text == h.Says
	}
	value, err := jsonbody.Decode(got.body)
	if err != nil {
		return false
	}
	return len(h.Keys) > 0 && !slices.ContainsFunc(h.Keys, func(key string) bool {
		_, found := jsonbody.At(value, key)
		return !found
	})
}

// restBetweenRounds is how long an agent that gave no known answer to any path is left alone.
const restBetweenRounds = 10 * time.Minute

// recognised is what an agent was recognised as. It holds until the agent shows that it is another one.
type recognised struct {
	as atomic.Pointer[profile]

	mu sync.Mutex
	// next is the place of the shape that is asked for next, not before `due`.
	next int
	due  time.Time
	// harmless is whether the agent is known to be none whose paths must not be asked.
	harmless bool
}

// kindsAt are the profiles by which the agent is read at t, of whose metrics the history holds these names: the configured one, the
// one that its metrics tell, or else the one that it was recognised as before; and those that follow it. It is empty while
// nobody knows.
func (a *agent) kindsAt(ctx context.Context, t time.Time, names []string) ([]*profile, error) {
	had := fitting(a.profiles, names)
	var now []*profile
	for _, p := range had {
		reported, err := a.series.reports(ctx, t, p.Recognise)
		if err != nil {
			return nil, err
		}
		if reported {
			now = append(now, p)
		}
	}
	if a.profile != nil {
		return kinds(a.profiles, a.profile, now), nil
	}
	before := a.recognised.as.Load()
	switch {
	// A scrape that lacks what is special about an agent is not one of another agent.
	case len(now) > 0 && (before == nil || before.General || !now[0].General):
		kind := now[0]
		if i := slices.IndexFunc(had, func(p *profile) bool { return !p.General }); kind.General && i >= 0 {
			kind = had[i] // we may have begun after what is special about it was last reported
		}
		a.recognised.as.Store(kind)
		return kinds(a.profiles, kind, now), nil
	case before != nil:
		return kinds(a.profiles, before, now), nil
	}
	// An exporter that has nothing to say is still what it was.
	return kinds(a.profiles, nil, had), nil
}

// recogniseByMetrics looks whether a scrape tells what the agent is.
func (a *agent) recogniseByMetrics(ctx context.Context, t time.Time) error {
	names, err := a.series.metricNames(ctx, t, t)
	if err != nil {
		return err
	}
	_, err = a.kindsAt(ctx, t, names)
	return err
}

// recogniseByHealth asks an agent that its metrics do not tell for one of the known shapes of health answers: one request,
// and not more often than the agent is scraped.
func (c *Collector) recogniseByHealth(ctx context.Context, a *agent) {
	shapes := slices.DeleteFunc(slices.Clone(a.profiles), func(p *profile) bool { return p.RecogniseHealth.Path == "" })
	r := &a.recognised
	r.mu.Lock()
	now := c.now()
	if len(shapes) == 0 || now.Before(r.due) {
		r.mu.Unlock()
		return
	}
	p := shapes[r.next%len(shapes)]
	// A poll may begin a little early.
	r.due = now.Add(a.interval - a.interval/10)
	r.mu.Unlock()
	got, err := fetch(ctx, a.client, a.base+p.RecogniseHealth.Path, healthAccept, maxHealthBytes)
	if err != nil {
		return // it will be asked again
	}
	if p.RecogniseHealth.fits(got) {
		c.recognise(a, p)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next = (r.next + 1) % len(shapes); r.next == 0 {
		r.due = now.Add(restBetweenRounds)
	}
}

// Recognise asks an agent that its metrics do not tell for every known shape of health answers, one after the other and without
// the rests that the poller takes: for a person who asks once. It says whether the agent is recognised now.
func (c *Collector) Recognise(ctx context.Context, labels map[string]string) bool {
	a, why := c.find(c.settings.Load(), labels)
	if a == nil || why != nil || !c.begin() {
		return false
	}
	defer c.work.Done()
	limited, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	for range a.profiles {
		if a.kind() != nil || limited.Err() != nil {
			break
		}
		a.recognised.mu.Lock()
		a.recognised.due = time.Time{}
		a.recognised.mu.Unlock()
		c.recogniseByHealth(limited, a)
	}
	return a.kind() != nil
}

func (c *Collector) recognise(a *agent, p *profile) {
	if a.recognised.as.Swap(p) != p {
		a.newest.Store(nil) // it does not know yet
		c.logger.Info("Agent recognised by its health", "agent", a.name, "profile", p.Name)
	}
}

// doubt takes back what the agent was recognised as by its health, when it does not offer that endpoint any more.
func (a *agent) doubt(health *Check) {
	kind := a.recognised.as.Load()
	if kind == nil || health == nil || health.Verdict != NotOffered || health.Path != kind.RecogniseHealth.Path {
		return
	}
	a.recognised.mu.Lock()
	defer a.recognised.mu.Unlock()
	a.recognised.as.Store(nil)
	a.recognised.next, a.recognised.due, a.recognised.harmless = 0, time.Time{}, false
}

// neverAsk is whether asking for path costs money. The profile may be nil.
func (p *profile) neverAsk(path string) bool {
	path, _, _ = strings.Cut(path, "?")
	return p != nil && slices.Contains(p.NeverAsk, strings.TrimRight(path, "/"))
}

// beware looks, before an agent that is not recognised is asked for a path, whether it is of a kind that must not be: some
// call their models, and so cost money, when they are asked what others are asked for. An error means that it could not be
// known.
func (c *Collector) beware(ctx context.Context, a *agent, path string) error {
	r := &a.recognised
	r.mu.Lock()
	harmless := r.harmless
	r.mu.Unlock()
	if harmless || a.kind() != nil || !slices.ContainsFunc(a.profiles, func(p *profile) bool { return p.neverAsk(path) }) {
		return nil
	}
	for _, p := range a.profiles {
		if !p.neverAsk(path) || p.RecogniseHealth.Path == "" {
			continue
		}
		got, err := fetch(ctx, a.client, a.base+p.RecogniseHealth.Path, healthAccept, maxHealthBytes)
		switch {
		case err != nil:
			return fmt.Errorf("looking whether the agent is %s: %w", p.Name, err)
		case p.RecogniseHealth.fits(got):
			c.recognise(a, p)
			return nil
		case got.status >= 500:
			return nil // it may be another time
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.harmless = true
	return nil
}
