package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/internal/exposed"
)

// hostileName is what alerts may be called; none of it may become a label's value.
const hostileName = "Hostile{}\\n警報"

// busy runs a notifier, has it told some things by webhooks of any kind, and gives its registry.
func busy(t *testing.T) (reg *prometheus.Registry, url string) {
	t.Helper()
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	t.Cleanup(refuses.Close)
	from := source{name: "notifier.yml", read: func() ([]byte, error) {
		return []byte(fmt.Sprintf(`
agents: [{name: aster, match: ['job="aster"'], url: 'http://127.0.0.1:1'}]
heartbeats: [{name: prometheus, matchers: ['alertname="Watchdog"'], interval: 5m}]
route: {receiver: log, by_severity: {critical: [refuses]}}
receivers:
  - {name: log, log_configs: [{output: %q}]}
  - {name: refuses, webhook_configs: [{url: %q}], fallback: {receiver: log}}
`, t.TempDir()+"/alerts.log", refuses.URL)), nil
	}}
	reg = newRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	logger, flush := newLogger(&promslog.Config{Writer: io.Discard}, reg)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	disk := storage{path: t.TempDir(), retention: 48 * time.Hour, size: smallestSize, free: 1 << 20}
	go func() { ended <- serveOn(ctx, from, disk, listener, logger, reg) }()
	t.Cleanup(func() {
		stop()
		assert.NoError(t, <-ended)
		flush()
	})
	url = "http://" + listener.Addr().String()
	for i, severity := range []string{"info", "critical", "", hostileName} {
		body := fmt.Sprintf(`{"version":"4","groupKey":%q,"status":"firing","receiver":%q,"alerts":[{"status":"firing",
			"labels":{"alertname":%q,"severity":%q,"job":"aster"},"startsAt":"2026-03-14T09:14:00Z","fingerprint":"%016d"}]}`,
			fmt.Sprint(hostileName, i), hostileName, hostileName, severity, i)
		resp, err := http.Post(url+"/api/v1/webhook", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, http.StatusOK, resp.StatusCode)
	}
	told := func() float64 {
		sum := 0.0
		for _, name := range []string{"notifier_notifications_delivered_total", "notifier_dead_letters_total"} {
			for _, m := range familyOf(t, reg, name).GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
		return sum
	}
	// Three go to the log, one is refused for good, and goes there then.
	require.Eventually(t, func() bool { return told() == 5 }, patience, 10*time.Millisecond)
	return reg, url
}

func familyOf(t *testing.T, reg prometheus.Gatherer, name string) *dto.MetricFamily {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	i := slices.IndexFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == name })
	require.GreaterOrEqual(t, i, 0, "there is no metric %s", name)
	return families[i]
}

// gathered are the notifier's own metrics, those of Go and of the process apart.
func gathered(t *testing.T, reg prometheus.Gatherer) (own []*dto.MetricFamily) {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "notifier_") {
			own = append(own, f)
		}
	}
	return own
}

