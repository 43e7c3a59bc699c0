package diagnostics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/alertvitals/notifier/diagnostics/exposition"
	"github.com/alertvitals/notifier/diagnostics/jsonbody"
	"github.com/alertvitals/notifier/diagnostics/opencode"
)

const (
	// maxJSONBytes is what a thousand sessions of an agent take, twice.
	maxJSONBytes = 2 << 20
	jsonAccept   = "application/json"
	// jsonTimeout is how long an answer may take when the profile does not say; nobody waits that long for it, but it is kept for
	// those who ask next.
	jsonTimeout = 30 * time.Second
	// jsonKeeps is how old an answer may be that stands in for one that is late.
	jsonKeeps = time.Minute
	// jsonRests is how long an endpoint is left alone that wants credentials, is not there, or is asked too often.
	jsonRests = time.Minute
)

// jsonEndpoint is an endpoint of an agent whose JSON answers hold samples. They are stored beside those of the metrics endpoint.
type jsonEndpoint struct {
	// Path is joined to the agent's URL, and may have a query.
	Path string `yaml:"path"`
	// Every is how old an answer may be to be used once more; 0 asks with each scrape.
	Every model.Duration `yaml:"every"`
	// Timeout is how long the agent may take, however soon the values are wanted. An answer that is late serves the next scrape.
	Timeout model.Duration  `yaml:"timeout"`
	Samples []jsonbody.Rule `yaml:"samples"`
	// Messages says that the answer is OpenCode's list of sessions, and that the samples come of their messages.
	Messages *openCodeMessages `yaml:"messages"`
}

// openCodeMessages is where the messages of one of OpenCode's sessions are, and of how many sessions they are asked for: of those that
// changed within the last hour the newest.
type openCodeMessages struct {
	// Path has {id} where the session's ID belongs.
	Path   string `yaml:"path"`
	Newest int    `yaml:"newest"`
}

func (e jsonEndpoint) validate() error {
	if !strings.HasPrefix(e.Path, "/") {
		return fmt.Errorf("json: the path %q does not begin with /", e.Path)
	}
	if len(e.Samples) == 0 == (e.Messages == nil) {
		return fmt.Errorf("json: %s: needs samples or messages, one of them", e.Path)
	}
	if m := e.Messages; m != nil && (!strings.HasPrefix(m.Path, "/") || !strings.Contains(m.Path, "{id}") || m.Newest < 1 || m.Newest > 10) {
		return fmt.Errorf("json: %s: messages needs a path like /session/{id}/message, and newest from 1 to 10", e.Path)
	}
	for _, rule := range e.Samples {
		if err := rule.Validate(); err != nil {
			return fmt.Errorf("json: %s: %w", e.Path, err)
		}
	}
	return nil
}

// shown is the endpoint's path as people read it: without its query.
func (e jsonEndpoint) shown() string {
	path := e.Path
	if e.Messages != nil {
		path = e.Messages.Path
	}
	path, _, _ = strings.Cut(path, "?")
	return path
}

// gives is whether an expression uses a sample of the endpoint.
func (e jsonEndpoint) gives(expr string) bool {
	if e.Messages != nil {
		return slices.ContainsFunc(opencode.Names(), func(name string) bool { return mentions(expr, name) })
	}
	return slices.ContainsFunc(e.Samples, func(rule jsonbody.Rule) bool { return mentions(expr, rule.Name) })
}

// mentions is whether a metric's whole name stands in an expression.
func mentions(expr, name string) bool {
	for rest := expr; ; {
		i := strings.Index(rest, name)
		if i < 0 {
			return false
		}
		partOfName := func(c byte) bool {
			return c == '_' || c == ':' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		}
		end := i + len(name)
		if (i == 0 || !partOfName(rest[i-1])) && (end == len(rest) || !partOfName(rest[end])) {
			return true
		}
		rest = rest[end:]
	}
}

// sourced is what an endpoint gave for one scrape.
type sourced struct {
	endpoint jsonEndpoint
	samples  []jsonbody.Sample
	// at is when the answer came, failed why there is none, in words for people.
	at     time.Time
	failed string
}

// sources are the endpoints of one agent by their paths, with what they answered last.
type sources struct {
	mu     sync.Mutex
	byPath map[string]*source
}

