package routing

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/alertmanager/timeinterval"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config/problem"
)

const someIntervals = `
- name: nights
  time_intervals:
    - times: [{start_time: "22:00", end_time: "24:00"}, {start_time: "00:00", end_time: "06:00"}]
- name: weekends
  time_intervals: [{weekdays: ['saturday', 'sunday'], location: Europe/Berlin}]
- name: office
  time_intervals:
    - {times: [{start_time: "09:00", end_time: "17:00"}], weekdays: ['monday:friday'], location: Europe/Berlin}
- name: leap day
  time_intervals: [{days_of_month: [29], months: [february]}]
- name: always
  time_intervals: [{years: ['1970:9999']}]
- name: never
  time_intervals: []
- name: the end of March
  time_intervals: [{days_of_month: ['-2:-1'], months: ['march'], years: [2026]}]
- name: small hours
  time_intervals: [{times: [{start_time: "02:00", end_time: "02:30"}], location: Europe/Berlin}]
`

func readIntervals(t testing.TB, text string) []Interval {
	t.Helper()
	var intervals []Interval
	require.NoError(t, yaml.UnmarshalWithOptions([]byte(text), &intervals, yaml.Strict()))
	return intervals
}

func mutingOf(t testing.TB, root Route, intervals []Interval) *Muting {
	t.Helper()
	tree, err := New(root)
	require.NoError(t, err)
	m, err := NewMuting(tree, intervals)
	require.NoError(t, err)
	return m
}

// byTeam has a route for each value of the label team.
func byTeam(routes ...Route) Route {
	root := Route{Receiver: "log"}
	for _, r := range routes {
		if r.Receiver == "" {
			r.Receiver = "people"
		}
		r.Continue = true
		root.Routes = append(root.Routes, r)
	}
	return root
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	if text == "" {
		return time.Time{}
	}
	when, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return when
}

func TestMutes(t *testing.T) {
	for name, tc := range map[string]struct {
		mute, active []string
		now          string
		reason       string
		by           []string
		until        string
	}{
		"by day":                           {mute: []string{"nights"}, now: "2026-03-04T12:00:00Z"},
		"at night":                         {mute: []string{"nights"}, now: "2026-03-04T23:30:12Z", reason: MuteTimeInterval, by: []string{"nights"}, until: "2026-03-05T06:00:00Z"},
		"the first instant":                {mute: []string{"nights"}, now: "2026-03-04T22:00:00Z", reason: MuteTimeInterval, by: []string{"nights"}, until: "2026-03-05T06:00:00Z"},
		"the last minute":                  {mute: []string{"nights"}, now: "2026-03-05T05:59:59Z", reason: MuteTimeInterval, by: []string{"nights"}, until: "2026-03-05T06:00:00Z"},
		"the end is not in it":             {mute: []string{"nights"}, now: "2026-03-05T06:00:00Z"},
		"one passes into another":          {mute: []string{"nights", "weekends"}, now: "2026-03-06T22:30:00Z", reason: MuteTimeInterval, by: []string{"nights"}, until: "2026-03-09T06:00:00Z"},
		"both":                             {mute: []string{"nights", "weekends"}, now: "2026-03-07T23:30:00Z", reason: MuteTimeInterval, by: []string{"nights", "weekends"}, until: "2026-03-09T06:00:00Z"},
		"in office hours":                  {active: []string{"office"}, now: "2026-03-04T12:00:00Z"},
		"after them":                       {active: []string{"office"}, now: "2026-03-06T16:00:00Z", reason: ActiveTimeInterval, by: []string{"office"}, until: "2026-03-09T08:00:00Z"},
		"after them, over a change":        {active: []string{"office"}, now: "2026-03-27T16:00:00Z", reason: ActiveTimeInterval, by: []string{"office"}, until: "2026-03-30T07:00:00Z"},
		"one that is active is enough":     {active: []string{"office", "weekends"}, now: "2026-03-07T12:00:00Z"},
		"muted while active":               {active: []string{"office"}, mute: []string{"the end of March"}, now: "2026-03-30T08:00:00Z", reason: MuteTimeInterval, by: []string{"the end of March"}, until: "2026-04-01T07:00:00Z"},
		"the next leap day is years ahead": {active: []string{"leap day"}, now: "2025-01-01T00:00:00Z", reason: ActiveTimeInterval, by: []string{"leap day"}, until: "2028-02-29T00:00:00Z"},
		"without end":                      {mute: []string{"always"}, now: "2026-03-04T12:00:00Z", reason: MuteTimeInterval, by: []string{"always"}},
		"active never":                     {active: []string{"never"}, now: "2026-03-04T12:00:00Z", reason: ActiveTimeInterval, by: []string{"never"}},
		"muted never":                      {mute: []string{"never"}, now: "2026-03-04T12:00:00Z"},
		"an hour that comes twice":         {mute: []string{"small hours"}, now: "2026-10-25T00:10:00Z", reason: MuteTimeInterval, by: []string{"small hours"}, until: "2026-10-25T00:30:00Z"},
		"… for the second time":            {mute: []string{"small hours"}, now: "2026-10-25T01:10:00Z", reason: MuteTimeInterval, by: []string{"small hours"}, until: "2026-10-25T01:30:00Z"},
		"an hour that does not come":       {active: []string{"small hours"}, now: "2026-03-29T00:59:00Z", reason: ActiveTimeInterval, by: []string{"small hours"}, until: "2026-03-30T00:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			m := mutingOf(t, byTeam(Route{Matchers: []string{`team="a"`}, MuteTimeIntervals: tc.mute, ActiveTimeIntervals: tc.active}), readIntervals(t, someIntervals))
			for range 2 { // it is looked up the second time
				got, is := m.Mutes(map[string]string{"team": "a"}, "people", at(t, tc.now))
				assert.Equal(t, tc.reason != "", is)
				if tc.reason != "" {
					assert.Equal(t, Mute{tc.reason, tc.by, at(t, tc.until)}, got)
				}
			}
		})
	}
}

