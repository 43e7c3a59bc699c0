package diagnostics

import (
	"regexp"
)

// profileAuto is the profile of an agent that is recognised by its metrics.
const profileAuto = "auto"

// profile says how to read one kind of agent. It is a data file, profiles/NAME.yml; docs/profiles.md explains each key.
type profile struct {
	Name string `yaml:"name"`
	// Recognise are metric names, or regular expressions of whole names; an agent that reports any of them is of this kind.
	Recognise []string `yaml:"recognise"`
	// RecogniseHealth is a health answer that only this kind of agent gives; it is asked for while the metrics do not tell.
	RecogniseHealth healthShape `yaml:"recognise_health"`
	// General is whether an agent may be this besides what it is by another profile, whose vitals this one's then follow.
	General bool `yaml:"general"`
	// HealthPath, ReadyPath and MetricsPath are where this kind of agent answers; "" is nowhere.
	HealthPath  string `yaml:"health_path"`
	ReadyPath   string `yaml:"ready_path"`
	MetricsPath string `yaml:"metrics_path"`
	// NeverAsk are paths that must not be asked of this kind of agent, because asking costs money.
	NeverAsk []string `yaml:"never_ask"`
	// Health are rules for the answers of the health and readiness endpoints.
	Health healthRules `yaml:"health"`
	// JSON are endpoints that samples come from, beside the metrics endpoint or in its place.
	JSON []jsonEndpoint `yaml:"json"`
	// Include are the profiles whose vitals always follow this one's own. Where two vitals have one name, the later is
	// computed when the earlier has no value.
	Include []string    `yaml:"include"`
	Vitals  []vitalSpec `yaml:"vitals"`
	Tables  []tableSpec `yaml:"tables"`

	recognise *regexp.Regexp
}

// vitalSpec is how one vital is computed. Expressions are PromQL over the agent's own series. In them $__rate_interval is
// the span over which current rates are known, $__window the last hour or as much of it as is known, and $__history how
// long samples are kept.
type vitalSpec struct {
	Name string `yaml:"name"`
	Unit Unit   `yaml:"unit"`
	// Expr are alternatives: the first that gives a number is the vital. Where one holds $__rate_interval or $__window,
	// the SinceStart at its place is the same over the agent's whole life, shown where a current value cannot be known.
	// Without Expr the vital is always one since start.
	Expr       alternatives `yaml:"expr"`
	SinceStart alternatives `yaml:"since_start"`
	// Quantile of Histogram, in place of Expr: selectors of histograms by their family's name, as alternatives. Scale is
	// what a value of it is multiplied with to have Unit; 0 is 1, and 0.001 for names that hold "milliseconds".
	Quantile  float64      `yaml:"quantile"`
	Histogram alternatives `yaml:"histogram"`
	Scale     float64      `yaml:"scale"`
	// Label is the label of Expr's series that holds the vital, of which the unit is then Text.
	Label string `yaml:"label"`
	// NeverSet is for gauges that a program registers but may never set: a 0 is shown only when it ever was another number.
	NeverSet bool `yaml:"never_set"`
	// Absent says why there is none, in place of "not reported by this agent"; without Expr there can never be one.
	Absent string `yaml:"absent"`
	// Idle says what it means when the value is NaN, as 0/0 is: "no traffic".
	Idle string `yaml:"idle"`
	// Warn and Crit are thresholds, as in "> 0.05"; "" judges nothing.
	Warn string `yaml:"warn"`
	Crit string `yaml:"crit"`
	// Note stands beside the value; with When, only if that expression gives something.
	When string `yaml:"when"`
	Note string `yaml:"note"`
	// NoBefore is for a value whose change is no news, such as the uptime.
	NoBefore bool     `yaml:"no_before"`
	Topics   []string `yaml:"topics"`

	warn, crit threshold
	ways       []way
	when       *expression
	// asked is whether the user asked for this one: a query of the agent's.
	asked bool
}

// way is one of the alternatives by which a vital may be computed.
type way struct {
	// current is nil when only sinceStart can be known; sinceStart is nil when current is no rate.
	current, sinceStart *expression
	// histogram is the classic histogram that a quantile comes from; nil where the way is no quantile of one.
	histogram *histogram
	// average is whether the way stands in for the quantiles of a histogram that has no buckets.
	average bool
}

// tableSpec is how one ranking is computed. $__window is the last hour, or as much of it as is known; the table's name
// says which.
type tableSpec struct {
	Name string `yaml:"name"`
	Unit Unit   `yaml:"unit"`
	// Expr gives the rows, Of the whole that each row is a part of; both by the labels of By, which name the row. Each is a
	// list of alternatives: the first whose Expr gives something is the table.
	Expr         alternatives `yaml:"expr"`
	Of           alternatives `yaml:"of"`
	By           []string     `yaml:"by"`
	SinceStart   alternatives `yaml:"since_start"`
	OfSinceStart alternatives `yaml:"of_since_start"`
	Topics       []string     `yaml:"topics"`

	// rankings are the alternatives; a part that the file leaves out is nil.
	rankings []ranking
}

type ranking struct{ expr, of, sinceStart, ofSinceStart *expression }

// alternatives is one text or a list of them.
type alternatives []string

// UnmarshalYAML takes both.
func (a *alternatives) UnmarshalYAML(decode func(any) error) error {
	var one string
	if err := decode(&one); err == nil {
		*a = alternatives{one}
		return nil
	}
	return decode((*[]string)(a))
}

// at is "" beyond the end.
func (a alternatives) at(i int) string {
	if i < len(a) {
		return a[i]
	}
	return ""
}

func (v *vitalSpec) judge(value float64) State {
	switch {
	case v.crit.beyond(value):
		return StateCritical
	case v.warn.beyond(value):
		return StateWarning
	}
	return StateOK
}

// fits is whether an agent that reports metrics of these names is of the profile's kind.
func (p *profile) fits(names []string) bool {
	for _, name := range names {
		if p.recognise.MatchString(name) {
			return true
		}
	}
	return false
}
