package templates

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/alertvitals/notifier/diagnostics"
)

// stateOf says in three words how the agent is.
func stateOf(s *diagnostics.Snapshot) string {
	return oneLine(s.Agent) + " is " + stateWord(s)
}

func stateWord(s *diagnostics.Snapshot) string {
	verdict := func(c *diagnostics.Check) diagnostics.Verdict {
		if c == nil {
			return diagnostics.NotOffered
		}
		return c.Verdict
	}
	health, ready := verdict(s.Health), verdict(s.Ready)
	switch {
	case health == diagnostics.Down && !s.Metrics.OK,
		s.Health == nil && ready == diagnostics.Down && s.Ready.StatusCode == 0 && !s.Metrics.OK:
		return "DOWN"
	case health == diagnostics.Down || health == diagnostics.Degraded:
		return "DEGRADED"
	case ready == diagnostics.Down || ready == diagnostics.Degraded:
		return "NOT READY"
	case health == diagnostics.Up || ready == diagnostics.Up:
		return "UP"
	case s.Metrics.OK:
		return "ANSWERING (its health is not known)"
	case s.Health == nil && s.Ready == nil && s.Metrics.Silent:
		return "DOWN"
	default:
		return "UNCLEAR"
	}
}

// uptime is the vital that is told with the checks.
const uptime = "uptime"

// checksOf says what each endpoint answered: `/health 200 "degraded" (store: unhealthy) · /ready 404 not offered`.
func checksOf(s *diagnostics.Snapshot) string {
	var said []Line
	for _, c := range []*diagnostics.Check{s.Health, s.Ready} {
		if c != nil {
			said = append(said, Line{c.Path, checkText(c)})
		}
	}
	if !s.Metrics.OK && s.Metrics.Note != "" {
		said = append(said, Line{s.Metrics.Path, s.Metrics.Note})
	}
	var parts []string
	for i, one := range said {
		if i > 0 && one.Text == said[i-1].Text {
			// A host that is gone says the same of each of its endpoints.
			last := &parts[len(parts)-1]
			*last = strings.TrimSuffix(*last, " "+one.Text) + ", " + one.Name + " " + one.Text
			continue
		}
		parts = append(parts, one.Name+" "+one.Text)
	}
	if !s.Metrics.OK && len(s.Vitals) > 0 {
		parts = append(parts, "the vitals are "+ago(s.TakenAt.Sub(s.Metrics.At))+" old")
	}
	for _, c := range []*diagnostics.Check{s.Health, s.Ready} {
		if c != nil && c.Version != "" {
			parts = append(parts, "version "+c.Version)
			break
		}
	}
	if stateWord(s) == "DOWN" || !s.Metrics.OK {
		return oneLine(strings.Join(parts, " · ")) // how long it was up at its last scrape is no news
	}
	if i := slices.IndexFunc(s.Vitals, func(v diagnostics.Vital) bool { return v.Name == uptime && v.Value != nil }); i >= 0 {
		parts = append(parts, strings.TrimSpace("up "+diagnostics.FormatVital(s.Vitals[i])+" "+s.Vitals[i].Note))
	}
	return oneLine(strings.Join(parts, " · "))
}

func checkText(c *diagnostics.Check) string {
	var words []string
	if c.StatusCode != 0 {
		words = append(words, fmt.Sprint(c.StatusCode))
	}
	if c.Says != "" {
		words = append(words, fmt.Sprintf("%q", c.Says))
	}
	if len(c.Failing) > 0 {
		words = append(words, "("+strings.Join(c.Failing, ", ")+")")
	}
	switch {
	case c.Verdict == diagnostics.NotOffered:
		words = append(words, "not offered")
	case c.Note != fmt.Sprintf("answered %d", c.StatusCode) && c.Note != "": // the number stands there
		words = append(words, c.Note)
	}
	return strings.Join(words, " ")
}

// How many vitals a message tells that the alert is not about, and that are normal or cannot be known. The others are in the
// snapshot.
const (
	mostNormal  = 10
	mostUnknown = 2
)