func (s *sources) of(endpoint jsonEndpoint) *source {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.byPath[endpoint.Path]
	if one == nil {
		one = &source{}
		if s.byPath == nil {
			s.byPath = map[string]*source{}
		}
		s.byPath[endpoint.Path] = one
	}
	return one
}

// source is one endpoint. It is asked once at a time, whoever wants its answer.
type source struct {
	mu sync.Mutex
	// newest is the last answer that was good.
	newest sourced
	// failed says why the last answer was not, "" when it was; the endpoint is not asked again before `until`.
	failed string
	until  time.Time
	// asking is closed when the answer that is under way since `began` has come; nil when none is.
	asking chan struct{}
	began  time.Time
}

// ask gives what an endpoint says, or said shortly before, by the time that ctx ends. Waited is how long that is. What is asked
// goes on for those who ask next. The caller holds the collector's work.
func (c *Collector) ask(ctx context.Context, a *agent, endpoint jsonEndpoint, waited time.Duration) sourced {
	s := a.sources.of(endpoint)
	now := c.now()
	s.mu.Lock()
	switch {
	case now.Sub(s.newest.at) < time.Duration(endpoint.Every):
		defer s.mu.Unlock()
		return s.newest
	case now.Before(s.until):
		defer s.mu.Unlock()
		return sourced{endpoint: endpoint, failed: s.failed}
	case s.asking == nil:
		s.asking, s.began = make(chan struct{}), now
		c.work.Go(func() { c.fill(a, s, endpoint, now) })
	case now.Sub(s.began) >= waited:
		// It is late already: to wait once more would hold up a page for nothing.
		defer s.mu.Unlock()
		return s.instead(endpoint, now, now.Sub(s.began))
	}
	done := s.asking
	s.mu.Unlock()
	_, answered := await(ctx, done)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case answered && s.failed == "":
		return s.newest
	case answered:
		return sourced{endpoint: endpoint, failed: s.failed}
	}
	return s.instead(endpoint, now, waited)
}

// instead is what there is in place of an answer that is late.
func (s *source) instead(endpoint jsonEndpoint, now time.Time, waited time.Duration) sourced {
	if now.Sub(s.newest.at) < jsonKeeps {
		return s.newest
	}
	return sourced{endpoint: endpoint, failed: noAnswer(waited)}
}

// fill asks an endpoint and keeps what it says.
func (c *Collector) fill(a *agent, s *source, endpoint jsonEndpoint, at time.Time) {
	timeout := time.Duration(endpoint.Timeout)
	if timeout == 0 {
		timeout = jsonTimeout
	}
	ctx, cancel := context.WithTimeout(c.ctx, timeout)
	defer cancel()
	got, err := fetch(ctx, a.client, a.base+endpoint.Path, jsonAccept, maxJSONBytes)
	failed := noSource(got, err, a.instance, timeout)
	var samples []jsonbody.Sample
	switch {
	case failed != "":
	case endpoint.Messages != nil:
		samples, failed = readMessages(ctx, a, got.body, *endpoint.Messages, at.Add(-tableWindow), timeout)
	default:
		samples, failed = readSource(got.body, endpoint.Samples)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.asking)
	s.asking = nil
	if s.failed = failed; failed == "" {
		s.newest = sourced{endpoint: endpoint, samples: samples, at: at}
		return
	}
	if slices.Contains([]int{401, 403, 404, 429}, got.status) {
		s.until = c.now().Add(jsonRests)
	}
}

// noSource is why there is no answer to read, in words for people; "" when there is one.
func noSource(got answer, err error, host string, waited time.Duration) string {
	switch {
	case errors.Is(err, errTooLarge):
		return "the answer is larger than " + Format(maxJSONBytes, Bytes)
	case err != nil:
		return explain(err, host, waited)
	case got.status == 401, got.status == 403:
		return "needs credentials"
	case got.status == 404:
		return "not offered (404)"
	case got.status == 429:
		return "asked too often for its limit (429)"
	case got.status >= 300 && got.status < 400:
		return "redirects elsewhere, which is not followed"
	case got.status != 200:
		return fmt.Sprintf("answered %d", got.status)
	case isPage(got.body, ""):
		return "answered an HTML page"
	}
	return ""
}

