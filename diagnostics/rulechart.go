package diagnostics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	alertlabels "github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/alertvitals/notifier/diagnostics/chart"
	"github.com/alertvitals/notifier/diagnostics/rule"
)

// missingTries is how many scrapes in a row may be missing in what a rule's expression looks back at.
const missingTries = 4

// chartedRule is the rule of a group's alerts.
type chartedRule struct {
	rule.Condition
	name   string
	alerts []ChartedAlert
	start  time.Time
}

// ruleOf is the rule of the first alert, with the alerts that it is the rule of; nil when its expression is not known or has
// no one value.
func ruleOf(alerts []ChartedAlert) *chartedRule {
	text := rule.FromURL(alerts[0].GeneratorURL)
	if text == "" {
		return nil
	}
	condition, err := rule.Split(text)
	if err != nil {
		return nil
	}
	r := chartedRule{Condition: condition, name: alerts[0].Labels["alertname"]}
	for _, alert := range alerts {
		if rule.FromURL(alert.GeneratorURL) == text && alert.Labels["alertname"] == r.name {
			r.alerts = append(r.alerts, alert)
		}
	}
	r.start = firstStart(r.alerts)
	return &r
}

// labelled is one series of a course.
type labelled struct {
	labels map[string]string
	values []float64
}

func labelledMatrix(matrix model.Matrix, m moments) []labelled {
	all := make([]labelled, len(matrix))
	for i, one := range matrix {
		all[i] = labelled{map[string]string{}, m.unknown()}
		for name, value := range one.Metric {
			all[i].labels[string(name)] = string(value)
		}
		for _, p := range one.Values {
			if at := m.index(int64(p.Timestamp)); at >= 0 {
				all[i].values[at] = float64(p.Value)
			}
		}
	}
	return all
}

// rule draws the rule's value for its alerts: as the Prometheus answered, or else from our own history; nil when neither knows
// of them.
func (d drawing) rule(ctx context.Context, r *chartedRule, answered []labelled) (*Chart, error) {
	p := plot{
		name: cmp.Or(word(r.name), "alert"), of: d.agent.name, unit: unitOf(r.Kind()),
		start: r.start, moments: d.moments, own: true,
	}
	if r.Op != "" {
		p.limit("alert", r.Op, r.Limit)
	}
	if r.More {
		p.remark = "it has other conditions, too"
	}
	p.source = "from Prometheus"
	p.lines = d.lines(r, func(alert ChartedAlert) []float64 { return seriesOf(answered, alert.Labels, d.redact) })
	if len(p.lines) == 0 {
		p.source = "from our scrapes"
		var err error
		p.lines = d.lines(r, func(alert ChartedAlert) []float64 {
			values, failed := d.local(ctx, r, alert)
			err = errors.Join(err, failed)
			return values
		})
		if err != nil {
			return nil, err
		}
	}
	if !p.worthALook() {
		return nil, nil //nolint:nilnil // there is nothing to see
	}
	if values := p.lines[0].Values; len(p.lines) == 1 && finite(values[len(values)-1]) {
		p.value = Format(values[len(values)-1], p.unit)
	}
	if hidden := len(r.alerts) - len(p.lines); hidden > 0 {
		p.remark = strings.TrimPrefix(fmt.Sprintf("%s, %d of %d alerts", p.remark, len(p.lines), len(r.alerts)), ", ")
	}
	drawn, err := p.draw()
	return &drawn, err
}

// lines are the courses of the rule's alerts, as many as a chart can show. Each has for its name what makes it another.
func (d drawing) lines(r *chartedRule, course func(ChartedAlert) []float64) []chart.Series {
	var lines []chart.Series
	for _, alert := range r.alerts {
		if len(lines) == chart.MostSeries {
			break
		}
		values := course(alert)
		for i, v := range values {
			if !finite(v) {
				values[i] = unknownValue
			}
		}
		if slices.ContainsFunc(values, finite) {
			lines = append(lines, chart.Series{Name: r.differs(alert, d.redact), Values: values})
		}
	}
	return lines
}

