package diagnostics

import (
	"bytes"
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// profileAuto is the profile of an agent that is recognised by its metrics.
const profileAuto = "auto"

//go:embed profiles/*.yml
var profileFiles embed.FS

// profiles are the embedded ones in the order in which an agent is recognised: specific ones before general ones.
var profiles = loadProfiles("aster-server", "agent-sdk", "claude-runner", "litellm", "opencode", "go-runtime")

// profile says how to read one kind of agent. It is a data file: profiles/NAME.yml.
type profile struct {
	Name string `yaml:"name"`
	// Recognise are metric names; an agent that reports any of them is of this kind.
	Recognise []string `yaml:"recognise"`
	// RecogniseHealth is a health answer that only this kind of agent gives; it is asked for while the metrics do not tell.
	RecogniseHealth healthShape `yaml:"recognise_health"`
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
	// Include is the profile whose vitals follow this one's own; a vital of the same name is left out.
	Include string      `yaml:"include"`
	Vitals  []vitalSpec `yaml:"vitals"`
	Tables  []tableSpec `yaml:"tables"`
}

// vitalSpec is how one vital is computed. Expressions are PromQL over the agent's own series. In them $__rate_interval is
// the span over which current rates are known, and $__history is how long samples are kept.
type vitalSpec struct {
	Name string `yaml:"name"`
	Unit Unit   `yaml:"unit"`
	// Expr gives one number. When it holds $__rate_interval, SinceStart is the same over the agent's whole life; it is
	// shown where a current value cannot be known.
	Expr       string `yaml:"expr"`
	SinceStart string `yaml:"since_start"`
	// Buckets selects the histogram's buckets that a quantile comes from, to know where its top bucket ends.
	Buckets string `yaml:"buckets"`
	// Idle says what it means when Expr gives NaN, as 0/0 does: "no traffic".
	Idle string `yaml:"idle"`
	// Warn and Crit are thresholds, as in "> 0.05"; "" judges nothing.
	Warn string `yaml:"warn"`
	Crit string `yaml:"crit"`
	// When is an expression that gives something when Note is to stand beside the value.
	When string `yaml:"when"`
	Note string `yaml:"note"`
	// NoBefore is for a value whose change is no news, such as the uptime.
	NoBefore bool     `yaml:"no_before"`
	Topics   []string `yaml:"topics"`

	warn, crit threshold
}

// tableSpec is how one ranking is computed. $__window is the last hour, or as much of it as is known; the table's name
// says which.
type tableSpec struct {
	Name string `yaml:"name"`
	Unit Unit   `yaml:"unit"`
	// Expr gives the rows, Of the whole that each row is a part of; both by the labels of By, which name the row.
	Expr         string   `yaml:"expr"`
	Of           string   `yaml:"of"`
	By           []string `yaml:"by"`
	SinceStart   string   `yaml:"since_start"`
	OfSinceStart string   `yaml:"of_since_start"`
	Topics       []string `yaml:"topics"`
}

// threshold is a limit and on which side of it values are bad.
type threshold struct {
	op    string
	limit float64
}

func parseThreshold(text string) (threshold, error) {
	if text == "" {
		return threshold{}, nil
	}
	op, number, _ := strings.Cut(text, " ")
	limit, err := strconv.ParseFloat(number, 64)
	if err != nil || !slices.Contains([]string{">", ">=", "<", "<="}, op) {
		return threshold{}, fmt.Errorf("%q is not a threshold like \"> 0.05\"", text)
	}
	return threshold{op, limit}, nil
}

func (t threshold) beyond(v float64) bool {
	switch t.op {
	case ">":
		return v > t.limit
	case ">=":
		return v >= t.limit
	case "<":
		return v < t.limit
	case "<=":
		return v <= t.limit
	}
	return false
}

func (v vitalSpec) judge(value float64) State {
	switch {
	case v.crit.beyond(value):
		return StateCritical
	case v.warn.beyond(value):
		return StateWarning
	}
	return StateOK
}

// loadProfiles reads embedded profiles. What is wrong with one is a mistake in this program, which its tests find.
func loadProfiles(names ...string) []*profile {
	var all []*profile
	for _, name := range names {
		text, err := profileFiles.ReadFile("profiles/" + name + ".yml")
		if err != nil {
			panic(err)
		}
		p, err := parseProfile(text)
		if err != nil {
			panic(fmt.Sprintf("profiles/%s.yml: %v", name, err))
		}
		all = append(all, p)
	}
	for _, p := range all {
		if p.Include == "" {
			continue
		}
		i := slices.IndexFunc(all, func(other *profile) bool { return other.Name == p.Include })
		for _, vital := range all[i].Vitals {
			if !slices.ContainsFunc(p.Vitals, func(own vitalSpec) bool { return own.Name == vital.Name }) {
				p.Vitals = append(p.Vitals, vital)
			}
		}
	}
	return all
}

func parseProfile(text []byte) (*profile, error) {
	var p profile
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&p); err != nil {
		return nil, fmt.Errorf("decoding: %w", err)
	}
	for i := range p.Vitals {
		v := &p.Vitals[i]
		var err error
		if v.warn, err = parseThreshold(v.Warn); err != nil {
			return nil, fmt.Errorf("vital %q: %w", v.Name, err)
		}
		if v.crit, err = parseThreshold(v.Crit); err != nil {
			return nil, fmt.Errorf("vital %q: %w", v.Name, err)
		}
	}
	if err := p.Health.validate(); err != nil {
		return nil, err
	}
	for _, endpoint := range p.JSON {
		if err := endpoint.validate(); err != nil {
			return nil, err
		}
	}
	return &p, nil
}

// profileNamed is nil when there is none of that name.
func profileNamed(name string) *profile {
	if i := slices.Index(profileNames(), name); i >= 0 {
		return profiles[i]
	}
	return nil
}

func profileNames() []string {
	names := make([]string, len(profiles))
	for i, p := range profiles {
		names[i] = p.Name
	}
	return names
}
