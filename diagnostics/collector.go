package diagnostics

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/alertvitals/notifier/diagnostics/rule"
)

// maxPolls is how many agents are polled at the same time, and how many of those that labels led to.
const maxPolls = 16

// reuseFor is how old a snapshot may be that is shown for another alert: alerts of one agent come together, and an agent that is
// ill must not be asked for each of them.
const reuseFor = time.Second

// patience is what a look that nobody waits for has beyond the agent's own timeout, to compute the vitals.
const patience = 500 * time.Millisecond

// Collector looks at agents: all the time, for what they were before, and once more when an alert asks. Its methods may
// be called at the same time; Close comes last.
type Collector struct {
	// settings are those of the configuration in use.
	settings atomic.Pointer[settings]
	// changed has one message when the settings are others than those that Run works with.
	changed chan struct{}
	// targets are the agents that the labels of alerts led to.
	targets *targets
	db      *tsdb.DB
	engine  *promql.Engine
	logger  *slog.Logger
	metrics *metrics
	charts  *chartJobs
	pulse   pulse
	reg     prometheus.Registerer
	now     func() time.Time
	reuse   time.Duration // reuseFor, but in tests

	// readers are those who compute vitals, of whom there is room for as many as there are processors.
	readers chan struct{}

	// ctx ends with Close: what was begun for a caller outlives him, as others may wait for it too.
	ctx    context.Context //nolint:containedctx // as said
	cancel context.CancelFunc
	mu     sync.Mutex
	closed bool
	work   sync.WaitGroup
}

// New opens the scraped samples in dir, which nobody else may use, and is ready for Snapshot; history grows once Run runs.
// The configuration must be one that Validate finds nothing wrong with. Reg may be nil.
func New(agents []AgentConfig, cfg Config, dir string, logger *slog.Logger, reg prometheus.Registerer) (*Collector, error) {
	c := &Collector{
		changed: make(chan struct{}, 1), readers: make(chan struct{}, runtime.GOMAXPROCS(0)), targets: newTargets(), charts: newChartJobs(), pulse: pulse{began: time.Now()}, logger: logger, metrics: newMetrics(), reg: reg,
		now: time.Now, reuse: reuseFor,
	}
	var err error
	if c.db, err = openStore(dir, time.Duration(cfg.WithDefaults().History), logger); err != nil {
		return nil, err
	}
	first, err := newSettings(agents, cfg, c.db, nil)
	if err != nil {
		return nil, errors.Join(err, c.db.Close())
	}
	c.settings.Store(first)
	c.metrics.name(nil, first.agents)
	if err := c.metrics.register(reg); err != nil {
		return nil, errors.Join(err, c.db.Close())
	}
	c.engine = promql.NewEngine(promql.EngineOpts{
		Logger:     logger,
		MaxSamples: 5_000_000,
		Timeout:    time.Minute, // the deadline ends queries long before
		// The time after which Prometheus too takes a series for gone.
		LookbackDelta: staleAfter,
		// The engine panics without it at a subquery that names no step, as in [1h:].
		NoStepSubqueryIntervalFn: func(int64) int64 { return rule.UsualStep.Milliseconds() },
		Parser:                   parser.NewParser(parser.Options{}),
	})
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c, nil
}

// Close ends what is under way and closes the scraped samples. A Snapshot that comes later says that nobody looked.
func (c *Collector) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.work.Wait()
	for _, a := range c.settings.Load().agents {
		if a.client != nil {
			a.client.CloseIdleConnections()
		}
	}
	if server := c.settings.Load().prometheus; server != nil {
		server.client.CloseIdleConnections()
	}
	c.metrics.unregister(c.reg)
	return errors.Join(c.engine.Close(), c.db.Close())
}

// begin says whether work may begin; then c.work.Done must follow it.
func (c *Collector) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.work.Add(1)
	return true
}

