package alert

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/prometheus/alertmanager/template"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// groupOf is a group of alerts with these fingerprints: "a" fires, "-a" is resolved, "?a" is no longer reported.
func groupOf(alerts ...string) Group {
	g := Group{Key: "k"}
	for _, name := range alerts {
		a := template.Alert{Status: StatusFiring, Fingerprint: name, Labels: template.KV{"a": name}}
		switch name[0] {
		case '-':
			a.Status, a.Fingerprint = StatusResolved, name[1:]
			g.Alerts = append(g.Alerts, a)
		case '?':
			a.Fingerprint = name[1:]
			g.Gone = append(g.Gone, a)
		default:
			g.Alerts = append(g.Alerts, a)
		}
	}
	return g
}

// fates are a group's alerts as groupOf takes them.
func fates(g Group) []string {
	var all []string
	for _, a := range g.Alerts {
		if a.Status == StatusFiring {
			all = append(all, a.Fingerprint)
		} else {
			all = append(all, "-"+a.Fingerprint)
		}
	}
	for _, a := range g.Gone {
		all = append(all, "?"+a.Fingerprint)
	}
	return all
}

func TestP3After(t *testing.T) {
	for name, tc := range map[string]struct{ older, newer, want []string }{
		"the same again":                    {[]string{"a", "b"}, []string{"a", "b"}, []string{"a", "b"}},
		"one joined":                        {[]string{"a"}, []string{"a", "b"}, []string{"a", "b"}},
		"one resolved":                      {[]string{"a", "b"}, []string{"a", "-b"}, []string{"a", "-b"}},
		"one was resolved in between":       {[]string{"a", "-b"}, []string{"a"}, []string{"a", "-b"}},
		"one fires anew":                    {[]string{"a", "-b"}, []string{"a", "b"}, []string{"a", "b"}},
		"one vanished":                      {[]string{"a", "b"}, []string{"a"}, []string{"a", "?b"}},
		"one vanished, the rest is over":    {[]string{"a", "b"}, []string{"-a"}, []string{"-a", "?b"}},
		"one that had vanished":             {[]string{"a", "?b"}, []string{"a"}, []string{"a", "?b"}},
		"one that had vanished fires":       {[]string{"a", "?b"}, []string{"a", "b"}, []string{"a", "b"}},
		"one that had vanished is resolved": {[]string{"a", "?b"}, []string{"a", "-b"}, []string{"a", "-b"}},
		"the newer's order comes first":     {[]string{"-c", "-a", "d"}, []string{"b", "a"}, []string{"b", "a", "-c", "?d"}},
		"the newer knows it vanished":       {[]string{"-b"}, []string{"a", "?b"}, []string{"a", "?b"}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tc.want, fates(groupOf(tc.newer...).After(groupOf(tc.older...))))
		})
	}
}

func TestAfterIsTheNewerGroup(t *testing.T) {
	older, newer := groupOf("a"), groupOf("b")
	older.Truncated, older.Reason, older.ExternalURL = 3, "first notification", "http://old"
	newer.Reason, newer.ExternalURL, newer.GroupLabels = "new alerts added", "http://new", template.KV{"g": "new"}

	merged := newer.After(older)

	assert.Zero(t, merged.Truncated, "what was hidden then is not hidden now")
	merged.Gone = nil
	assert.Equal(t, newer, merged)
}

func TestAfterKeepsTheNewestWordOfAnAlert(t *testing.T) {
	older, newer := groupOf("a", "-b"), groupOf("-a", "b")
	older.Alerts[0].Annotations = template.KV{"summary": "old"}
	newer.Alerts[0].Annotations = template.KV{"summary": "new"}

	assert.Equal(t, newer.Alerts, newer.After(older).Alerts)
}

// Three groups at random, thousands of times.
func TestP3AfterLosesNothingInWhateverOrderItIsDone(t *testing.T) {
	for seed := range uint64(3000) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		random := func() Group {
			var alerts []string
			for _, name := range []string{"a", "b", "c", "d", "e"} {
				switch rnd.IntN(4) {
				case 0:
					alerts = append(alerts, name)
				case 1:
					alerts = append(alerts, "-"+name)
				case 2:
					if rnd.IntN(4) == 0 {
						alerts = append(alerts, "?"+name)
					}
				}
			}
			rnd.Shuffle(len(alerts), func(i, j int) { alerts[i], alerts[j] = alerts[j], alerts[i] })
			g := groupOf(alerts...)
			if rnd.IntN(5) == 0 {
				g.Truncated = 1
			}
			if len(g.Alerts) == 0 {
				g.Alerts = groupOf("-z").Alerts // Alertmanager names one at least
			}
			return g
		}
		first, second, third := random(), random(), random()
		before, err := json.Marshal([]Group{first, second, third})
		require.NoError(t, err)

		left, right := third.After(second).After(first), third.After(second.After(first))

		require.ElementsMatch(t, fates(left), fates(right), "seed %d: associative", seed)
		require.Equal(t, third.Status(), left.Status(), "seed %d: the status is the newest", seed)
		require.Equal(t, fates(left), fates(left.After(left)), "seed %d: idempotent", seed)
		require.Equal(t, fates(left), fates(left.After(first)), "seed %d: nothing is added twice", seed)
		named := map[string]int{}
		for _, list := range []template.Alerts{left.Alerts, left.Gone} {
			for _, a := range list {
				named[a.Fingerprint]++
			}
		}
		for _, g := range []Group{first, second, third} {
			for _, a := range slices.Concat(g.Alerts, g.Gone) {
				require.Equal(t, 1, named[a.Fingerprint], "seed %d: %s is named once", seed, a.Fingerprint)
			}
		}
		require.Subset(t, fates(left), fates(third), "seed %d: the newest stays as it is", seed)
		after, err := json.Marshal([]Group{first, second, third})
		require.NoError(t, err)
		require.Equal(t, string(before), string(after), "seed %d: the groups themselves are not changed", seed)
	}
}

// A merged group is a value: folding two newer groups onto one must not let them share memory.
func TestAfterSharesNoMemory(t *testing.T) {
	older := groupOf("-x")
	base := Group{Key: "k", Alerts: slices.Grow(groupOf("a").Alerts, 8)}
	one := base.After(older)
	two := base.After(groupOf("-y"))

	assert.Equal(t, []string{"a", "-x"}, fates(one))
	assert.Equal(t, []string{"a", "-y"}, fates(two))
}

// BenchmarkAfter grows with the number of alerts and no faster: in a storm groups of thousands are folded many times.
func BenchmarkAfter(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var older, newer []string
			for i := range n {
				older, newer = append(older, fmt.Sprint("-", i)), append(newer, fmt.Sprint(i+n/2))
			}
			from, to := groupOf(older...), groupOf(newer...)
			for b.Loop() {
				to.After(from)
			}
		})
	}
}