// differs is what an alert has that others of its rule have not, in the order of the labels' names.
func (r *chartedRule) differs(alert ChartedAlert, redact []string) string {
	var names []string
	for name, value := range alert.Labels {
		other := slices.ContainsFunc(r.alerts, func(a ChartedAlert) bool { return a.Labels[name] != value })
		if other && !slices.Contains(redact, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	words := make([]string, len(names))
	for i, name := range names {
		words[i] = word(alert.Labels[name])
	}
	return strings.Join(words, " ")
}

// seriesOf is the one series that an alert came from: an alert has all labels of its series, and those that the rule and the
// Prometheus add. It is nil when none fits, or several fit alike. Personal labels may have been taken from the alert.
func seriesOf(all []labelled, alert map[string]string, ignored []string) []float64 {
	var best []float64
	most, alike := -1, false
	for _, one := range all {
		fits, n := true, 0
		for name, value := range one.labels {
			if name == model.MetricNameLabel || slices.Contains(ignored, name) {
				continue
			}
			n++
			fits = fits && alert[name] == value
		}
		switch {
		case !fits || n < most:
		case n == most:
			alike = true
		default:
			best, most, alike = one.values, n, false
		}
	}
	if alike {
		return nil
	}
	return best
}

// local evaluates the rule's value over what was scraped of the agent; nil when that may be another than the alert's.
func (d drawing) local(ctx context.Context, r *chartedRule, alert ChartedAlert) ([]float64, error) {
	if d.evaluator == nil {
		return nil, nil
	}
	var failed error
	target := rule.Target{
		Instance: d.agent.metricsHost,
		Alert:    alert.Labels,
		Known:    d.agent.pins(model.InstanceLabel) != "",
		Job:      d.agent.pins(model.JobLabel),
		Labels: func(metric string) []string {
			names, err := d.labelNames(ctx, metric)
			failed = errors.Join(failed, err)
			return names
		},
	}
	own, err := r.Local(target)
	if failed != nil {
		return nil, failed
	}
	if err != nil {
		return nil, nil //nolint:nilerr // it is no failure that we do not know
	}
	matrix, err := d.matrix(ctx, own.Value, d.moments)
	if err != nil {
		return nil, err
	}
	tries, err := d.tries(ctx, d.moments.first.Add(-own.Lookback-d.interval), d.moments.last())
	if err != nil {
		return nil, err
	}
	all := make([]labelled, len(matrix))
	for i, one := range matrix {
		all[i] = d.whole(one, tries, own.Lookback)
	}
	return seriesOf(all, alert.Labels, append([]string{model.JobLabel, model.InstanceLabel}, d.redact...)), nil
}

// pins is the one value that an alert's label must have for the alert to be about the agent; "" when there is no such value.
func (a *agent) pins(label string) string {
	for _, m := range a.matchers {
		if m.Name == label && m.Type == alertlabels.MatchEqual {
			return m.Value
		}
	}
	return ""
}

// whole keeps of a series the values at moments whose whole lookback was scraped. Over less a rate would be too low.
func (d drawing) whole(one promql.Series, tries []time.Time, lookback time.Duration) labelled {
	l := labelled{one.Metric.Map(), d.moments.unknown()}
	for _, p := range one.Floats {
		if i := d.moments.index(p.T); i >= 0 && d.scrapedAt(d.moments.at(i)) && d.tried(tries, d.moments.at(i), lookback) {
			l.values[i] = p.F
		}
	}
	return l
}

// tried is whether the agent was asked all the time in the span before t. It need not have answered: that is so for whoever
// scrapes it.
func (d drawing) tried(tries []time.Time, t time.Time, lookback time.Duration) bool {
	if lookback == 0 {
		return true
	}
	from := t.Add(-lookback)
	i, _ := slices.BinarySearchFunc(tries, from, time.Time.Compare)
	if i == len(tries) || tries[i].Sub(from) > 3*d.interval/2 {
		return false
	}
	for ; i+1 < len(tries) && !tries[i+1].After(t); i++ {
		if tries[i+1].Sub(tries[i]) > missingTries*d.interval {
			return false
		}
	}
	return true
}

// labelNames are those of the agent's series of one metric, nil when it has reported none.
func (d drawing) labelNames(ctx context.Context, metric string) ([]string, error) {
	q, err := d.series.Querier(d.moments.first.UnixMilli(), d.moments.last().UnixMilli())
	if err != nil {
		return nil, err
	}
	defer q.Close() //nolint:errcheck // reading is over, and nothing was written
	names := map[string]bool{}
	set := q.Select(ctx, false, nil, labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, metric))
	for set.Next() {
		set.At().Labels().Range(func(l labels.Label) { names[l.Name] = true })
	}
	if err := set.Err(); err != nil {
		return nil, fmt.Errorf("reading the scraped samples: %w", err)
	}
	var all []string
	for name := range names {
		all = append(all, name)
	}
	return all, nil
}

func unitOf(kind rule.Kind) Unit {
	switch kind {
	case rule.Ratio:
		return PercentUnit
	case rule.Seconds:
		return Seconds
	case rule.Bytes:
		return Bytes
	case rule.PerSecond:
		return PerSecond
	default:
		return Short
	}
}
