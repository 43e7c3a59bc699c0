package rules_test

import (
	"bytes"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/raise"
	"github.com/alertvitals/notifier/rules"
)

// found is what was heard of one alert, by its name: each change of its state.
type found struct {
	mu     sync.Mutex
	states map[string][]raise.State
	newest map[string]raise.Alert
}

func (f *found) hear(alerts ...raise.Alert) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range alerts {
		name := a.Labels["alertname"]
		if all := f.states[name]; len(all) == 0 || all[len(all)-1] != a.State {
			f.states[name] = append(all, a.State)
		}
		f.newest[name] = a
	}
}

func (f *found) last(name string) raise.Alert {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.newest[name]
}

func (f *found) of(name string) []raise.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.states[name]
}

// world is a store of samples and an evaluator over it.
type world struct {
	*found
	*rules.Evaluator

	db     *tsdb.DB
	engine *promql.Engine
	values map[string]float64
	log    bytes.Buffer // to be read after close
}

func open(t *testing.T, dir string) *world {
	t.Helper()
	db, err := tsdb.Open(dir, slog.New(slog.DiscardHandler), nil, tsdb.DefaultOptions(), nil)
	require.NoError(t, err)
	w := &world{found: &found{states: map[string][]raise.State{}, newest: map[string]raise.Alert{}}, db: db, values: map[string]float64{}}
	w.engine = promql.NewEngine(promql.EngineOpts{
		MaxSamples: 1e6, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, Parser: parser.NewParser(parser.Options{}),
	})
	w.Evaluator = rules.New(w.engine, db, w.hear, &url.URL{Scheme: "https", Host: "notifier.example.com"},
		slog.New(slog.NewTextHandler(&w.log, nil)), prometheus.NewRegistry())
	return w
}

func (w *world) close(t *testing.T) {
	t.Helper()
	w.Close()
	require.NoError(t, w.engine.Close())
	require.NoError(t, w.db.Close())
}

// scrape stores, every 15 s for so long, counters that grow by so much a second.
func (w *world) scrape(t *testing.T, d time.Duration, rates map[string]float64) {
	t.Helper()
	const interval = 15 * time.Second
	for range d / interval {
		time.Sleep(interval)
		app := w.db.Appender(t.Context())
		for text, rate := range rates {
			w.values[text] += rate * interval.Seconds()
			series, err := parser.NewParser(parser.Options{}).ParseMetric(text)
			require.NoError(t, err)
			b := labels.NewBuilder(series)
			b.Set("job", "sdk-agent").Set("instance", "agent:8080")
			_, err = app.Append(0, b.Labels(), time.Now().UnixMilli(), w.values[text])
			require.NoError(t, err)
		}
		require.NoError(t, app.Commit())
	}
}

func read(t *testing.T, patterns ...string) rules.Files {
	t.Helper()
	files, problems := rules.Read(patterns)
	require.Empty(t, problems)
	return files
}

var (
	sick = map[string]float64{`agent_errors_total{error_type="model_call"}`: 2, `agent_chat_latency_seconds_count`: 4}
	well = map[string]float64{`agent_errors_total{error_type="model_call"}`: 0, `agent_chat_latency_seconds_count`: 4}
)

func TestAShippedRuleFiresAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, t.TempDir())
		defer w.close(t)
		require.NoError(t, w.Use(read(t, "*.yml"), rules.Config{}))

		w.scrape(t, 10*time.Minute, well)
		assert.Empty(t, w.of("HighErrorRate"))
		w.scrape(t, 10*time.Minute, sick)
		w.scrape(t, 15*time.Minute, well)

		assert.Equal(t, []raise.State{raise.Held, raise.Firing, raise.Resolved}, w.of("HighErrorRate"))
		a := w.last("HighErrorRate")
		assert.Equal(t, "sdk-agent", a.Labels["job"])
		assert.Equal(t, "agent:8080", a.Labels["instance"])
		assert.Contains(t, a.Annotations["summary"], "%")
		assert.Contains(t, a.GeneratorURL, "/graph?g0.expr=")
		assert.True(t, a.EndsAt.After(a.StartsAt))
	})
}

// A pending alert goes on where it was, though its `for` is short.
func TestARestartKeepsSinceWhenAnAlertIsPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, file := t.TempDir(), filepath.Join(t.TempDir(), "r.yml")
		require.NoError(t, os.WriteFile(file, []byte(`
groups:
  - name: g
    rules:
      - {alert: A, expr: 'rate(agent_chat_latency_seconds_count[1m]) > 0', for: 5m}
`), 0o600))
		w := open(t, dir)
		require.NoError(t, w.Use(read(t, file), rules.Config{}))
		w.scrape(t, 5*time.Minute, well)
		assert.Equal(t, []raise.State{raise.Held}, w.of("A"))
		w.close(t)

		w = open(t, dir)
		defer w.close(t)
		require.NoError(t, w.Use(read(t, file), rules.Config{}))
		w.scrape(t, 2*time.Minute, well)

		assert.Equal(t, []raise.State{raise.Held, raise.Firing}, w.of("A"), "it had been pending for more than 4m before")
	})
}

