package diagnostics

import (
	"strings"
	"time"
)

// Difference is what differs between two snapshots of one agent. What one of them does not know is no difference,
// nor is what two numbers are of that tell of other spans.
type Difference struct {
	// Restarted is when the agent started anew between the two; zero when it did not, or nobody knows.
	Restarted time.Time
	// Health and Ready are the answers that differ in their verdict or words; nil when they do not.
	Health, Ready *CheckChange
	// Vitals are those whose words differ, in the order of the first snapshot.
	Vitals []VitalChange
}

// CheckChange is a changed answer of one endpoint.
type CheckChange struct{ Before, After Check }

// VitalChange is a vital in both snapshots. FormatVital says each of the two values with its unit and bound.
type VitalChange struct{ Before, After Vital }

// clockError is how far two readings of one start time may be apart: some agents say how long they run, in whole seconds.
const clockError = 5 * time.Second

// Diff says what changed from one snapshot to a later one, as from the one at an alert's fire to the one at its resolve. Values
// that read alike are alike. The uptime is left out: it always differs, and Restarted says what there is to say.
func Diff(fire, resolve Snapshot) Difference {
	var d Difference
	if !fire.StartedAt.IsZero() && resolve.StartedAt.Sub(fire.StartedAt) > clockError {
		d.Restarted = resolve.StartedAt
	}
	d.Health, d.Ready = checkChange(fire.Health, resolve.Health), checkChange(fire.Ready, resolve.Ready)
	now := make(map[string]int, len(resolve.Vitals))
	for i, v := range resolve.Vitals {
		if _, twice := now[v.Name]; !twice {
			now[v.Name] = i
		}
	}
	seen := make(map[string]bool, len(fire.Vitals))
	for _, was := range fire.Vitals {
		i, both := now[was.Name]
		if !both || seen[was.Name] || was.Name == uptimeVital {
			continue
		}
		seen[was.Name] = true
		is := resolve.Vitals[i]
		if !known(was) || !known(is) || was.Unit != is.Unit || spanOf(was) != spanOf(is) || FormatVital(was) == FormatVital(is) {
			continue
		}
		d.Vitals = append(d.Vitals, VitalChange{was, is})
	}
	return d
}

// spanOf is what the vital's value is of, where its note says that: a value since start is nothing to compare with one of now, a count
// over an hour with one over minutes, nor a quantile with an average.
func spanOf(v Vital) string {
	span, _, _ := strings.Cut(v.Note, ", ")
	if span != sinceStart && !strings.HasPrefix(span, "in ") {
		span = ""
	}
	if strings.Contains(v.Note, anAverage) {
		span += anAverage
	}
	return span
}

// known is whether the vital has a value.
func known(v Vital) bool { return v.Text != "" || v.Value != nil && finite(*v.Value) }

// checkChange is nil when either says nothing of the agent.
func checkChange(before, after *Check) *CheckChange {
	if before == nil || after == nil || before.Verdict == Unclear || after.Verdict == Unclear ||
		before.Verdict == after.Verdict && before.Says == after.Says && before.Version == after.Version {
		return nil
	}
	return &CheckChange{*before, *after}
}
