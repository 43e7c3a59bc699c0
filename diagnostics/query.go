package diagnostics

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alertvitals/notifier/config/problem"
)

// QueryConfig is one entry of an agent's `queries`: a vital that the user asks for.
type QueryConfig struct {
	// Name is what people read beside the value.
	Name string `yaml:"name"`
	// Expr is PromQL over what was scraped of the agent, which needs no selector for it; it must give one number. In it
	// $__rate_interval is the span over which current rates are known.
	Expr string `yaml:"expr"`
	// Unit is one of Grafana's identifiers (short, percentunit, s, bytes, reqps, currencyUSD), tokens or USD/h.
	Unit Unit `yaml:"unit"`
	// Warn is the threshold of a warning, such as "> 100"; without one there is none.
	Warn string `yaml:"warn"`
	// Crit is the threshold of what is critical.
	Crit string `yaml:"crit"`
}

// WithDefaults is q with the defaults in place of what it leaves out.
func (q QueryConfig) WithDefaults() QueryConfig {
	if q.Unit == "" {
		q.Unit = Short
	}
	return q
}

// mostQueries is how many an agent may have: each costs time of every snapshot.
const mostQueries = 20

// vital is the query as a vital.
func (q QueryConfig) vital() vitalSpec {
	q = q.WithDefaults()
	return vitalSpec{Name: q.Name, Unit: q.Unit, Expr: alternatives{q.Expr}, Warn: q.Warn, Crit: q.Crit, asked: true}
}

// compileQueries makes vitals of queries that validateQueries finds nothing wrong with.
func compileQueries(queries []QueryConfig) ([]vitalSpec, error) {
	var all []vitalSpec
	for _, q := range queries {
		v := q.vital()
		if err := v.compile(); err != nil {
			return nil, fmt.Errorf("query %q: %w", q.Name, err)
		}
		all = append(all, v)
	}
	return all, nil
}

func validateQueries(queries []QueryConfig) []problem.Problem {
	var problems []problem.Problem
	if len(queries) > mostQueries {
		problems = append(problems, problem.Problem{Path: "queries", Msg: fmt.Sprintf("at most %d: each takes time of every snapshot", mostQueries)})
	}
	var names []string
	for i, q := range queries {
		names = append(names, q.Name)
		wrong := func(key, msg string) {
			problems = append(problems, problem.Problem{Path: fmt.Sprintf("queries[%d].%s", i, key), Msg: msg})
		}
		if strings.TrimSpace(q.Name) == "" {
			wrong("name", "a query needs a name: people read it in every message")
		}
		if strings.TrimSpace(q.Expr) == "" {
			wrong("expr", "a query needs PromQL, as in sum(my_queue_length)")
		} else if _, err := parseExpression(q.Expr); err != nil {
			wrong("expr", err.Error())
		}
		if q.Unit == Text || q.Unit != "" && !slices.Contains(units, q.Unit) {
			wrong("unit", fmt.Sprintf("there is no unit %q for a query; there are: %s", q.Unit, unitNames()))
		}
		for key, text := range map[string]string{"warn": q.Warn, "crit": q.Crit} {
			if _, err := parseThreshold(text); err != nil {
				wrong(key, err.Error())
			}
		}
	}
	return append(problems, problem.Twice("query", names, func(i int) string { return fmt.Sprintf("queries[%d].name", i) })...)
}
