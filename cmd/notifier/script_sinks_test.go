package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/alertvitals/notifier/notifiers/forward/forwardfake"
	"github.com/alertvitals/notifier/notifiers/pagerduty/pagerdutyfake"
)

const pagerdutyKey = "plantedkeyplantedkeyplantedkey00"

func pagerdutyCommand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 0)
	w := worldOf(ts)
	if len(args) == 0 {
		w.pager = pagerdutyfake.New(pagerdutyKey)
		httpServer := httptest.NewServer(w.pager)
		ts.Defer(httpServer.Close)
		ts.Setenv("PAGERDUTY", httpServer.URL)
		ts.Setenv("PAGERDUTY_KEY", pagerdutyKey)
		return
	}
	incidents := func(s pagerdutyfake.State) string {
		var text strings.Builder
		for _, i := range s.Incidents {
			fmt.Fprintf(&text, "%s %s notified %d: %s %s\n", i.State, i.Severity, i.Notified, i.Summary, i.Details)
		}
		return text.String()
	}
	switch args[0] {
	case "fail":
		want(ts, neg, args, 3)
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		status, err := strconv.Atoi(args[2])
		ts.Check(err)
		w.pager.FailNext(n, pagerdutyfake.Failure{Status: status})
	case "wait":
		want(ts, neg, args, 2)
		pattern := regexp.MustCompile("(?s)" + args[1])
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := w.pager.Wait(ctx, func(s pagerdutyfake.State) bool { return pattern.MatchString(incidents(s)) }); err != nil {
			ts.Fatalf("no incident matches %s: %v\n%s", args[1], err, incidents(w.pager.State()))
		}
	default:
		ts.Fatalf("pagerduty %s: unknown", args[0])
	}
}

const webhookSecret = "planted webhook secret"

func webhookCommand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 0)
	w := worldOf(ts)
	if len(args) == 0 {
		w.webhook = forwardfake.New([]byte(webhookSecret))
		httpServer := httptest.NewServer(w.webhook)
		ts.Defer(httpServer.Close)
		ts.Setenv("WEBHOOK", httpServer.URL)
		ts.Setenv("WEBHOOK_SECRET", webhookSecret)
		return
	}
	want(ts, neg, args, 2)
	pattern := regexp.MustCompile("(?s)" + args[1])
	bodies := func(got []forwardfake.Webhook) string {
		var text strings.Builder
		for _, g := range got {
			fmt.Fprintf(&text, "%s\n", g.Body)
		}
		return text.String()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.webhook.Wait(ctx, func(got []forwardfake.Webhook) bool { return pattern.MatchString(bodies(got)) }); err != nil {
		ts.Fatalf("no webhook matches %s: %v\n%s", args[1], err, bodies(w.webhook.Got()))
	}
}
