package diagnostics

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/prometheus/prometheus/tsdb"
)

const (
	// muchHistory is from how many series on most of the heap is the history, which stays: with Go's GOGC of 100, garbage would take as
	// much again. Below that a smaller one would only cost processor time, a quarter of it after a start with much to deliver:
	// docs/performance.md. Prometheus has a value of its own, too:
	// https://prometheus.io/docs/prometheus/latest/configuration/configuration/, runtime.gogc.
	muchHistory       = 25_000
	gcPercent         = 100
	gcPercentWithMuch = 50
	// compactEvery is how often the history is looked through for what can go from memory to disk, as Prometheus's database itself
	// would do it.
	compactEvery = time.Minute
	// gcPercentWhileCompacting is GOGC for the second or two that this takes. The database then needs almost as much memory again
	// as the history has, and without it as much garbage: 100 agents of 1,000 series took 330 MiB at that moment and 200 otherwise.
	gcPercentWhileCompacting = 10
)

// compactOften compacts the history until ctx ends.
func compactOften(ctx context.Context, db *tsdb.DB, logger *slog.Logger) {
	tick := time.NewTicker(compactEvery)
	defer tick.Stop()
	for {
		tuneGC(db)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			// The database has written what it could, and tries again.
			if err := compact(ctx, db); err != nil && ctx.Err() == nil {
				logger.Error("Writing the history of scraped samples failed", "err", err)
			}
		}
	}
}

// tuneGC sets GOGC as the history is large, unless the operator has set it.
func tuneGC(db *tsdb.DB) {
	switch {
	case os.Getenv("GOGC") != "":
	case db.Head().NumSeries() >= muchHistory:
		debug.SetGCPercent(gcPercentWithMuch)
	default:
		debug.SetGCPercent(gcPercent)
	}
}

// compact writes what is old enough from memory to disk, and merges what is there.
func compact(ctx context.Context, db *tsdb.DB) error {
	if usual := debug.SetGCPercent(gcPercentWhileCompacting); usual < gcPercentWhileCompacting { // or off, by the operator
		debug.SetGCPercent(usual)
	} else {
		defer debug.SetGCPercent(usual)
	}
	if err := db.Compact(ctx); err != nil {
		return fmt.Errorf("compacting the history: %w", err)
	}
	return nil
}
