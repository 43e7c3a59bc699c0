package logsink

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/notifiers"
)

// encode writes a line for each alert, those that are no longer reported included. The encoders of log/slog keep what labels hold within the line and within UTF-8.
func encode(ctx context.Context, w io.Writer, format string, now time.Time, m notifiers.Message) error {
	options := &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
			return slog.Attr{} // a line is data; it has neither
		}
		return a
	}}
	var lines slog.Handler = slog.NewJSONHandler(w, options)
	if format == Logfmt {
		lines = slog.NewTextHandler(w, options)
	}
	alerts := slices.Clone(m.Group.Alerts)
	for _, a := range m.Group.Gone {
		a.Status = statusGone
		alerts = append(alerts, a)
	}
	for _, a := range alerts {
		record := slog.NewRecord(now.UTC(), slog.LevelInfo, "", 0)
		record.AddAttrs(attrs(m, a)...)
		if err := lines.Handle(ctx, record); err != nil {
			return err
		}
	}
	return nil
}

// statusGone is the status of an alert that fired and of which Alertmanager then said no more. The other two are its own.
const statusGone = "gone"

func attrs(m notifiers.Message, a template.Alert) []slog.Attr {
	all := []slog.Attr{
		slog.String("delivery", m.ID),
		slog.String("receiver", m.Receiver),
		slog.String("route", clean(m.Routes[a.Fingerprint])),
		slog.String("status", a.Status),
		slog.String("severity", clean(a.Labels["severity"])),
		slog.String("alertname", clean(a.Labels["alertname"])),
		slog.String("group", groupID(m.Group.Key)),
		slog.String("fingerprint", clean(a.Fingerprint)),
		pairs("labels", a.Labels),
		slog.String("summary", clean(a.Annotations["summary"])),
	}
	if !a.StartsAt.IsZero() {
		all = append(all, slog.Time("startsAt", a.StartsAt.UTC()))
	}
	if !a.EndsAt.IsZero() {
		all = append(all, slog.Time("endsAt", a.EndsAt.UTC()))
	}
	if m.Group.Truncated > 0 {
		all = append(all, slog.Uint64("hidden", m.Group.Truncated))
	}
	if m.Content.Note != "" {
		all = append(all, slog.String("note", clean(m.Content.Note)))
	}
	if m.Amends {
		all = append(all, slog.Bool("amends", true))
	}
	if m.Late {
		all = append(all, slog.Bool("late", true))
		return all // how the agent is now says nothing of then
	}
	if m.Snapshot != nil && (m.Group.OneJob() || a.Labels["job"] == m.Group.Lead().Labels["job"]) {
		all = append(all, agent(m))
	}
	return all
}

// groupID tells groups apart without saying their labels: a group's key may hold personal ones, which the labels
// themselves no longer do.
func groupID(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}

func pairs(name string, kv template.KV) slog.Attr {
	var all []slog.Attr
	for _, pair := range kv.SortedPairs() {
		all = append(all, slog.String(clean(pair.Name), clean(pair.Value)))
	}
	return slog.GroupAttrs(name, all...)
}

// agent is the snapshot in short: how the agent is, and its vitals as they were shown.
func agent(m notifiers.Message) slog.Attr {
	s := m.Snapshot
	all := []slog.Attr{
		slog.String("name", short(s.Agent)),
		slog.String("instance", short(s.Instance)),
		slog.String("state", short(m.Content.State)),
	}
	for _, check := range []struct {
		name string
		of   *diagnostics.Check
	}{{"health", s.Health}, {"ready", s.Ready}} {
		if check.of != nil {
			all = append(all, slog.String(check.name, string(check.of.Verdict)))
		}
	}
	var vitals []slog.Attr
	for _, v := range m.Content.Vitals {
		name := short(v.Name)
		// Two fields of one name would make the line mean different things to different readers.
		if !slices.ContainsFunc(vitals, func(a slog.Attr) bool { return a.Key == name }) {
			vitals = append(vitals, slog.String(name, short(v.Value)))
		}
	}
	return slog.GroupAttrs("agent", append(all, slog.GroupAttrs("vitals", vitals...))...)
}

// clean is valid UTF-8: the two encoders would spell broken bytes differently.
func clean(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// short is the beginning of what an agent said, which no webhook's limit bounds.
func short(text string) string {
	const most = 500 // bytes
	if len(text) <= most {
		return clean(text)
	}
	end := most
	for !utf8.RuneStart(text[end]) && end > most-utf8.UTFMax {
		end--
	}
	return clean(text[:end]) + "…"
}