// fewVitals are the vitals that a message has room for.
func fewVitals(s *diagnostics.Snapshot, topics []string, now time.Time) []Vital {
	return vitals(s, topics, now, map[int]int{rankNormal: mostNormal, rankUnknown: mostUnknown})
}

// vitals puts first what the configuration asks for, then what the alert is about, then what is not normal, then the first of each
// topic and so on in the profile's order; what cannot be known comes last. Most is how many of a rank there are at most; a rank that it lacks has no limit.
func vitals(s *diagnostics.Snapshot, topics []string, now time.Time, most map[int]int) []Vital {
	type ranked struct {
		diagnostics.Vital
		rank, round int
	}
	var sorted []ranked
	seen := map[string]int{}
	for _, v := range s.Vitals {
		if v.Name == uptime && v.Value != nil {
			continue // it is told with the checks
		}
		r := ranked{Vital: v, rank: rank(v, topics)}
		if r.rank == rankNormal && len(v.Topics) > 0 {
			r.round = seen[v.Topics[0]]
			seen[v.Topics[0]]++
		}
		sorted = append(sorted, r)
	}
	slices.SortStableFunc(sorted, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.round, b.round))
	})
	told := map[int]int{}
	words := make([]Vital, 0, len(sorted))
	for _, v := range sorted {
		told[v.rank]++
		if limit, limited := most[v.rank]; limited && told[v.rank] > limit {
			continue
		}
		words = append(words, Vital{
			Name:   oneLine(v.Name),
			Value:  oneLine(diagnostics.FormatVital(v.Vital)),
			Change: change(v.Vital, now, threshold(v.Vital, topics)),
			Loud:   loud(v.Vital), Unknown: v.State == diagnostics.StateUnknown,
		})
	}
	return words
}

// The ranks of vitals, the most useful first.
const (
	rankAsked = iota
	rankAbout
	rankCritical
	rankWarning
	rankNormal
	rankUnknownAbout
	rankUnknown
)

func rank(v diagnostics.Vital, topics []string) int {
	switch {
	case v.Asked:
		return rankAsked
	case v.State == diagnostics.StateUnknown && diagnostics.About(v.Topics, topics):
		return rankUnknownAbout
	case v.State == diagnostics.StateUnknown:
		return rankUnknown
	case diagnostics.About(v.Topics, topics):
		return rankAbout
	case v.State == diagnostics.StateCritical:
		return rankCritical
	case v.State == diagnostics.StateWarning:
		return rankWarning
	}
	return rankNormal
}

// A value must differ by this part from what it was for the difference to be worth a word: by less where the value is
// what the alert is about, or not normal.
const (
	smallestChange = 0.25
	smallestNews   = 0.1
	// At the end of an alert, what it was not about is told only when it doubled or halved.
	smallestRecovery = 0.5
)

// mostChanges is how many differences between fire and resolve are told.
const mostChanges = 5

func loud(v diagnostics.Vital) bool {
	return v.State == diagnostics.StateWarning || v.State == diagnostics.StateCritical
}

func threshold(v diagnostics.Vital, topics []string) float64 {
	if loud(v) || diagnostics.About(v.Topics, topics) {
		return smallestNews
	}
	return smallestChange
}

// change says what the value was: "▲ was 0.2 % an hour ago"; and what qualifies it, as "since start".
func change(v diagnostics.Vital, now time.Time, threshold float64) string {
	was := diagnostics.FormatBefore(v)
	if was != "" {
		was += " " + beforeAge(now.Sub(v.BeforeAt)) + " ago"
	}
	if v.Value == nil && v.Text == "" {
		if was == "" {
			return ""
		}
		return oneLine("was " + was) // its words say that it is no longer reported
	}
	var parts []string
	if v.Note != "" {
		parts = append(parts, v.Note)
	}
	switch {
	case v.Text != "" && v.BeforeText != "" && v.Text != v.BeforeText:
		parts = append(parts, "was "+was)
	case differ(v.Value, v.Before, threshold) && diagnostics.FormatBefore(v) != diagnostics.FormatVital(v):
		arrow := "▲"
		if *v.Value < *v.Before {
			arrow = "▼"
		}
		parts = append(parts, arrow+" was "+was)
	}
	return oneLine(strings.Join(parts, ", "))
}

