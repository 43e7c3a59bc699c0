package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/delivery"
)

// table has at most 100 columns as long as IDs have at most 24 and receivers are not cut off.
func table(w io.Writer, found []delivery.Delivery, now time.Time) error {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "ID\tSTATUS\tRECEIVER\tALERT\tAGE\tTRIES\tNEXT\tWHY")
	for _, d := range found {
		next := "-"
		if !d.Next.IsZero() {
			next = words(d.Next.Sub(now))
		}
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n",
			printable(d.ID), printable(string(d.Status)), short(to(d), 15), short(orDash(cmp.Or(d.Alertname, pairs(d.GroupLabels))), 15),
			words(now.Sub(d.Accepted)), d.Attempts, next, short(orDash(why(d)), 12))
	}
	return columns.Flush()
}

// why is why it waits or failed.
func why(d delivery.Delivery) string {
	if d.Reason == "" && d.Muted != nil {
		return "muted"
	}
	return d.Reason
}

// to is who is told: the receiver, and its integration where the name does not say it.
func to(d delivery.Delivery) string {
	if d.Integration == "" || d.Integration == d.Receiver {
		return orDash(d.Receiver)
	}
	return printable(d.Receiver + "/" + d.Integration)
}

func orDash(text string) string { return printable(cmp.Or(text, "-")) }

// describe is a delivery in lines of "what  value".
func describe(w io.Writer, d delivery.Delivery, now time.Time) error {
	at := func(t time.Time) string {
		if t.After(now) {
			return fmt.Sprintf("%s (in %s)", t.Local().Format("2006-01-02 15:04:05 MST"), words(t.Sub(now)))
		}
		return fmt.Sprintf("%s (%s ago)", t.Local().Format("2006-01-02 15:04:05 MST"), words(now.Sub(t)))
	}
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(what, value string) {
		if value != "" {
			fmt.Fprintf(columns, "%s\t%s\n", what, printable(value))
		}
	}
	line("Delivery", d.ID)
	line("Status", string(d.Status))
	line("Receiver", to(d))
	line("Alert", strings.Join(slices.DeleteFunc([]string{d.Alertname, d.State, d.Severity}, func(s string) bool { return s == "" }), " · "))
	line("Group", pairs(d.GroupLabels))
	line("Notifications", strconv.Itoa(d.Notifications))
	line("Accepted", at(d.Accepted))
	line("Failed tries", strconv.Itoa(d.Attempts))
	if !d.Failed.IsZero() {
		line("Last failure", at(d.Failed))
	}
	line("Reason", d.Reason)
	line("Error", d.Error)
	if d.Muted != nil {
		until := "for years"
		if !d.Muted.Until.IsZero() {
			until = "until " + at(d.Muted.Until)
		}
		line("Muted", fmt.Sprintf("by %s %s (%s)", strings.Join(d.Muted.By, ", "), until, d.Muted.Reason))
	}
	if !d.Next.IsZero() {
		line("Next try", at(d.Next))
	}
	if d.Group != nil {
		for _, list := range []struct {
			name   string
			alerts template.Alerts
		}{{"", d.Group.Alerts}, {"gone", d.Group.Gone}} {
			for _, a := range list.alerts {
				fmt.Fprintln(columns)
				line(cmp.Or(list.name, a.Status), pairs(a.Labels))
				line("  since", at(a.StartsAt))
				if a.Status == alert.StatusResolved {
					line("  until", at(a.EndsAt))
				}
				for _, name := range slices.Sorted(maps.Keys(a.Annotations)) {
					line("  "+short(printable(name), 20), a.Annotations[name])
				}
			}
		}
		if d.Group.Truncated > 0 {
			fmt.Fprintf(columns, "\n%d more alerts are hidden by Alertmanager's max_alerts.\n", d.Group.Truncated)
		}
	}
	return columns.Flush()
}

// pairs is labels on one line.
func pairs(labels template.KV) string {
	var text []string
	for _, pair := range labels.SortedPairs() {
		text = append(text, pair.Name+"="+pair.Value)
	}
	return strings.Join(text, " ")
}

// printJSON prints a notifier's answer, indented.
func printJSON(w io.Writer, body []byte) error {
	var text bytes.Buffer
	if err := json.Indent(&text, body, "", "  "); err != nil {
		return errors.New("the answer is not a notifier's; --url says where it is")
	}
	fmt.Fprintln(w, printableJSON(text.String()))
	return nil
}