func TestMutesByEveryRouteOrNotAtAll(t *testing.T) {
	night := at(t, "2026-03-04T23:30:00Z")
	m := mutingOf(t, byTeam(
		Route{Matchers: []string{`a="1"`}, MuteTimeIntervals: []string{"nights"}},
		Route{Matchers: []string{`b="1"`}, MuteTimeIntervals: []string{"always"}},
		Route{Matchers: []string{`c="1"`}, ActiveTimeIntervals: []string{"office"}},
		Route{Matchers: []string{`d="1"`}, Receiver: "others", MuteTimeIntervals: []string{"always"}},
		Route{Matchers: []string{`e="1"`}, MuteTimeIntervals: []string{"nights"}, Routes: []Route{{Matchers: []string{`e="1"`}}}},
		Route{Matchers: []string{`f="1"`}},
	), readIntervals(t, someIntervals))
	require.False(t, m.Never())
	for name, tc := range map[string]struct {
		labels   map[string]string
		receiver string
		by       []string
		until    string
	}{
		"by one route":             {map[string]string{"a": "1"}, "people", []string{"nights"}, "2026-03-05T06:00:00Z"},
		"the one that ends first":  {map[string]string{"a": "1", "b": "1", "c": "1"}, "people", []string{"nights", "always", "office"}, "2026-03-05T06:00:00Z"},
		"in the other order":       {map[string]string{"b": "1", "c": "1"}, "people", []string{"always", "office"}, "2026-03-05T08:00:00Z"},
		"one route is not muted":   {map[string]string{"a": "1", "f": "1"}, "people", nil, ""},
		"another receiver's route": {map[string]string{"a": "1", "d": "1"}, "others", []string{"always"}, ""},
		"no route leads there":     {map[string]string{"a": "1"}, "others", nil, ""},
		"the root":                 {nil, "log", nil, ""},
		"a child inherits nothing": {map[string]string{"e": "1"}, "people", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, is := m.Mutes(tc.labels, tc.receiver, night)
			assert.Equal(t, tc.by != nil, is)
			assert.Equal(t, tc.by, got.By)
			assert.Equal(t, at(t, tc.until), got.Until)
		})
	}
	assert.True(t, mutingOf(t, tree, nil).Never())
	compiled, err := New(byTeam(Route{MuteTimeIntervals: []string{"nigths"}}))
	require.NoError(t, err)
	_, err = NewMuting(compiled, readIntervals(t, someIntervals))
	assert.ErrorContains(t, err, `names the time interval "nigths"`)
}

// Against Alertmanager's own: minute by minute, at random intervals, in zones that change their clocks at odd times and by odd amounts.
func TestMutesAsAlertmanagerDoes(t *testing.T) {
	zones := []string{"", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"}
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		intervals := map[string][]timeinterval.TimeInterval{}
		var list []Interval
		for _, name := range []string{"m", "n", "a", "b"} {
			for range 1 + rnd.IntN(2) {
				intervals[name] = append(intervals[name], randomInterval(t, rnd, zones[rnd.IntN(len(zones))]))
			}
			list = append(list, Interval{name, intervals[name]})
		}
		route := Route{MuteTimeIntervals: []string{"m", "n"}[:rnd.IntN(3)], ActiveTimeIntervals: []string{"a", "b"}[:rnd.IntN(3)]}
		m, theirs := mutingOf(t, byTeam(route), list), timeinterval.NewIntervener(intervals)
		muted := func(now time.Time) bool {
			active, _, err := theirs.Mutes(route.ActiveTimeIntervals, now)
			require.NoError(t, err)
			mute, _, err := theirs.Mutes(route.MuteTimeIntervals, now)
			require.NoError(t, err)
			return mute || len(route.ActiveTimeIntervals) > 0 && !active
		}
		// The clocks change in March, April, September, October or November.
		from := time.Date(2026, time.Month(3+rnd.IntN(9)), 1+rnd.IntN(28), rnd.IntN(24), rnd.IntN(60), rnd.IntN(60), 0, time.UTC)
		var until time.Time
		for minute := range 5 * 24 * 60 {
			now := from.Add(time.Duration(minute) * time.Minute)
			if now.Before(until) {
				require.True(t, muted(now), "seed %d at %s: still muted until %s", seed, now, until)
				continue
			}
			until = time.Time{}
			got, is := m.Mutes(nil, "people", now)
			require.Equal(t, muted(now), is, "seed %d at %s", seed, now)
			if is && !got.Until.IsZero() {
				until = got.Until
				require.True(t, until.After(now), "seed %d at %s", seed, now)
				require.False(t, muted(until), "seed %d at %s: muted no more at %s", seed, now, until)
				require.True(t, muted(until.Add(-time.Second)), "seed %d at %s: muted until %s", seed, now, until)
			}
		}
	}
}