func beforeAge(d time.Duration) string {
	if d > 55*time.Minute && d < 65*time.Minute {
		return "an hour"
	}
	return ago(d)
}

// longestTable is how many rows of a table a message shows.
const longestTable = 4

func tables(s *diagnostics.Snapshot, topics []string) []Line {
	sorted := slices.Clone(s.Tables)
	slices.SortStableFunc(sorted, func(a, b diagnostics.Table) int {
		switch inA, inB := diagnostics.About(a.Topics, topics), diagnostics.About(b.Topics, topics); {
		case inA && !inB:
			return -1
		case inB && !inA:
			return 1
		default:
			return 0
		}
	})
	var lines []Line
	for _, table := range sorted {
		var rows []string
		for i, row := range table.Rows {
			if i == longestTable {
				rows = append(rows, "and more") // the table is cut: nobody knows how many
				break
			}
			text := row.Name + " " + diagnostics.Format(row.Value, table.Unit)
			if row.Of != nil {
				text += " of " + diagnostics.Format(*row.Of, table.Unit)
			}
			rows = append(rows, text)
		}
		if len(rows) > 0 {
			name := table.Name
			if table.Note != "" {
				name += " (" + table.Note + ")"
			}
			lines = append(lines, Line{Name: oneLine(name), Text: oneLine(strings.Join(rows, " · "))})
		}
	}
	return lines
}

// foot says when and how the vitals were taken.
func foot(s *diagnostics.Snapshot) string {
	parts := []string{fmt.Sprintf("vitals taken %s UTC in %s", s.TakenAt.UTC().Format("15:04:05"), diagnostics.Format(s.TookSeconds, diagnostics.Seconds))}
	switch {
	case s.Metrics.OK:
		parts = append(parts, "scraped live")
	case !s.Metrics.At.IsZero():
		parts = append(parts, fmt.Sprintf("from the last scrape, %s before", ago(s.TakenAt.Sub(s.Metrics.At))))
	default:
		parts = append(parts, "nothing was ever scraped")
	}
	if s.Metrics.OK && s.Metrics.Note != "" {
		parts = append(parts, s.Metrics.Note)
	}
	if s.Metrics.Dropped == 1 {
		parts = append(parts, fmt.Sprintf("1 line of %s unreadable", s.Metrics.Path))
	} else if s.Metrics.Dropped > 1 {
		parts = append(parts, fmt.Sprintf("%d lines of %s unreadable", s.Metrics.Dropped, s.Metrics.Path))
	}
	return oneLine(strings.Join(parts, " · "))
}

// changes says what differs between the agent at fire and now, what the alert is about first: "error rate 7.3 % → 0.1 %".
func changes(atFire, now *diagnostics.Snapshot, topics []string) []string {
	if atFire == nil || now == nil {
		return nil
	}
	var state, first, second, rest []string
	if before, after := stateWord(atFire), stateWord(now); before != after {
		state = append(state, before+" → "+after)
	}
	diff := diagnostics.Diff(*atFire, *now)
	if !diff.Restarted.IsZero() {
		state = append(state, "restarted at "+diff.Restarted.UTC().Format("15:04")+" UTC")
	}
	for _, c := range diff.Vitals {
		was, is := c.Before, c.After
		part := smallestRecovery
		if loud(was) || loud(is) || was.Asked || diagnostics.About(was.Topics, topics) {
			part = smallestNews
		}
		if was.Text == "" && !differ(was.Value, is.Value, part) {
			continue
		}
		line := oneLine(fmt.Sprintf("%s %s → %s", was.Name, diagnostics.FormatVital(was), diagnostics.FormatVital(is)))
		switch {
		case was.Asked, diagnostics.About(was.Topics, topics):
			first = append(first, line)
		case loud(was):
			second = append(second, line)
		default:
			rest = append(rest, line)
		}
	}
	all := slices.Concat(state, first, second, rest)
	return all[:min(len(all), mostChanges)]
}

// differ is whether two values are both known and further apart than this part of the larger.
func differ(a, b *float64, part float64) bool {
	return a != nil && b != nil && math.Abs(*a-*b) > part*math.Max(math.Abs(*a), math.Abs(*b))
}
