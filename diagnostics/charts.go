package diagnostics

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/alertvitals/notifier/diagnostics/chart"
)

const (
	// chartSpan is what a chart shows, chartStep the time between two of its values.
	chartSpan   = time.Hour
	chartStep   = time.Minute
	chartPoints = int(chartSpan/chartStep) + 1
	// mostVitalCharts is how many vitals have a chart beside that of the alert's own expression.
	mostVitalCharts = 2
	// mostChartAlerts is how many alerts of a group are looked at.
	mostChartAlerts = 16
	// keepCharts is for how long charts serve others who ask the same, such as the other receivers; mostKeptCharts bounds
	// how many are kept.
	keepCharts     = 15 * time.Second
	mostKeptCharts = 32
	// maxChartJobs is how many are drawn at the same time: in a storm they must leave room for the rest.
	maxChartJobs = 1
	// maxChartGroups is how many groups have theirs drawn or wait for it. Those who come while so many do have none: in a storm a
	// message is told at once rather than with pictures. It is less than a receiver sends at the same time.
	maxChartGroups = 6
	// maxQuestions is how many expressions the Prometheus evaluates for us at the same time.
	maxQuestions = 4
)

// Chart is a picture of how a value went in the last hour.
type Chart struct {
	// Title is what it is a picture of, in a few words: "error rate, last hour". Alt says what it shows to those who do not
	// see it. Both may hold anything that a label can hold.
	Title, Alt string
	// PNG is chart.Width by chart.Height pixels, and less than 100 KB.
	PNG []byte
}

// ChartedAlert is what charts need to know of an alert that fires.
type ChartedAlert struct {
	Labels       map[string]string
	StartsAt     time.Time
	GeneratorURL string
}

// Charts draws what the alerts of one group are about, the most useful first: their own expression, where it can be evaluated
// on the configured Prometheus or means the same over what was scraped of the agent, and the vitals that matter to them. What
// is not ready within the configured deadline is left out; there may be none, and in a storm there are none. Calls for the same
// alerts share the work.
func (c *Collector) Charts(ctx context.Context, alerts []ChartedAlert) []Chart {
	if len(alerts) == 0 {
		return nil
	}
	set := c.settings.Load()
	a, why := c.find(set, alerts[0].Labels)
	if a == nil || why != nil {
		return nil
	}
	alerts = alerts[:min(len(alerts), mostChartAlerts)]
	return c.charts.shared(ctx, set.deadline, c.now(), chartKey(a, alerts), func() ([]Chart, bool) {
		select {
		case c.charts.groups <- struct{}{}:
			defer func() { <-c.charts.groups }()
			return c.drawCharts(set, a, alerts), true
		default:
			c.metrics.chartsSkipped.Inc()
			return nil, false
		}
	})
}

// ErrBusy is VitalChart's error when others ask for so many charts that this one's turn did not come in time.
var ErrBusy = errors.New("too many charts are asked for")

// VitalChart draws one vital of the agent of this name; instance is as for Look. Where start is not zero it is marked. A vital of
// which nothing is known has a chart that says so; nil is no such vital of the agent. It takes at most the configured deadline.
// The error is a *NoAgentError, ErrBusy, or one of our own.
func (c *Collector) VitalChart(ctx context.Context, name, instance, vital string, start time.Time) (*Chart, error) {
	set := c.settings.Load()
	a, err := c.named(set, name, instance)
	if err != nil {
		return nil, err
	}
	if !c.begin() {
		return nil, errors.New("drawing a chart: the notifier is stopping")
	}
	defer c.work.Done()
	ctx, cancel := context.WithTimeout(ctx, set.deadline)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	select {
	case c.charts.single <- struct{}{}:
		defer func() { <-c.charts.single }()
	case <-ctx.Done():
		return nil, ErrBusy
	}
	d, err := c.drawing(ctx, set, a, start)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(d.groups, func(specs []*vitalSpec) bool { return specs[0].Name == vital })
	if at < 0 {
		return nil, nil //nolint:nilnil // there is none
	}
	drawn, _, err := d.vital(ctx, d.groups[at])
	if err != nil {
		return nil, err
	}
	return &drawn, nil
}

// chartJobs are the computations of charts, and those that were made a moment ago.
type chartJobs struct {
	flights singleflight.Group
	// slots has a place for each computation that may go on, single one for each vital that is drawn by itself: whoever asks
	// for many of these must not cost the messages theirs. questions has one for each question that may be asked.
	slots, single, questions chan struct{}
	// groups has a place for each group whose charts are drawn or waited for.
	groups chan struct{}

	mu   sync.Mutex
	kept map[string]keptCharts
}