// Run polls every agent at its interval until ctx ends, and then returns nil. An agent that cannot be scraped is no error.
func (c *Collector) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	// Those that labels led to have places of their own: however many of them hang, the configured agents are polled in time.
	slots, ledSlots := make(chan struct{}, maxPolls), make(chan struct{}, maxPolls)
	var polls sync.WaitGroup
	defer polls.Wait()
	polls.Go(func() { compactOften(ctx, c.db, c.logger) })
	stops := map[*agent]context.CancelFunc{}
	forget := time.NewTicker(forgetEvery)
	defer forget.Stop()
	for {
		agents := slices.Concat(c.settings.Load().agents, c.targets.all())
		for a, stop := range stops {
			if !slices.Contains(agents, a) {
				stop()
				delete(stops, a)
			}
		}
		for i, a := range agents {
			if a.url != nil || a.profile != nil && !a.measured() || stops[a] != nil {
				continue
			}
			// Spread over the interval, so that many agents are not asked all at once.
			offset := a.interval * time.Duration(i) / time.Duration(len(agents))
			polling, stop := context.WithCancel(ctx)
			stops[a] = stop
			own := slots
			if a.template != nil {
				own = ledSlots
			}
			polls.Go(func() {
				c.pollEvery(polling, a, offset, own)
				a.client.CloseIdleConnections()
			})
		}
		select {
		case <-ctx.Done():
			return nil
		case <-c.changed:
		case <-forget.C:
			c.targets.forget(c.now().Add(-targetLife))
		}
	}
}

// change has Run look at which agents there are.
func (c *Collector) change() {
	select {
	case c.changed <- struct{}{}:
	default: // Run has yet to look at an earlier change, and will see this one
	}
}

func (c *Collector) pollEvery(ctx context.Context, a *agent, offset time.Duration, slots chan struct{}) {
	timer := time.NewTimer(offset)
	defer timer.Stop()
	was := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		// Reset before the work: the interval is from one begin to the next.
		timer.Reset(a.interval)
		select {
		case <-ctx.Done():
			return
		case slots <- struct{}{}:
		}
		failed := c.poll(ctx, a)
		<-slots
		if ctx.Err() != nil {
			return
		}
		if failed != was {
			if failed != "" {
				c.logger.Warn("Agent cannot be scraped", "agent", a.name, "instance", a.instance, "reason", failed)
			} else {
				c.logger.Info("Agent can be scraped again", "agent", a.name, "instance", a.instance)
			}
			was = failed
		}
	}
}

// poll scrapes once for the history, and says why it failed.
func (c *Collector) poll(ctx context.Context, a *agent) (failed string) {
	if !c.begin() {
		return "closed"
	}
	defer c.work.Done()
	limited, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	if a.measured() {
		got := c.scrape(limited, a, a.timeout)
		failed = got.failed
		if ctx.Err() != nil {
			return failed // our end says nothing of the agent
		}
		if _, err := a.series.store(ctx, got.at, got.took, got.Exposition, failed == ""); err != nil {
			c.logger.Error("Scrape could not be stored", "agent", a.name, "err", err)
		}
		if a.kind() == nil {
			if err := a.recogniseByMetrics(ctx, got.at); err != nil && ctx.Err() == nil {
				c.logger.Error("Agent could not be recognised", "agent", a.name, "err", err)
			}
		}
	}
	if a.kind() == nil {
		c.recogniseByHealth(limited, a)
	}
	if err := c.follow(ctx, c.settings.Load(), a); err != nil && ctx.Err() == nil {
		c.logger.Error("Trends could not be computed", "agent", a.name, "err", err)
	}
	return failed
}

func (c *Collector) scrape(ctx context.Context, a *agent, waited time.Duration) scraped {
	began := time.Now()
	sources := make(chan []sourced, 1)
	go func() { sources <- c.askSources(ctx, a, waited) }()
	got := a.scrape(ctx, c.now(), waited)
	if got.add(<-sources); a.metricsURL() == "" {
		got.took = time.Since(began)
	}
	a.remember(got)
	c.metrics.scrapeSeconds.Observe(got.took.Seconds())
	if got.failed != "" {
		c.metrics.scrapesFailed.WithLabelValues(a.name).Inc()
	}
	return got
}

// Snapshot looks at the agent that an alert with these labels is about: the first one whose matchers all fit; nil when
// there is none. It returns within the configured deadline, whatever the agent does, and what was not known by then says
// so. Calls for one agent at the same time share one look. Where the agent's address comes from labels and these lead nowhere,
// or where they must not, the snapshot says so; its Instance is then empty.
func (c *Collector) Snapshot(ctx context.Context, labels map[string]string) *Snapshot {
	now := c.settings.Load()
	a, why := c.find(now, labels)
	switch {
	case why != nil:
		return c.refused(a, why)
	case a != nil:
		return c.snapshot(ctx, now, a)
	}
	return nil
}

