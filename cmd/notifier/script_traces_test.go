package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"regexp"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/alertvitals/notifier/tracing/otlpfake"
)

func tracesCommand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 0)
	w := worldOf(ts)
	if len(args) == 0 {
		w.traces = new(otlpfake.Collector)
		httpServer := httptest.NewServer(w.traces)
		ts.Defer(httpServer.Close)
		ts.Setenv("OTLP", httpServer.URL)
		return
	}
	switch args[0] {
	case "wait":
		want(ts, neg, args, 2)
		pattern := regexp.MustCompile("(?ms)" + args[1])
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := w.traces.Wait(ctx, pattern.MatchString); err != nil {
			ts.Fatalf("no traces match %s: %v\n%s", args[1], err, w.traces.Show())
		}
	case "show":
		fmt.Fprint(ts.Stdout(), w.traces.Show())
	default:
		ts.Fatalf("traces %s is no command", args[0])
	}
}