type keptCharts struct {
	at     time.Time
	charts []Chart
}

func newChartJobs() *chartJobs {
	return &chartJobs{
		slots: make(chan struct{}, maxChartJobs), single: make(chan struct{}, maxChartJobs),
		questions: make(chan struct{}, maxQuestions), groups: make(chan struct{}, maxChartGroups), kept: map[string]keptCharts{},
	}
}

// shared gives the charts of this key: those that were drawn a moment ago, or those that somebody is drawing. It waits until
// the deadline at the most. What draw says it has not drawn is not remembered.
func (j *chartJobs) shared(
	ctx context.Context, deadline time.Duration, now time.Time, key string, draw func() (charts []Chart, drawn bool),
) []Chart {
	j.mu.Lock()
	kept, has := j.kept[key]
	j.mu.Unlock()
	if has && now.Sub(kept.at) < keepCharts {
		return slices.Clone(kept.charts)
	}
	flight := j.flights.DoChan(key, func() (any, error) {
		charts, drawn := draw()
		if drawn {
			j.keep(key, keptCharts{now, charts})
		}
		return charts, nil
	})
	timer := time.NewTimer(deadline)
	defer timer.Stop()
	select {
	case result := <-flight:
		return slices.Clone(result.Val.([]Chart))
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil
}

func (j *chartJobs) keep(key string, charts keptCharts) {
	j.mu.Lock()
	defer j.mu.Unlock()
	maps.DeleteFunc(j.kept, func(_ string, old keptCharts) bool { return charts.at.Sub(old.at) >= keepCharts })
	if len(j.kept) < mostKeptCharts {
		j.kept[key] = charts
	}
}

func chartKey(a *agent, alerts []ChartedAlert) string {
	h := sha256.New()
	fmt.Fprintf(h, "%p", a) // a reloaded agent is another one
	for _, alert := range alerts {
		fmt.Fprintf(h, "%q%d%q", alert.Labels, alert.StartsAt.UnixMilli(), alert.GeneratorURL) // maps are printed in order
	}
	return string(h.Sum(nil))
}

// drawCharts ends before those who wait give up, and gives what is ready by then.
func (c *Collector) drawCharts(set *settings, a *agent, alerts []ChartedAlert) []Chart {
	if !c.begin() {
		return nil
	}
	defer c.work.Done()
	began := time.Now()
	ctx, cancel := context.WithTimeout(c.ctx, set.deadline-min(set.deadline/10, 50*time.Millisecond))
	defer cancel()
	of := ruleOf(alerts)
	m := lastHour(c.now())
	var answered []labelled
	if set.prometheus != nil && of != nil {
		// It is not waited for to the end: what it does not know, our own history may, and the vitals need it not.
		asking, cancelAsking := context.WithTimeout(ctx, set.deadline*6/10)
		answered = c.askPrometheus(asking, set.prometheus, of, m)
		cancelAsking()
	}
	select {
	case c.charts.slots <- struct{}{}:
		defer func() { <-c.charts.slots }()
	case <-ctx.Done():
		return nil
	}
	d, err := c.drawing(ctx, set, a, firstStart(alerts))
	if err != nil {
		c.chartFailed(ctx, a, err)
		return nil
	}
	d.moments = m
	charts := d.vitals(ctx, c, Topics(alerts[0].Labels["alertname"]))
	if of != nil {
		own, err := d.rule(ctx, of, answered)
		if err != nil {
			c.chartFailed(ctx, a, err)
		} else if own != nil {
			charts = append([]Chart{*own}, charts...)
		}
	}
	c.metrics.chartsSeconds.Observe(time.Since(began).Seconds())
	return charts
}

// askPrometheus gives nothing when the Prometheus has no answer: that is told to the operator, and no reason to have no charts.
func (c *Collector) askPrometheus(ctx context.Context, prometheus *server, of *chartedRule, m moments) []labelled {
	select {
	case c.charts.questions <- struct{}{}:
		defer func() { <-c.charts.questions }()
	case <-ctx.Done():
		return nil
	}
	matrix, err := prometheus.course(ctx, of.Value, m)
	if err != nil {
		c.logger.Warn("An alert's expression could not be evaluated", "alertname", of.name, "err", err)
		return nil
	}
	return labelledMatrix(matrix, m)
}

func (c *Collector) chartFailed(ctx context.Context, a *agent, err error) {
	if ctx.Err() == nil {
		c.logger.Error("A chart could not be drawn", "agent", a.name, "err", err)
	}
}

// lastHour are the moments of a chart.
func lastHour(now time.Time) moments { return until(now.Truncate(time.Second), chartStep, chartPoints) }

// firstStart is when the first of the alerts began.
func firstStart(alerts []ChartedAlert) time.Time {
	var start time.Time
	for _, alert := range alerts {
		if !alert.StartsAt.IsZero() && (start.IsZero() || alert.StartsAt.Before(start)) {
			start = alert.StartsAt
		}
	}
	return start
}

// drawing is what all charts of one agent at one time have in common.
type drawing struct {
	// evaluator is nil when nothing was ever scraped.
	*evaluator
	agent *agent
	// groups are the vitals that the agent may have.
	groups  [][]*vitalSpec
	moments moments
	start   time.Time
	redact  []string
}

func (c *Collector) drawing(ctx context.Context, set *settings, a *agent, start time.Time) (drawing, error) {
	now := c.now()
	d := drawing{agent: a, moments: lastHour(now), start: start, redact: set.redact}
	var err error
	if d.evaluator, err = c.evaluator(ctx, set, a, now); err != nil {
		return d, err
	}
	chosen := kinds(a.profiles, a.kind(), nil)
	if d.evaluator != nil {
		if chosen, err = a.kindsAt(ctx, d.at, d.names); err != nil {
			return d, err
		}
	}
	d.groups = byName(a.queries, chosen)
	return d, nil
}

// vitals draws one vital for each topic of the alert; of an alert whose name tells no topic, those that are not normal.
func (d drawing) vitals(ctx context.Context, c *Collector, topics []string) []Chart {
	if d.evaluator == nil {
		return nil
	}
	var loud []string
	if newest := d.agent.newest.Load(); newest != nil && len(topics) == 0 {
		for _, v := range newest.Vitals {
			if v.State == StateWarning || v.State == StateCritical {
				loud = append(loud, v.Name)
			}
		}
	}
	var charts []Chart
	var told []string
	for _, specs := range d.groups {
		spec := specs[0]
		wanted := slices.Contains(loud, spec.Name) || (About(spec.Topics, topics) && !About(spec.Topics, told))
		if !wanted || spec.NoBefore || spec.Label != "" || len(charts) == mostVitalCharts || ctx.Err() != nil {
			continue
		}
		drawn, known, err := d.vital(ctx, specs)
		switch {
		case err != nil:
			c.chartFailed(ctx, d.agent, err)
		case known:
			charts = append(charts, drawn)
			told = append(told, spec.Topics...)
		}
	}
	return charts
}

// vital draws one vital; known is whether there is enough of it to be shown where nobody asked for it.
func (d drawing) vital(ctx context.Context, specs []*vitalSpec) (drawn Chart, known bool, err error) {
	p := plot{name: word(specs[0].Name), of: d.agent.name, unit: specs[0].Unit, start: d.start, moments: d.moments}
	if d.evaluator == nil {
		p.empty = "nothing was ever scraped"
		drawn, err = p.draw()
		return drawn, false, err
	}
	v, err := d.firstVital(ctx, specs)
	if err != nil {
		return Chart{}, false, err
	}
	spec, w, err := d.wayOf(ctx, specs)
	if err != nil {
		return Chart{}, false, fmt.Errorf("vital %q: %w", specs[0].Name, err)
	}
	p.unit = v.Unit
	switch p.empty = "only the newest value is known"; {
	case v.Value == nil:
		p.empty = v.Note
	case strings.HasPrefix(v.Note, sinceStart):
		p.empty = "only the value " + sinceStart + " is known"
	}
	if w != nil {
		course, courseErr := d.course(ctx, spec, w, d.moments)
		if courseErr != nil && !errors.Is(courseErr, errSeveral) {
			return Chart{}, false, fmt.Errorf("vital %q: %w", specs[0].Name, courseErr)
		}
		p.lines = []chart.Series{{Values: course.values}}
		known = p.worthALook()
		if finite(course.values[len(course.values)-1]) && v.Value != nil {
			p.value = FormatVital(v)
		}
		if course.saturated {
			p.remark = "the highest values may be higher"
		}
		if spec.warn.op != "" {
			p.limit("warning", spec.warn.op, spec.warn.limit)
		} else if spec.crit.op != "" {
			p.limit("critical", spec.crit.op, spec.crit.limit)
		}
	}
	drawn, err = p.draw()
	return drawn, known, err
}