// SnapshotLater looks once more at the agent whose Snapshot was Unfinished, and gives it all the time that its own timeout
// allows; nil when there is no such agent, or when it would not get more time than it had. Calls for one agent at the same
// time share one look.
func (c *Collector) SnapshotLater(ctx context.Context, labels map[string]string) *Snapshot {
	now := c.settings.Load()
	a, why := c.find(now, labels)
	if a == nil || why != nil {
		return nil
	}
	patient := *now
	patient.deadline = a.timeout + patience
	if patient.deadline <= now.deadline {
		return nil
	}
	flight := a.flights.DoChan("later", func() (any, error) { return c.take(&patient, a), nil })
	select {
	case result := <-flight:
		s := result.Val.(Snapshot).clone()
		return &s
	case <-ctx.Done():
		return nil
	}
}

// find is the agent that an alert with these labels is about, nil when there is none. Where its address comes from labels and
// they lead nowhere, it is the configured agent, and an error that is for people.
func (c *Collector) find(set *settings, labels map[string]string) (*agent, error) {
	a := set.agentOf(labels)
	if a == nil || a.url == nil {
		return a, nil
	}
	led, err := c.ledTo(set, a, labels)
	if err != nil {
		return a, err
	}
	return led, nil
}

// ledTo is the agent that labels lead to by the template of a. The error is for people.
func (c *Collector) ledTo(set *settings, a *agent, labels map[string]string) (*agent, error) {
	// A personal label would show in the address.
	target, err := a.url.Of(withoutLabels(labels, set.redact))
	if err != nil {
		return nil, err
	}
	if err = a.allowed.Permits(target); err != nil {
		return nil, err
	}
	led, isNew, err := c.targets.find(a, target, c.now(), func(a *agent) bool { return slices.Contains(c.settings.Load().agents, a) })
	if err != nil {
		c.logger.Error("Agent could not be made ready", "agent", a.name, "err", err)
		return nil, errors.New("the agent could not be made ready; the log says why")
	}
	if isNew {
		c.change()
	}
	return led, nil
}

// snapshot is the one of the last moment, or a new one.
func (c *Collector) snapshot(ctx context.Context, set *settings, a *agent) *Snapshot {
	began := time.Now()
	if s := a.newest.Load(); s != nil && c.now().Sub(s.TakenAt) < c.reuse {
		c.metrics.snapshot(time.Since(began), *s)
		fresh := s.clone()
		return &fresh
	}
	return c.freshSnapshot(ctx, set, a)
}

func (c *Collector) freshSnapshot(ctx context.Context, set *settings, a *agent) *Snapshot {
	asked := c.now()
	began := time.Now()
	var s Snapshot
	flight := a.flights.DoChan("", func() (any, error) {
		taken := c.take(set, a)
		a.newest.Store(&taken)
		return taken, nil
	})
	timer := time.NewTimer(set.deadline)
	defer timer.Stop()
	late := ""
	select {
	case result := <-flight:
		s = result.Val.(Snapshot).clone()
	case <-timer.C:
		// Only a machine that is short of time gets here: take ends sooner.
		late = "not known in time"
	case <-ctx.Done():
		late = "not waited for"
	}
	if late != "" {
		s = Snapshot{Agent: a.name, Instance: a.instance, TakenAt: asked, TookSeconds: time.Since(began).Seconds(), Unfinished: true}
		s.Metrics = Scrape{Path: a.metricsPath(), Note: late}
		// That we ran out of time says nothing of the agent.
		s.Health, s.Ready = unasked(a.healthPath(), late), unasked(a.readyPath(), late)
	}
	c.metrics.snapshot(time.Since(began), s)
	return &s
}

func unasked(path, why string) *Check {
	if path == "" {
		return nil
	}
	return &Check{Path: path, Verdict: Unclear, Note: why}
}