// The words for answers that are not what they should be.
const (
	noJSON        = "answered something else than JSON"
	withoutValues = "answered without the values that it should have"
)

// readSource is what an answer holds, or in words for people why it holds nothing.
func readSource(body []byte, rules []jsonbody.Rule) (samples []jsonbody.Sample, failed string) {
	samples, unknown, err := jsonbody.Read(body, rules)
	switch {
	case err != nil:
		return nil, noJSON
	case len(samples) == 0 && len(unknown) > 0:
		return nil, withoutValues
	}
	return samples, ""
}

// maxMessagesBytes is what the messages of one session take, with what its tools answered.
const maxMessagesBytes = 8 << 20

// readMessages asks for the messages of the sessions in an answer that changed since then, and counts what is in them. A part would
// be taken for the whole, so one session whose messages cannot be read costs all.
func readMessages(
	ctx context.Context, a *agent, sessions []byte, from openCodeMessages, since time.Time, waited time.Duration,
) (samples []jsonbody.Sample, failed string) {
	ids, err := opencode.Sessions(sessions, since, from.Newest)
	if err != nil {
		return nil, withoutValues
	}
	replies := opencode.NewReplies(since)
	for _, id := range ids {
		got, err := fetch(ctx, a.client, a.base+strings.ReplaceAll(from.Path, "{id}", id), jsonAccept, maxMessagesBytes)
		if errors.Is(err, errTooLarge) {
			return nil, "the answer is larger than " + Format(maxMessagesBytes, Bytes)
		}
		if got.status == 404 {
			continue // it was deleted just now
		}
		if failed = noSource(got, err, a.instance, waited); failed != "" {
			return nil, failed
		}
		if replies.Add(got.body) != nil {
			return nil, withoutValues
		}
	}
	return replies.Samples(), ""
}

// askSources asks the agent's JSON endpoints. It takes less than what is waited for the whole: an endpoint that hangs must not
// cost the metrics that are there.
func (c *Collector) askSources(ctx context.Context, a *agent, waited time.Duration) []sourced {
	endpoints := a.paths().JSON
	if len(endpoints) == 0 {
		return nil
	}
	waited -= waited / 4
	ctx, cancel := context.WithTimeout(ctx, waited)
	defer cancel()
	all := make([]sourced, len(endpoints))
	var asking sync.WaitGroup
	for i, endpoint := range endpoints {
		asking.Go(func() { all[i] = c.ask(ctx, a, endpoint, waited) })
	}
	asking.Wait()
	return all
}

// add puts what JSON endpoints said beside what was scraped. One that failed costs its own samples alone; only where there is
// nothing else, the scrape has failed.
func (s *scraped) add(from []sourced) {
	s.sources = from
	failed := ""
	for _, one := range from {
		if one.failed != "" && failed == "" {
			failed = one.endpoint.shown() + " " + one.failed
		}
		for _, its := range one.samples {
			b := labels.NewBuilder(labels.FromMap(its.Labels))
			b.Set(model.MetricNameLabel, its.Name)
			s.Samples = append(s.Samples, exposition.Sample{Labels: b.Labels(), Value: its.Value})
		}
	}
	if s.failed == "" && len(s.Samples) == 0 {
		s.failed = failed
	}
}

// tellSources says in a snapshot what became of each source, and what could not be known for that reason.
func tellSources(s *Snapshot, kind *profile, from []sourced) {
	for _, one := range from {
		s.Sources = append(s.Sources, Source{Path: one.endpoint.shown(), OK: one.failed == "", At: one.at, Note: one.failed})
	}
	if kind == nil {
		return
	}
	for i := range s.Vitals {
		v := &s.Vitals[i]
		place := slices.IndexFunc(kind.Vitals, func(spec vitalSpec) bool { return spec.Name == v.Name })
		if v.Value != nil || v.Note != noLonger && v.Note != notReportedByAgent && v.Note != kind.Vitals[max(place, 0)].Absent || place < 0 {
			continue
		}
		for _, one := range from {
			if one.failed != "" && one.endpoint.gives(strings.Join(kind.Vitals[place].Expr, " ")) {
				v.Note = "not known: " + one.endpoint.shown() + " " + one.failed
				break
			}
		}
	}
}
