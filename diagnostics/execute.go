package diagnostics

import (
	"context"
	"errors"
	"strings"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// execute evaluates a query. Its errors hold no labels, which may be personal ones. An engine that panics over an expression costs
// its value alone: whoever can post an alert can write one.
func execute(ctx context.Context, query promql.Query) (value parser.Value, err error) {
	defer func() {
		if recover() != nil {
			value, err = nil, errors.New("the PromQL engine panicked")
		}
	}()
	result := query.Exec(ctx)
	if result.Err == nil {
		return result.Value, nil
	}
	// "found duplicate series for the match group {user_email=…"
	if why, _, labelled := strings.Cut(result.Err.Error(), "{"); labelled {
		return nil, errors.New(strings.TrimSpace(why))
	}
	return nil, result.Err //nolint:wrapcheck // the caller says what was evaluated
}