// take looks at the agent once. It ends before the deadline, and leaves behind only what ends by itself soon.
func (c *Collector) take(set *settings, a *agent) Snapshot {
	began := time.Now()
	s := Snapshot{Agent: a.name, Instance: a.instance, TakenAt: c.now(), Metrics: Scrape{Path: a.metricsPath()}}
	if !c.begin() {
		s.Metrics.Note = "not asked: the notifier is stopping"
		return s
	}
	defer c.work.Done()
	// It ends a little before those who wait give up: what is known by then must reach them.
	ctx, cancel := context.WithTimeout(c.ctx, set.deadline-min(set.deadline/10, 50*time.Millisecond))
	defer cancel()
	// What the agent does not use of the deadline is kept for the vitals.
	budget := set.deadline - min(set.deadline/5, 100*time.Millisecond)
	asking, cancelAsking := context.WithTimeout(ctx, budget)
	defer cancelAsking()
	limited, cancelLimited := context.WithTimeout(asking, a.timeout)
	defer cancelLimited()
	// An answer that is late says what came of it: a moment to hear that.
	hearing, cancelHearing := context.WithTimeout(ctx, budget+min(budget/20, 10*time.Millisecond))
	defer cancelHearing()
	waited := min(budget, a.timeout)

	c.work.Go(func() { c.pulse.beat(hearing) })

	// What the agent is recognised as may change while it is looked at.
	healthPath, readyPath, measured := a.healthPath(), a.readyPath(), a.measured()
	health := c.goProbe(limited, a, healthPath, waited)
	ready := c.goProbe(limited, a, readyPath, waited)
	fresh, earlier, answered := make(chan scraped, 1), make(chan *reading, 1), make(chan struct{})
	if measured {
		c.work.Go(func() { fresh <- c.scrapeFresh(limited, a, waited) })
		c.work.Go(func() { c.readAhead(ctx, set, a, s.TakenAt, budget/2, answered, earlier) })
	}

	s.Health = awaitProbe(hearing, health, healthPath, waited)
	s.Ready = awaitProbe(hearing, ready, readyPath, waited)
	if !measured {
		s.Metrics.Note = "not asked"
	} else {
		got, ok := await(hearing, fresh)
		close(answered)
		if !ok {
			got.failed, got.silent = noAnswer(waited), a.metricsURL() != ""
		}
		if got.failed == noAnswer(waited) && c.pulse.wasLate(waited) {
			got.failed, got.silent = notInTime, false
		}
		s.Metrics.OK, s.Metrics.Silent = got.failed == "", got.silent && a.metricsHost == a.instance
		s.Metrics.Dropped, s.Metrics.Old, s.Metrics.Odd = got.Dropped, got.Old, got.Odd
		if s.Metrics.Note = got.failed; s.Metrics.OK {
			s.Metrics.Samples, s.Metrics.LeftOut = got.current()-got.leftOut, got.leftOut
			s.Metrics.Note = got.note()
		}
		c.addVitals(ctx, set, a, &s, earlier)
		tellSources(&s, profileNamed(a.profiles, s.Profile), got.sources)
	}
	s.Health = c.recheck(limited, a, s.Health, a.healthPath(), waited)
	s.Ready = c.recheck(limited, a, s.Ready, a.readyPath(), waited)
	for _, check := range []*Check{s.Health, s.Ready} {
		if check != nil && check.Note == noAnswer(waited) && c.pulse.wasLate(waited) {
			check.Verdict, check.Note = Unclear, notInTime
		}
	}
	a.doubt(s.Health)
	s.Unfinished = asking.Err() != nil
	s.TookSeconds = time.Since(began).Seconds()
	return s
}

// scrapeFresh scrapes for a snapshot. One that fails is not stored: the deadline may be shorter than the agent's timeout,
// and it is the poller that says whether the agent is up.
func (c *Collector) scrapeFresh(ctx context.Context, a *agent, waited time.Duration) scraped {
	got := c.scrape(ctx, a, waited)
	if got.failed != "" {
		return got
	}
	var err error
	if got.leftOut, err = a.series.store(c.ctx, got.at, got.took, got.Exposition, true); err != nil {
		c.logger.Error("Scrape could not be stored", "agent", a.name, "err", err)
		got.failed = "scraped, but it could not be stored"
	}
	return got
}

// readAhead computes the vitals of what was scraped before, when the agent has not answered within a while: if it never does,
// they must be there in time. It gives nil when the agent has answered.
func (c *Collector) readAhead(
	ctx context.Context, set *settings, a *agent, now time.Time, after time.Duration, answered <-chan struct{}, to chan<- *reading,
) {
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-timer.C:
		to <- c.reading(ctx, set, a, now)
	case <-answered:
		to <- nil
	case <-ctx.Done():
		to <- nil
	}
}

// reading is read for a snapshot: what went wrong is said in its note.
func (c *Collector) reading(ctx context.Context, set *settings, a *agent, now time.Time) *reading {
	// More at once than there are processors would only make all of them late.
	select {
	case c.readers <- struct{}{}:
		defer func() { <-c.readers }()
	case <-ctx.Done():
		return &reading{note: vitalsLate}
	}
	r, err := c.read(ctx, set, a, now)
	switch {
	case err != nil && ctx.Err() != nil:
		r.note = vitalsLate
	case err != nil:
		c.logger.Error("Vitals could not be computed", "agent", a.name, "err", err)
		r.note = "some vitals could not be computed"
	}
	return &r
}

const vitalsLate = "the vitals were not ready in time"

