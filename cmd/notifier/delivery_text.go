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
	"strings"
	"time"

	"github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/delivery"
	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/templates"
)

// screen is how wide a table or a description may be, in columns.
const screen = 100

// table lists deliveries in at most 100 columns: what is longer is cut, the IDs excepted.
func table(w io.Writer, found []delivery.Delivery, now time.Time) error {
	rows := [][]string{{"WHEN", "ID", "STATUS", "TO", "TRIES", "ALERT", "WHY"}}
	for _, d := range found {
		rows = append(rows, []string{
			clock(d.Accepted, now), printable(d.ID), printable(string(d.Status)), short(to(d), 15), fmt.Sprint(tries(d)),
			orDash(tellsOf(d)), orDash(why(d, now)),
		})
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	const alertColumn, whyColumn = 5, 6
	room := screen - 2*whyColumn
	for _, width := range widths[:alertColumn] {
		room -= width
	}
	// Why there is trouble is worth more than the group, and each gives the other what it does not need.
	widths[whyColumn] = max(3, min(widths[whyColumn], max(room-widths[alertColumn], room*6/10)))
	widths[alertColumn] = max(5, min(widths[alertColumn], room-widths[whyColumn]))
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(padded(fitting(cell, widths[i]), widths[i]) + "  ")
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// fitting is text of at most so many columns.
func fitting(text string, width int) string {
	for width > 0 && columns(text) > width {
		text = short(text, max(1, len([]rune(text))-1-max(0, (columns(text)-width)/2)))
		if text == "…" {
			break
		}
	}
	return text
}

// clock is when something was, in now's time zone: the time of day, before it the date unless it is today's.
func clock(t, now time.Time) string {
	t = t.In(now.Location())
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format("01-02 15:04")
}

// tries is how often it was tried to tell a delivery.
func tries(d delivery.Delivery) int {
	if d.Status == delivery.Sent {
		return d.Attempts + 1
	}
	return d.Attempts
}

// tellsOf is what a delivery tells of: the alert, and the group where its name does not say that.
func tellsOf(d delivery.Delivery) string {
	rest := maps.Clone(d.GroupLabels)
	delete(rest, "alertname")
	name := d.Alertname
	if d.State == alert.StatusResolved {
		name = strings.TrimSpace("✓ " + name)
	}
	return printable(strings.TrimSpace(name + " " + pairs(rest)))
}

// why is what is remarkable about how a delivery went.
func why(d delivery.Delivery, now time.Time) string {
	var said []string
	add := func(text string) { said = append(said, text) }
	switch {
	case d.Reason == delivery.ReasonDuplicate:
		add("same as " + cmp.Or(d.ShownBy, "an earlier one"))
	case d.Reason == delivery.ReasonUnwanted:
		add("send_resolved is false")
	case d.Reason == delivery.ReasonReplayed:
		add("replayed as " + d.ShownBy)
	case d.Reason == delivery.ReasonGone:
		add("lost: too old for the journal")
	case d.Muted != nil && (d.Reason == "" || d.Reason == delivery.ReasonMuted):
		add("muted by " + mutedBy(*d.Muted, now))
	case d.Reason != "":
		add(d.Reason)
	}
	if !d.Next.IsZero() && d.Muted == nil {
		add("next " + ahead(d.Next, now))
	}
	if d.InsteadOf != nil {
		add("for " + d.InsteadOf.Receiver)
	}
	if d.HandedOver != "" {
		add("fallback " + d.HandedOver)
	}
	if d.Replays != "" {
		add("a replay")
	}
	if d.Notifications > 1 && d.Status != delivery.Suppressed {
		add(fmt.Sprintf("%d updates", d.Notifications))
	}
	if d.Note != "" && d.Reason != delivery.ReasonReplayed {
		add(d.Note)
	}
	return printable(strings.Join(said, ", "))
}

// mutedBy is by which time intervals something is muted, and until when.
func mutedBy(m delivery.Mute, now time.Time) string {
	by := strings.Join(m.By, ", ")
	switch {
	case m.Until.IsZero():
		return by + " for years"
	case m.Until.Before(now):
		return by
	}
	return by + " until " + clock(m.Until, now)
}

func ahead(t, now time.Time) string {
	if !t.After(now) {
		return "now"
	}
	return "in " + words(t.Sub(now))
}

// to is who is told: the receiver, and its integration where the name does not say it.
func to(d delivery.Delivery) string {
	if d.Integration == "" || d.Integration == d.Receiver {
		return orDash(d.Receiver)
	}
	return printable(d.Receiver + "/" + d.Integration)
}

func orDash(text string) string { return printable(cmp.Or(text, "-")) }

// mostShown is how many alerts of a message are shown, mostTries how many tries, mostVitals how many vitals: it is one screen.
const (
	mostShown  = 3
	mostTries  = 8
	mostVitals = 4
)

// page is what is printed of one delivery: lines of "what  value", none wider than the screen.
type page struct {
	sheet

	now time.Time
}

func newPage(now time.Time) *page { return &page{sheet: sheet{width: screen}, now: now} }

const margin = 12

func (p *page) line(what, value string) {
	if value != "" {
		p.row("", margin, padded(what, margin)+value)
	}
}

// at is a time and how long ago it is.
func (p *page) at(t time.Time) string {
	text := t.In(p.now.Location()).Format("2006-01-02 15:04:05 MST")
	if t.After(p.now) {
		return text + " (in " + words(t.Sub(p.now)) + ")"
	}
	return text + " (" + words(p.now.Sub(t)) + " ago)"
}

// describe is all that is known of a delivery.
func describe(w io.Writer, d delivery.Delivery, now time.Time) error {
	p := newPage(now)
	p.delivery(d, true)
	_, err := io.WriteString(w, p.String())
	return err
}

// describeTrace is where a notification went, the whole of each delivery where there is one only.
func describeTrace(w io.Writer, t delivery.Trace, now time.Time) error {
	p := newPage(now)
	p.line("Webhook", t.ID)
	p.line("Says", said(t.Alertname, t.State, t.Severity, count(t.Alerts, "alert")))
	p.line("Group", pairs(t.GroupLabels))
	if t.Accepted.IsZero() {
		p.line("Accepted", "it is not in the journal any more; what became of it is")
	} else {
		p.line("Accepted", p.at(t.Accepted))
	}
	switch n := len(t.Deliveries); {
	case len(t.Receivers) > 0:
		p.line("For", strings.Join(t.Receivers, ", "))
	case n == 0 && len(t.Unknown) == 0 && !t.Accepted.IsZero():
		p.line("For", "nobody: no receiver of its route is configured")
	}
	for _, name := range t.Unknown {
		p.line("Done", name+": its outcome was dropped to make room for newer ones")
	}
	for _, d := range t.Deliveries {
		fmt.Fprintln(p)
		p.delivery(d, len(t.Deliveries) == 1)
	}
	_, err := io.WriteString(w, p.String())
	return err
}

func said(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

func count(n int, of string) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "1 " + of
	default:
		return fmt.Sprintf("%d %ss", n, of)
	}
}

// verdict is what became of a delivery, as one would say it.
func (p *page) verdict(d delivery.Delivery) string {
	whom := to(d)
	took := func(t time.Time) string { return words(t.Sub(d.Accepted)) + " after it was accepted" }
	switch d.Status {
	case delivery.Sent:
		text := fmt.Sprintf("SENT to %s at %s, %s", whom, clock(d.Settled, p.now), took(d.Settled))
		if d.Settled.IsZero() {
			text = "SENT to " + whom
		}
		if d.Attempts > 0 {
			text += fmt.Sprintf(", at try %d", d.Attempts+1)
		}
		return text
	case delivery.Pending:
		if d.Muted != nil {
			return fmt.Sprintf("PENDING for %s: muted by %s", whom, mutedBy(*d.Muted, p.now))
		}
		return fmt.Sprintf("PENDING for %s: not tried yet", whom)
	case delivery.Retrying:
		text := fmt.Sprintf("RETRYING: %s was not told in %s", whom, tryCount(d.Attempts))
		if !d.Next.IsZero() {
			return text + ", the next comes " + ahead(d.Next, p.now)
		}
		return text + ", the next is under way"
	case delivery.Dead:
		return fmt.Sprintf("DEAD: %s was not told and will not be, unless it is replayed", whom)
	}
	switch d.Reason {
	case delivery.ReasonDuplicate:
		return fmt.Sprintf("SUPPRESSED: %s is told the same by %s", whom, cmp.Or(d.ShownBy, "an earlier message"))
	case delivery.ReasonUnwanted:
		return fmt.Sprintf("SUPPRESSED: %s wants to hear of no end (send_resolved: false)", whom)
	case delivery.ReasonMuted:
		by := "a time interval"
		if d.Muted != nil {
			by = strings.Join(d.Muted.By, ", ")
		}
		return fmt.Sprintf("SUPPRESSED: it fired and ended while %s was muted by %s", whom, by)
	case delivery.ReasonReplayed:
		return fmt.Sprintf("REPLAYED: %s was not told; it was sent again as %s", whom, cmp.Or(d.ShownBy, "another one"))
	case delivery.ReasonGone:
		return fmt.Sprintf("LOST: %s was not told; it passed the journal's age first", whom)
	default:
		return fmt.Sprintf("SUPPRESSED: %s was not told", whom)
	}
}

func tryCount(n int) string {
	if n == 1 {
		return "1 try"
	}
	return fmt.Sprintf("%d tries", n)
}

// delivery is the part about one delivery; whole is whether its alerts and its agent are shown, too.
func (p *page) delivery(d delivery.Delivery, whole bool) {
	p.row("", 2, p.verdict(d))
	p.line("Delivery", d.ID)
	if whole {
		p.line("Says", said(d.Alertname, d.State, d.Severity))
		p.line("Group", pairs(d.GroupLabels))
		p.line("Accepted", p.at(d.Accepted))
	}
	p.line("Route", strings.Join(d.Routes, ", "))
	if d.InsteadOf != nil {
		p.line("Stands in", fmt.Sprintf("for %s, which could not be told%s: %s",
			d.InsteadOf.Receiver, inBrackets(d.InsteadOf.Reason), d.InsteadOf.Delivery))
	}
	if d.HandedOver != "" {
		p.line("Fallback", d.HandedOver+" was told in its stead")
	}
	if d.Replays != "" {
		p.line("Replay", "of "+d.Replays+", because somebody asked for it")
	}
	if d.Notifications > 1 {
		p.line("Merged", fmt.Sprintf("%d webhooks: %s", d.Notifications, some(d.Webhooks, 3)))
	} else if len(d.Webhooks) == 1 && whole {
		p.line("Webhook", d.Webhooks[0])
	}
	if d.Muted != nil && d.Status == delivery.Retrying {
		p.line("Muted", "a part of it, by "+mutedBy(*d.Muted, p.now))
	}
	p.line("Note", d.Note)
	if d.Error != "" && len(d.Tries) == 0 {
		p.line("Why", said(d.Reason, d.Error))
	}
	p.tries(d)
	if whole {
		p.alerts(d)
		p.agent(d.Snapshot)
	}
}

func inBrackets(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// some is a list of which the newest are shown.
func some(all []string, most int) string {
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("… %s (%d more)", strings.Join(all[len(all)-most:], ", "), len(all)-most)
}

// tries is one line for each try, the newest last.
func (p *page) tries(d delivery.Delivery) {
	shown := d.Tries[max(0, len(d.Tries)-mostTries):]
	if hidden := tries(d) - len(shown); hidden > 0 && len(shown) > 0 {
		p.line("Tries", fmt.Sprintf("%d earlier ones are not shown", hidden))
	}
	for i, t := range shown {
		what := ""
		if i == 0 && tries(d) <= len(shown) {
			what = "Tries"
		}
		text := fmt.Sprintf("%s  %5.2fs  ", clock(t.At, p.now), t.Seconds)
		if t.Reason != "" {
			text += t.Reason + ": " + t.Error
		} else {
			text += "taken"
		}
		for _, name := range slices.Sorted(maps.Keys(t.Answer)) {
			text += "  " + name + "=" + t.Answer[name]
		}
		p.row("", margin+2, padded(what, margin)+text)
	}
}

// alerts are what came, as far as there is room.
func (p *page) alerts(d delivery.Delivery) {
	if d.Group == nil {
		return
	}
	fmt.Fprintln(p)
	rest := d.LeftOut
	for _, list := range []struct {
		name   string
		alerts template.Alerts
	}{{"", d.Group.Alerts}, {"gone", d.Group.Gone}} {
		for i, a := range list.alerts {
			if i >= mostShown {
				rest += len(list.alerts) - i
				break
			}
			lasts := p.now
			if a.Status == alert.StatusResolved && a.EndsAt.After(a.StartsAt) {
				lasts = a.EndsAt
			}
			since := "since " + clock(a.StartsAt, p.now) + ", for " + words(lasts.Sub(a.StartsAt))
			if a.StartsAt.IsZero() {
				since = ""
			}
			p.line(cmp.Or(list.name, a.Status), fitting(said(since, pairs(a.Labels)), 2*(screen-margin)))
			for _, name := range slices.Sorted(maps.Keys(a.Annotations)) {
				p.line("", fitting(name+": "+a.Annotations[name], 2*(screen-margin)))
			}
		}
	}
	if rest > 0 {
		p.line("", fmt.Sprintf("… and %s (-o json has those that are kept)", count(rest, "more alert")))
	}
	if d.Group.Truncated > 0 {
		p.line("", fmt.Sprintf("%d more are hidden by Alertmanager's max_alerts", d.Group.Truncated))
	}
}

// agent is the snapshot in short.
func (p *page) agent(s *diagnostics.Snapshot) {
	if s == nil {
		return
	}
	what := templates.Describe(s, p.now)
	p.line("Agent", said(s.Agent, s.Instance, what.State))
	p.line("", what.Checks)
	var vitals []string
	for _, v := range what.Vitals[:min(len(what.Vitals), mostVitals)] {
		vitals = append(vitals, strings.TrimSpace(v.Name+" "+v.Value+" "+v.Change))
	}
	p.line("", strings.Join(vitals, "; "))
	p.line("", "as the message showed it, "+clock(s.TakenAt, p.now))
}

// pairs is labels on one line.
func pairs(labels template.KV) string {
	var text []string
	for _, pair := range labels.SortedPairs() {
		text = append(text, pair.Name+"="+pair.Value)
	}
	return strings.Join(text, " ")
}

// printAsJSON prints an answer of our own as JSON, indented.
func printAsJSON(w io.Writer, answer any) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	return printJSON(w, body)
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
