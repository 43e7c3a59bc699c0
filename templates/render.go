package templates

import (
	"fmt"
	"strings"
	"time"

	amtemplate "github.com/prometheus/alertmanager/template"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/diagnostics"
)

// Input is all that a message is made of.
type Input struct {
	// Receiver is who is told.
	Receiver string
	// Group is what the receiver is told, without personal labels.
	Group alert.Group
	// Snapshot is the agent now, AtFire the one that was shown when the group began to fire; either may be nil.
	Snapshot, AtFire *diagnostics.Snapshot
	// Known are the fingerprints of the alerts that people were told fire. It is empty at a group's first message.
	Known []string
	// Ended are the fingerprints of the resolved alerts of Group whose end people were told already: an Alertmanager that is
	// behind says it again, and it is no news.
	Ended []string
	// Links are the configured addresses of the agent, in the order of the configuration.
	Links []diagnostics.Link
	// Again says why this message is told once more; nil for an ordinary one.
	Again *Again
	// Now is when the message is made.
	Now time.Time
}

// Render says in words what in holds, by the standard templates.
func Render(in Input) Content { return standard.Render(in) }

// Render says in words what in holds. It always has an answer: a template of the user's that fails leaves its text to the
// standard one, which Foot says.
func (s *Set) Render(in Input) Content { return s.render(in, &execution{set: s}) }

func (s *Set) render(in Input, e *execution) Content {
	in.Now = in.Now.UTC()
	g := in.Group
	late := in.Again.late()
	if late {
		in.Snapshot, in.AtFire = nil, nil // how the agent is now says nothing of then
	}
	differs := differenceOf(in)
	e.view = view{
		Data:       DataOf(in.Receiver, g, in.Snapshot),
		Status:     g.Status(),
		Severity:   cut(oneLine(string(g.Severity())), severitySize),
		Name:       name(g),
		Agent:      agentName(in),
		Firing:     len(g.Alerts.Firing()),
		Resolved:   len(g.Alerts.Resolved()),
		Hidden:     g.Truncated,
		Since:      g.Since().UTC(),
		Until:      g.Until().UTC(),
		Now:        in.Now,
		Summary:    summary(g),
		difference: differs,
		Repeat:     g.Repeated(),
		Worse:      worse(in, differs),
		Known:      len(in.Known) > 0,
		Unheard:    len(in.Known) == 0 && g.Status() == alert.StatusResolved && len(differs.Passed) > 0,
		Again:      in.Again,
		Late:       late,
	}
	e.view.Where, e.view.Others = where(g)
	v := e.view
	c := Content{
		Status:   v.Status,
		Severity: g.Severity(),
		Emoji:    emoji(v.Status, g.Severity()),
		Title:    e.execute("title"),
		Headline: e.execute("headline"),
		Note:     e.execute("note"),
		Counts:   strings.TrimPrefix(e.execute("counts"), ", "),
		News:     sentence(e.execute("news")),
		Alerts:   alertLines(g, late),
		Links:    links(g, in.Links),
	}
	c.Relief = v.Known && v.Firing > 0 && !v.Repeat && len(differs.Joined) == 0 && c.News != ""
	if in.Snapshot != nil {
		topics := diagnostics.Topics(g.Name())
		c.State, c.Checks = stateOf(in.Snapshot), checksOf(in.Snapshot)
		c.Vitals = fewVitals(in.Snapshot, topics, in.Now)
		if v.Status == alert.StatusFiring {
			c.Trend = trend(in.Snapshot, topics)
			c.Tables = tables(in.Snapshot, topics)
		}
		c.Foot = foot(in.Snapshot)
	}
	c.Foot = strings.TrimPrefix(c.Foot+e.failures(), " · ")
	if late {
		c.Emoji, c.Counts = "⏪", "then: "+c.Counts
	}
	if v.Status == alert.StatusResolved {
		c.Changes = changes(in.AtFire, in.Snapshot, diagnostics.Topics(g.Name()))
	}
	return c
}

// What labels may take of the title and the headline, in characters: a label without end must not push the state and the time out
// of a line that a service cuts. Slack's headers have 150 characters.
const (
	severitySize = 20
	titleSize    = 55
	agentSize    = 35
	summarySize  = 400
	whereSize    = 80
)

// view is what the embedded templates see.
type view struct {
	Data

	Status, Severity, Name, Agent string
	Firing, Resolved              int
	Hidden                        uint64
	Since, Until, Now             time.Time
	Summary, Where                string
	Others                        int
	difference
	Repeat, Worse, Known, Unheard, Late bool
	Again                               *Again
}

// oneLine folds white space and drops what could break a line, a header or a terminal.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || (r >= 0x7f && r < 0xa0) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return strings.Join(strings.Fields(text), " ")
}

func emoji(status string, severity alert.Severity) string {
	switch {
	case status == alert.StatusResolved:
		return "🟢"
	case severity == alert.Critical:
		return "🔴"
	case severity == alert.Info:
		return "🔵"
	default:
		return "🟠"
	}
}

// name is what the group is about: its alertname, or how many different ones it has.
func name(g alert.Group) string {
	if n := g.Name(); n != "" {
		return cut(oneLine(n), titleSize)
	}
	names := distinct(g.Alerts, "alertname")
	if len(names) == 0 {
		return "alert without a name"
	}
	return fmt.Sprintf("%s (+%d more)", cut(oneLine(names[0]), titleSize), len(names)-1)
}

func agentName(in Input) string {
	if in.Snapshot != nil && in.Group.OneJob() {
		return cut(oneLine(in.Snapshot.Agent), agentSize)
	}
	return cut(oneLine(in.Group.CommonLabels()["job"]), agentSize)
}

func summary(g alert.Group) string {
	return cut(oneLine(explain(g.Lead().Annotations, "summary", "description", "message")), summarySize)
}

func explain(annotations amtemplate.KV, preferred ...string) string {
	for _, name := range preferred {
		if text := annotations[name]; text != "" {
			return text
		}
	}
	return ""
}

// distinct are the values of a label, each once, in the order of the alerts. A group may have thousands.
func distinct(alerts amtemplate.Alerts, label string) []string {
	var values []string
	seen := map[string]bool{"": true}
	for _, a := range alerts {
		if value := a.Labels[label]; !seen[value] {
			seen[value] = true
			values = append(values, value)
		}
	}
	return values
}

// where is the first instance, unless the summary names it already, and how many more there are.
func where(g alert.Group) (first string, others int) {
	instances := distinct(g.Telling(), "instance")
	if len(instances) == 0 {
		return "", 0
	}
	if !strings.Contains(summary(g), instances[0]) {
		first = cut(oneLine(instances[0]), whereSize)
	}
	return first, len(instances) - 1
}