func TestMetricsOfABusyNotifier(t *testing.T) {
	reg, url := busy(t)

	t.Run("are named as they should be", func(t *testing.T) {
		problems, err := testutil.GatherAndLint(reg)
		require.NoError(t, err)
		assert.Empty(t, problems)
	})
	t.Run("are those that the rules and the dashboards are tried on", func(t *testing.T) {
		series, err := exposed.Series("notifier")
		require.NoError(t, err)
		suffix := regexp.MustCompile(`_(bucket|sum|count)$`)
		tried := map[string][]string{} // the names of the labels, by the name of the metric
		for _, s := range series {
			name := suffix.ReplaceAllString(s.Get("__name__"), "")
			if !strings.HasPrefix(name, "notifier_") {
				familyOf(t, reg, name)
				continue
			}
			var names []string
			s.Range(func(l labels.Label) {
				if l.Name != "__name__" && l.Name != "le" {
					names = append(names, l.Name)
				}
			})
			tried[name] = names
		}
		given := map[string][]string{}
		for _, f := range gathered(t, reg) {
			var names []string
			for _, l := range f.GetMetric()[0].GetLabel() {
				names = append(names, l.GetName())
			}
			given[f.GetName()] = names
		}
		assert.Equal(t, given, tried, "internal/exposed/bodies/notifier.txt")
	})
	t.Run("have bounded labels", func(t *testing.T) {
		allowed := map[string]*regexp.Regexp{
			"receiver":    regexp.MustCompile(`^(log|refuses|)$`), // "" is a record that nobody can read
			"integration": regexp.MustCompile(`^(log|webhook|)$`),
			"name":        regexp.MustCompile(`^prometheus$`), // of a heartbeat
			"agent":       regexp.MustCompile(`^aster$`),
			"reason":      regexp.MustCompile(`^[a-z_]{4,20}$`),
			"code":        regexp.MustCompile(`^[1-5][0-9][0-9]$`),
			"status":      regexp.MustCompile(`^(firing|resolved)$`),
		}
		for _, f := range gathered(t, reg) {
			if f.GetName() == "notifier_build_info" {
				continue
			}
			for _, m := range f.GetMetric() {
				for _, l := range m.GetLabel() {
					require.Contains(t, allowed, l.GetName(), "%s: a new label needs a bound here", f.GetName())
					assert.Regexp(t, allowed[l.GetName()], l.GetValue(), "%s %s", f.GetName(), l.GetName())
				}
			}
		}
	})
	t.Run("have native histograms beside classic ones", func(t *testing.T) {
		for _, f := range gathered(t, reg) {
			for _, m := range f.GetMetric() {
				if h := m.GetHistogram(); h != nil {
					assert.NotEmpty(t, h.GetBucket(), f.GetName())
					assert.NotNil(t, h.Schema, "%s: Prometheus can scrape it as a native histogram", f.GetName())
				}
			}
		}
	})
	t.Run("say what happened", func(t *testing.T) {
		sum := func(name string) float64 {
			all := 0.0
			for _, m := range familyOf(t, reg, name).GetMetric() {
				all += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
			return all
		}
		for name, want := range map[string]float64{
			"notifier_alerts_accepted_total":            4,
			"notifier_webhook_requests_total":           4,
			"notifier_webhook_request_duration_seconds": 4,
			"notifier_journal_append_duration_seconds":  4,
			"notifier_notifications_total":              5,
			"notifier_notifications_failed_total":       1,
			"notifier_notifications_retried_total":      0,
			"notifier_notifications_delivered_total":    4,
			"notifier_notification_latency_seconds":     4,
			"notifier_dead_letters_total":               1,
			"notifier_fallbacks_total":                  1,
			"notifier_journal_up":                       1,
			"notifier_journal_size_limit_bytes":         smallestSize,
			"notifier_config_last_reload_successful":    1,
		} {
			assert.InDelta(t, want, sum(name), 0, name)
		}
		assert.Positive(t, sum("notifier_journal_size_bytes"))
		assert.Positive(t, sum("notifier_snapshot_duration_seconds"))
		assert.Positive(t, sum("notifier_snapshots_failed_total"), "nothing listens where the agent should be")
	})
	t.Run("are shown at /metrics", func(t *testing.T) {
		resp, err := http.Get(url + "/metrics")
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.NotContains(t, string(body), "Hostile")
		for _, f := range gathered(t, reg) {
			assert.Contains(t, string(body), "# TYPE "+f.GetName()+" ")
		}
	})
	t.Run("are explained", func(t *testing.T) { explained(t, gathered(t, reg)) })
}

// explained is that docs/metrics.md has the table of these metrics.
func explained(t *testing.T, families []*dto.MetricFamily) {
	t.Helper()
	const page, begin, end = "../../docs/metrics.md", "<!-- The table is written by go test ./cmd/notifier -update. -->\n", "<!-- end -->\n"
	var table strings.Builder
	table.WriteString(begin + "| metric | type | labels | meaning |\n|---|---|---|---|\n")
	for _, f := range families {
		names := map[string]bool{}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				names["`"+l.GetName()+"`"] = true
			}
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()),
			strings.Join(slices.Sorted(maps.Keys(names)), ", "), f.GetHelp())
	}
	table.WriteString(end)
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	before, rest, found := bytes.Cut(text, []byte(begin))
	require.True(t, found, "%s has a place for the table", page)
	_, after, found := bytes.Cut(rest, []byte(end))
	require.True(t, found)
	if *update {
		require.NoError(t, os.WriteFile(page, slices.Concat(before, []byte(table.String()), after), 0o600))
		return
	}
	assert.Equal(t, table.String(), begin+string(rest[:len(rest)-len(after)]), "go test ./cmd/notifier -run Metrics -update writes it anew")
}

// While the store is started again, a scrape says so, and all else is as it was.
func TestAJournalThatIsDownIsSaid(t *testing.T) {
	from := source{name: "notifier.yml", read: func() ([]byte, error) {
		return []byte("route: {receiver: log}\nreceivers: [{name: log, log_configs: [{}]}]\n"), nil
	}}
	reg := prometheus.NewRegistry()
	disk := storage{path: t.TempDir(), retention: 48 * time.Hour, size: smallestSize, free: 1 << 20}
	s, err := newService(t.Context(), from, disk, port{}, slog.New(slog.DiscardHandler), reg)
	require.NoError(t, err)
	up := func() float64 { return familyOf(t, reg, "notifier_journal_up").GetMetric()[0].GetGauge().GetValue() }
	assert.InDelta(t, 1, up(), 0)
	s.journal.Close()
	assert.InDelta(t, 0, up(), 0)
	count, err := testutil.GatherAndCount(reg, "notifier_journal_size_bytes")
	require.NoError(t, err)
	assert.Zero(t, count, "what is not known is not 0")
	ended, end := context.WithCancel(t.Context())
	end()
	_ = s.loops.Run(ended) // it ends what was begun; that a closed journal cannot be read is no news
	s.close()
}