// addVitals computes the vitals from the newest samples that are stored, unless ctx ends first. Earlier gives those that were
// computed while the agent was waited for.
func (c *Collector) addVitals(ctx context.Context, set *settings, a *agent, s *Snapshot, earlier <-chan *reading) {
	r := &reading{note: vitalsLate}
	if !s.Metrics.OK {
		if ahead, _ := await(ctx, earlier); ahead != nil {
			r = ahead
			earlier = nil
		}
	}
	if earlier != nil {
		newest := make(chan *reading, 1)
		c.work.Go(func() { newest <- c.reading(ctx, set, a, s.TakenAt) })
		got, ok := await(ctx, newest)
		ahead := whatIsThere(earlier)
		switch {
		case ok && got.note != vitalsLate:
			r = got
		case ahead != nil && len(ahead.vitals) > 0:
			r = ahead
			s.Metrics.OK, s.Metrics.Note = false, "the vitals of the newest scrape were not ready in time"
		case ok:
			r = got
		}
	}
	if s.Metrics.OK && r.at.Before(s.TakenAt.Truncate(time.Millisecond)) && (r.note == "" || !r.at.IsZero()) {
		// What was just scraped is not what is read: samples of a time that was later than now keep it out.
		s.Metrics.OK, s.Metrics.Note = false, "scraped, but not kept: the notifier's clock went back"
	}
	s.StartedAt = r.started
	s.Metrics.At, s.Profile, s.Vitals, s.Tables = r.at, r.profile, r.vitals, r.tables
	if !s.Metrics.OK {
		s.Metrics.Samples = r.samples
	}
	if s.Metrics.Note == "" {
		s.Metrics.Note = r.note
	}
}

// whatIsThere is what a channel holds now, nil when that is nothing.
func whatIsThere(from <-chan *reading) *reading {
	select {
	case r := <-from:
		return r
	default:
		return nil
	}
}

// goProbe asks an endpoint beside others; the channel stays nil when it is not to be asked.
func (c *Collector) goProbe(ctx context.Context, a *agent, path string, waited time.Duration) chan Check {
	if path == "" {
		return nil
	}
	answered := make(chan Check, 1)
	c.work.Go(func() {
		if err := c.beware(ctx, a, path); err != nil {
			answered <- Check{Path: path, Verdict: silence(err), Note: explain(err, a.instance, waited)}
			return
		}
		ask := path
		if a.kind().neverAsk(path) {
			ask = a.healthPath() // which is another one now that the agent is recognised
		}
		if a.kind().neverAsk(ask) {
			answered <- Check{Path: path, Verdict: Unclear, Note: "not asked: it would call the models, which costs money"}
			return
		}
		answered <- a.probe(ctx, ask, waited)
	})
	return answered
}

// recheck asks an agent that was recognised during this very look for its own path, when another one was asked.
func (c *Collector) recheck(ctx context.Context, a *agent, asked *Check, path string, waited time.Duration) *Check {
	switch {
	case path == "":
		return nil
	case asked != nil && asked.Path == path:
		return asked
	}
	// It has only what is left of the time: its silence says nothing.
	check, ok := await(ctx, c.goProbe(ctx, a, path, waited))
	if !ok || check.Note == noAnswer(waited) {
		return unasked(path, notInTime)
	}
	return &check
}

func awaitProbe(ctx context.Context, answered chan Check, path string, waited time.Duration) *Check {
	if answered == nil {
		return nil
	}
	check, ok := await(ctx, answered)
	if !ok {
		check = Check{Path: path, Verdict: Down, TookSeconds: waited.Seconds(), Note: noAnswer(waited)}
	}
	return &check
}

// await is what comes before ctx ends, or has come by then.
func await[T any](ctx context.Context, from <-chan T) (T, bool) {
	select {
	case v := <-from:
		return v, true
	case <-ctx.Done():
	}
	select {
	case v := <-from:
		return v, true
	default:
		var none T
		return none, false
	}
}

// clone is s with lists of its own, so that those who share a look do not share them.
func (s Snapshot) clone() Snapshot {
	s.Metrics.Odd = slices.Clone(s.Metrics.Odd)
	s.Vitals = append([]Vital(nil), s.Vitals...)
	for i := range s.Vitals {
		s.Vitals[i].Trend = slices.Clone(s.Vitals[i].Trend)
	}
	s.Tables = append([]Table(nil), s.Tables...)
	s.Sources = append([]Source(nil), s.Sources...)
	for i := range s.Tables {
		s.Tables[i].Rows = append([]Row(nil), s.Tables[i].Rows...)
	}
	if s.Health != nil {
		health := *s.Health
		s.Health = &health
	}
	if s.Ready != nil {
		ready := *s.Ready
		s.Ready = &ready
	}
	return s
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
