package diagnostics

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestP9VitalsOfEachKindOfAgent reads two scrapes of an agent of each kind, a minute apart, and compares all that a person would see
// of it. A file of testdata/profiles has a series on each line and what it was in both scrapes; see scrapesOf.
func TestP9VitalsOfEachKindOfAgent(t *testing.T) {
	files, err := filepath.Glob("testdata/profiles/*.txt")
	require.NoError(t, err)
	states := map[string][]string{}
	for _, file := range files {
		name, state, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".txt"), ".")
		states[name] = append(states[name], state)
		t.Run(name+" "+state, func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			now := time.Now().Truncate(time.Second)
			first, second := scrapesOf(string(text), now)
			c := newCollector(t, newFakeAgent(t).URL)
			past(t, c, now.Add(-61*time.Second), first)
			past(t, c, now.Add(-time.Second), second)

			s := c.Snapshot(t.Context(), about)

			assert.Equal(t, name, s.Profile, "it is recognised")
			got := inWords(s, now)
			assert.NotContains(t, got, "NaN")
			assert.NotContains(t, got, "example.com", "persons are not read")
			golden := strings.TrimSuffix(file, ".txt") + ".golden"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), got)
		})
	}
	for _, p := range embedded {
		if len(p.Recognise) == 0 {
			continue // opencode_test.go has bodies of the one without metrics
		}
		assert.Subset(t, states[p.Name], []string{"sick", "well"}, "%s: each profile has a body of a well and of a sick agent", p.Name)
	}
}

// scrapesOf are the two bodies that a file stands for. "name{labels} 1 2" is 1 in the first and 2 in the second, and "-" in one that
// lacks it; "name{labels} buckets 0.1=1/2 +Inf=3/4 sum=5/6" is a histogram. START is a day ago, NOW half a minute, AHEAD to come.
func scrapesOf(text string, now time.Time) (first, second string) {
	text = strings.NewReplacer(
		"START", fmt.Sprint(now.Add(-24*time.Hour).Unix()), "NOW", fmt.Sprint(now.Add(-30*time.Second).Unix()),
		"AHEAD", fmt.Sprint(now.Add(time.Hour).Unix()),
	).Replace(text)
	var bodies [2]strings.Builder
	put := func(series string, values ...string) {
		for i, v := range values {
			if v != "-" {
				fmt.Fprintf(&bodies[i], "%s %s\n", series, v)
			}
		}
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if series, parts, ok := strings.Cut(line, " buckets "); ok {
			name, labels, _ := strings.Cut(series, "{")
			labels = strings.TrimSuffix(labels, "}")
			for part := range strings.FieldsSeq(parts) {
				le, values, _ := strings.Cut(part, "=")
				a, b, _ := strings.Cut(values, "/")
				if le == "sum" {
					put(name+"_sum{"+labels+"}", a, b)
					continue
				}
				put(fmt.Sprintf("%s_bucket{%s,le=%q}", name, strings.Trim(labels, ","), le), a, b)
				if le == "+Inf" {
					put(name+"_count{"+labels+"}", a, b)
				}
			}
			continue
		}
		fields := strings.Fields(line)
		n := len(fields)
		put(strings.Join(fields[:n-2], " "), fields[n-2], fields[n-1])
	}
	return strings.ReplaceAll(bodies[0].String(), "{,", "{"), strings.ReplaceAll(bodies[1].String(), "{,", "{")
}

// inWords is a snapshot as text: each vital with its state, its note and what it was, and each table.
func inWords(s *Snapshot, now time.Time) string {
	var b strings.Builder
	if !s.StartedAt.IsZero() {
		fmt.Fprintf(&b, "started %s before\n", Format(now.Sub(s.StartedAt).Seconds(), Seconds))
	}
	for _, v := range s.Vitals {
		fmt.Fprintf(&b, "%-24s %-22s %s", v.Name, FormatVital(v), v.State)
		if v.Note != "" && v.Note != FormatVital(v) {
			fmt.Fprintf(&b, " (%s)", v.Note)
		}
		if was := FormatBefore(v); was != "" {
			fmt.Fprintf(&b, ", was %s", was)
		}
		b.WriteString("\n")
	}
	for _, table := range s.Tables {
		rows := make([]string, len(table.Rows))
		for i, row := range table.Rows {
			rows[i] = row.Name + " " + Format(row.Value, table.Unit)
			if row.Of != nil {
				rows[i] += " of " + Format(*row.Of, table.Unit)
			}
		}
		fmt.Fprintf(&b, "%s: %s", table.Name, strings.Join(rows, " · "))
		if table.Note != "" {
			fmt.Fprintf(&b, " (%s)", table.Note)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestReportOfTheGuide says which vitals stand for the fields of the SDK guide's DiagnosticReport.
func TestReportOfTheGuide(t *testing.T) {
	fields := map[string]string{
		"PoolSize": "pool", "ActiveAgents": "active agents", "MemoryUsage": "heap", "Goroutines": "goroutines",
		"RecentErrors": "recent errors", "AvgLatency": "average latency", "P95Latency": "p95 latency",
	}
	var have []string
	for _, specs := range byName(nil, kinds(embedded, profileNamed(embedded, "agent-sdk"), nil)) {
		have = append(have, specs[0].Name)
	}
	assert.Subset(t, have, slices.SortedFunc(maps.Values(fields), cmp.Compare[string]))
}

// An agent that is ill is not asked without end because a program looks at it without end.
func TestAFreshLookMayBeOneOfTheLastMoment(t *testing.T) {
	f := newFakeAgent(t)
	c := newCollector(t, f.URL)
	c.reuse = time.Hour
	for range 5 {
		lookAgain(t, c)
	}
	assert.Equal(t, 1, f.times("/metrics"))
}
