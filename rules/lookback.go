package rules

import (
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// Beyond names the rules whose expressions look further back than samples are kept: they see a part of what they ask for.
func (f Files) Beyond(history time.Duration) []string {
	var names []string
	for _, file := range f.names {
		for _, g := range f.groups[file].Groups {
			for _, r := range g.Rules {
				if expr, err := ruleParser.ParseExpr(r.Expr); err == nil && looksBack(expr) > history {
					names = append(names, r.Alert+r.Record) // it has one of them
				}
			}
		}
	}
	return names
}

// looksBack is how far. What selects no series does not.
func looksBack(expr parser.Expr) time.Duration {
	if len(parser.ExtractSelectors(expr)) == 0 {
		return 0
	}
	at := time.Unix(1e9, 0)
	from, _ := promql.FindMinMaxTime(&parser.EvalStmt{Expr: expr, Start: at, End: at})
	return at.Sub(time.UnixMilli(from))
}
