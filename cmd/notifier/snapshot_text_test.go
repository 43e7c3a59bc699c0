package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/clipperhouse/displaywidth"

	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/notifiers/notifiertest"
)

func number(v float64) *float64 { return &v }

func sick(now time.Time) *diagnostics.Snapshot {
	return &diagnostics.Snapshot{
		Agent: "aster", Instance: "aster-0:8080", Profile: "aster-server", TakenAt: now, TookSeconds: 0.4,
		Health:  &diagnostics.Check{Path: "/health", Verdict: diagnostics.Degraded, StatusCode: 200, Says: "degraded", Failing: []string{"store: failed"}},
		Ready:   &diagnostics.Check{Path: "/ready", Verdict: diagnostics.NotOffered, StatusCode: 404},
		Metrics: diagnostics.Scrape{Path: "/metrics", OK: true, At: now, Samples: 311, Dropped: 2},
		Vitals: []diagnostics.Vital{
			{Name: "requests", Value: number(31), Unit: diagnostics.PerSecond, State: diagnostics.StateOK, Before: number(44), BeforeAt: now.Add(-time.Hour)},
			{Name: "error rate", Value: number(0.073), Unit: diagnostics.PercentUnit, State: diagnostics.StateWarning, Before: number(0.002), BeforeAt: now.Add(-time.Hour)},
			{Name: "p95 latency", Value: number(10), Bound: ">", Unit: diagnostics.Seconds, State: diagnostics.StateCritical, Note: "top bucket"},
			{Name: "version", Unit: diagnostics.Text, Text: "v1.2.3", State: diagnostics.StateOK},
			{Name: "sessions", State: diagnostics.StateUnknown, Note: "not reported by this agent"},
			{Name: "tokens in", State: diagnostics.StateUnknown, Note: "not reported by this agent"},
			{Name: "p50 of 模型 calls", State: diagnostics.StateUnknown, Note: "no traffic"},
			{Name: "模型延迟", Value: number(0.8), Unit: diagnostics.Seconds, State: diagnostics.StateOK},
		},
		Tables: []diagnostics.Table{{
			Name: "failing tools (1 h)", Unit: diagnostics.Short,
			Rows: []diagnostics.Row{{Name: "bash_exec", Value: 41, Of: number(52)}, {Name: "文件读取", Value: 3, Of: number(610)}},
		}},
	}
}

func TestSnapshotAsText(t *testing.T) {
	now := time.Date(2026, 3, 14, 9, 14, 3, 0, time.UTC)

	assert.Equal(t, `aster is DEGRADED   aster-0:8080 · aster-server
/health 200 "degraded" (store: failed) · /ready 404 not offered

⚠ p95 latency   > 10 s  top bucket
⚠ error rate    7.3 %   ▲ was 0.2 % an hour ago
  requests      31 /s   ▼ was 44 /s an hour ago
  version       v1.2.3
  模型延迟      0.8 s
  not reported  sessions, tokens in
  no traffic    p50 of 模型 calls

failing tools (1 h)
  bash_exec 41 of 52 · 文件读取 3 of 610

vitals taken 09:14:03 UTC in 0.4 s · scraped live · 2 lines of /metrics unreadable
`, snapshotText(sick(now), now, 100, false))
	assert.Equal(t, `aster is DEGRADED   aster-0:8080 ·
aster-server
/health 200 "degraded" (store: failed) ·
/ready 404 not offered

⚠ p95 latency   > 10 s  top bucket
⚠ error rate    7.3 %   ▲ was 0.2 % an
                    hour ago
  requests      31 /s   ▼ was 44 /s an
                    hour ago
  version       v1.2.3
  模型延迟      0.8 s
  not reported  sessions, tokens in
  no traffic    p50 of 模型 calls

failing tools (1 h)
  bash_exec 41 of 52 · 文件读取 3 of 610

vitals taken 09:14:03 UTC in 0.4 s ·
scraped live · 2 lines of /metrics
unreadable
`, snapshotText(sick(now), now, 40, false))
}

var ansi = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestColourIsAllThatColourAdds(t *testing.T) {
	now := time.Now()
	coloured := snapshotText(sick(now), now, 80, true)
	assert.Contains(t, coloured, styleRed+"⚠ p95 latency")
	assert.Contains(t, coloured, styleYellow+"aster is DEGRADED")
	assert.Equal(t, snapshotText(sick(now), now, 80, false), ansi.ReplaceAllString(coloured, ""))
}

// P7: whatever an agent says, no line is too wide, and nothing moves the cursor.
func TestP7SnapshotTextIsNeverTooWide(t *testing.T) {
	now := time.Now()
	for name, text := range notifiertest.HostileTexts() {
		t.Run(name, func(t *testing.T) {
			text = text[:min(len(text), 5000)]
			s := sick(now)
			s.Agent, s.Instance, s.Profile, s.Health.Says, s.Health.Note, s.Metrics.Note = text, text, text, text, text, text
			for i := range s.Vitals {
				s.Vitals[i].Name, s.Vitals[i].Note = text, text
			}
			s.Tables[0].Name, s.Tables[0].Rows[0].Name = text, text
			for _, width := range []int{40, 41, 100} {
				out := snapshotText(s, now, width, false)
				for line := range strings.SplitSeq(out, "\n") {
					assert.LessOrEqual(t, displaywidth.String(line), width, "%q", line)
				}
				assert.NotRegexp(t, "[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", out)
			}
		})
	}
}

func TestWideCharactersAreCountedAsATerminalDoes(t *testing.T) {
	for text, want := range map[string]int{"abc": 3, "警報": 4, "🔴": 2, "⚠": 1, "é": 1, "e\u0301": 1, "ｆ": 2, "": 0} {
		assert.Equal(t, want, columns(text), text)
	}
	line, rest := cut("警報警報", 5)
	assert.Equal(t, []string{"警報", "警報"}, []string{line, rest})
	line, rest = cut("e\u0301e\u0301", 1)
	assert.Equal(t, []string{"e\u0301", "e\u0301"}, []string{line, rest}, "a letter keeps its accent")
	line, rest = cut("  one two", 6)
	assert.Equal(t, []string{"  one", "two"}, []string{line, rest})
}