func TestAReloadKeepsWhatFiresAndTakesWhatIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, t.TempDir())
		defer w.close(t)
		file := filepath.Join(t.TempDir(), "r.yml")
		use := func(text string) {
			require.NoError(t, os.WriteFile(file, []byte("groups: [{name: g, rules: ["+text+"]}]"), 0o600))
			require.NoError(t, w.Use(read(t, file), rules.Config{}))
		}
		use("{alert: A, expr: vector(1)}")
		time.Sleep(time.Minute)
		since := w.last("A").StartsAt

		use("{alert: B, expr: vector(2), for: 30s}, {alert: A, expr: vector(1)}")
		time.Sleep(2 * time.Minute)

		assert.Equal(t, []raise.State{raise.Firing}, w.of("A"))
		assert.Equal(t, since, w.last("A").StartsAt)
		assert.Equal(t, []raise.State{raise.Held, raise.Firing}, w.of("B"))
	})
}

func TestP11ARuleFileIsRefusedWithAllItsProblems(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bad.yml"), []byte(`groups:
  - name: g
    rules:
      - alert: A
        expr: sum(up
      - alert: B
        expr: up
        annotations: {summary: '{{ .Nope }'}
      - record: 'a b{'
        expr: up
  - name: g
    rules: []
`), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "typo.yml"), []byte("groups:\n  - name: g\n    rulez: []\n"), 0o600))

	require.NoError(t, os.WriteFile(filepath.Join(dir, "group.yml"), []byte("groups: [7]\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "number.yml"), []byte("groups: 7\n"), 0o600))

	_, problems := rules.Read([]string{dir + "/*.yml", dir + "/none/*.yml", "["})

	var got []string
	for _, p := range problems {
		got = append(got, p.Path+" "+strings.ReplaceAll(p.Msg, dir, "DIR"))
	}
	assert.Equal(t, []string{
		`[0] DIR/bad.yml:5:15: group "g", rule 1, "A": could not parse expression: 1:7: parse error: unclosed left parenthesis`,
		`[0] DIR/bad.yml:6:9: group "g", rule 2, "B": annotation "summary": template: __alert_B:1: unexpected "}" in operand`,
		`[0] DIR/bad.yml:9:17: group "g", rule 3, "a b{": braces present in the recording rule name; should it be in expr?: a b{`,
		`[0] DIR/bad.yml:11:5: groupname: "g" is repeated in the same file`,
		"[0] DIR/group.yml:1:1: cannot unmarshal !!int `7`, want keys and values",
		"[0] DIR/number.yml:1:1: cannot unmarshal !!int `7`, want a list",
		`[0] DIR/typo.yml:3:1: field rulez not found`,
		`[1] there is no such file: DIR/none/*.yml`,
		`[2] this is not a pattern of files like rules/*.yml`,
	}, got)
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"agent-sdk.yml", "vllm.yml", "notifier.yml"} {
		text, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file := filepath.Join(t.TempDir(), "f.yml")
		require.NoError(t, os.WriteFile(file, text, 0o600))
		files, problems := rules.Read([]string{file})
		for _, p := range problems {
			require.NotEmpty(t, p.Msg)
			require.NotContains(t, p.Msg, ":0:", "every problem has a place")
		}
		require.Equal(t, 1, files.Len())
	})
}

// A rule whose annotations or expression go wrong is told, or kept as it was; and P10: the log does not say for whom.
func TestP10ARuleThatGoesWrongIsLoggedWithoutLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "r.yml")
		require.NoError(t, os.WriteFile(file, []byte(`
groups:
  - name: g
    rules:
      - alert: Number
        expr: m
        annotations: {summary: '{{ humanize $labels.user_email }}', link: '{{ externalURL }}/x', path: '{{ pathPrefix }}'}
      - {alert: Field, expr: m, annotations: {summary: '{{ $labels.a.b }}'}}
      - {alert: Many, expr: 'm * on (user_email) m'}
      - {alert: Same, expr: 'sum by (user_email, two)(m)', labels: {two: x}}
`), 0o600))
		w := open(t, t.TempDir())
		require.NoError(t, w.Use(read(t, file), rules.Config{}))
		w.scrape(t, time.Minute, map[string]float64{`m{user_email="ada@example.com", two="1"}`: 1, `m{user_email="ada@example.com", two="2"}`: 1})

		number := w.last("Number")
		assert.Equal(t, raise.Firing, number.State)
		assert.Contains(t, number.Annotations["summary"], "error expanding template")
		assert.Equal(t, "https://notifier.example.com/x", number.Annotations["link"])
		assert.Empty(t, number.Annotations["path"])
		w.close(t)
		log := w.log.String()
		assert.Contains(t, log, "alert=Number")
		assert.Contains(t, log, "at <humanize $labels.user_email>")
		assert.Contains(t, log, "name=Many")
		assert.Contains(t, log, "found duplicate series")
		assert.Contains(t, log, "name=Same")
		assert.NotContains(t, log, "ada@example.com")
	})
}