func randomInterval(t *testing.T, rnd *rand.Rand, zone string) (i timeinterval.TimeInterval) {
	t.Helper()
	between := func(least, most int) timeinterval.InclusiveRange {
		begin := least + rnd.IntN(most-least+1)
		return timeinterval.InclusiveRange{Begin: begin, End: begin + rnd.IntN(most-begin+1)}
	}
	for range rnd.IntN(3) {
		start := rnd.IntN(24 * 60)
		i.Times = append(i.Times, timeinterval.TimeRange{StartMinute: start, EndMinute: start + 1 + rnd.IntN(24*60-start)})
	}
	if rnd.IntN(2) == 0 {
		i.Weekdays = []timeinterval.WeekdayRange{{InclusiveRange: between(0, 6)}}
	}
	switch rnd.IntN(4) {
	case 0:
		i.DaysOfMonth = []timeinterval.DayOfMonthRange{{InclusiveRange: between(1, 31)}}
	case 1:
		i.DaysOfMonth = []timeinterval.DayOfMonthRange{{InclusiveRange: between(-10, -1)}}
	}
	if rnd.IntN(4) == 0 {
		i.Months = []timeinterval.MonthRange{{InclusiveRange: between(1, 12)}}
	}
	if zone != "" {
		location, err := time.LoadLocation(zone)
		require.NoError(t, err)
		i.Location = &timeinterval.Location{Location: location}
	}
	return i
}

func TestValidateIntervalsSaysWhere(t *testing.T) {
	assert.Equal(t, []problem.Problem{
		{Path: "[1].name", Msg: "a time interval needs a name, for routes to name it"},
	}, ValidateIntervals([]Interval{{Name: "a"}, {}}))

	var paths []string
	for _, p := range (Route{
		MuteTimeIntervals: []string{"a"}, ActiveTimeIntervals: []string{"b"},
		Routes: []Route{{MuteTimeIntervals: []string{"a", "c"}, Routes: []Route{{ActiveTimeIntervals: []string{"c"}}}}},
	}).ValidateIntervals([]string{"a", "b"}) {
		paths = append(paths, p.Path)
		assert.NotEmpty(t, p.Msg)
	}
	assert.Equal(t, []string{
		"mute_time_intervals", "active_time_intervals", "routes[0].mute_time_intervals[1]", "routes[0].routes[0].active_time_intervals[0]",
	}, paths)
}

// Whatever is read as an interval has an end that is one.
func FuzzMutesUntilTheEnd(f *testing.F) {
	f.Add(someIntervals, int64(1772750000))
	f.Add("- {name: a, time_intervals: [{}, null, {times: [null]}]}", int64(0))
	f.Add("- {name: a, time_intervals: [{years: ['-5:3'], days_of_month: ['-31:-31'], months: ['13'], location: Local}]}", int64(1<<40))
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		var intervals []Interval
		read := func() (err error) {
			defer func() { // the library panics on some texts, which package config says to be none
				if p := recover(); p != nil {
					err = fmt.Errorf("panic: %v", p)
				}
			}()
			return yaml.UnmarshalWithOptions([]byte(text), &intervals, yaml.Strict())
		}
		if read() != nil || len(intervals) > 20 {
			return
		}
		now := time.Unix(unix%(1<<35), 0)
		for _, route := range []Route{{MuteTimeIntervals: NamesOf(intervals)}, {ActiveTimeIntervals: NamesOf(intervals)}} {
			m := mutingOf(t, byTeam(route), intervals)
			mute, is := m.Mutes(nil, "people", now)
			if !is || mute.Until.IsZero() {
				continue
			}
			_, still := m.Mutes(nil, "people", mute.Until)
			require.False(t, still)
			before, is := m.Mutes(nil, "people", mute.Until.Add(-time.Nanosecond))
			require.True(t, is)
			require.Equal(t, mute.Until, before.Until)
		}
	})
}

func BenchmarkMutes(b *testing.B) {
	for name, route := range map[string]Route{
		"a night":     {MuteTimeIntervals: []string{"nights"}},
		"without end": {MuteTimeIntervals: []string{"always", "nights"}},
	} {
		m := mutingOf(b, byTeam(route), readIntervals(b, someIntervals))
		set := map[string]string{"alertname": "HighErrorRate", "job": "aster"}
		now := time.Date(2026, 3, 4, 23, 0, 0, 0, time.UTC)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				m.Mutes(set, "people", now)
			}
		})
		b.Run(name+", its end", func(b *testing.B) {
			for b.Loop() {
				for _, s := range m.schedules {
					s.end(now)
				}
			}
		})
	}
}
