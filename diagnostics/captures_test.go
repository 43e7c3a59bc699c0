//go:build captures

package diagnostics

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/diagnostics/exposition"
	"github.com/alertvitals/notifier/diagnostics/jsonbody"
)

// How a row of promql/results*.tsv is used. A row that no profile uses says why instead.
const (
	asIs      = ""          // the row gives the vital's number
	summed    = "sum"       // the vital is the sum of the row's series
	asText    = "text"      // the vital is a label of the row's series
	asTable   = "table"     // the row's series are a table's rows, before it leaves out those that are 0
	firstOnly = "in bucket" // the row's number is in the first bucket, of which the vital says the bound
	unused    = "unused"
)

// use is what becomes of one row: the vital or table of this name, or why there is none.
type use struct{ how, name string }

// runtimeUses are the rows that every Go agent of the captures has.
var runtimeUses = map[string]use{
	"build":              {asText, "Go version"},
	"uptime_s":           {asIs, "uptime"},
	"memory_rss":         {asIs, "memory"},
	"memory_heap":        {asIs, "heap"},
	"cpu_cores":          {asIs, "CPU"},
	"cpu_cores_lifetime": {asIs, "CPU"},
	"goroutines":         {asIs, "goroutines"},
	"threads":            {asIs, "threads"},
	"gc_pause_max":       {unused, "Prometheus 2.42 had scraped OpenMetrics, where the quantile is 1.0: the vital takes both"},
	"gc_pause_avg_5m":    {asIs, "GC pause"},
	"gc_cycles_5m":       {unused, "the pause says what matters of it"},
	"fds":                {unused, "its ratio is the vital"},
	"fds_ratio":          {asIs, "open files"},
	"up":                 {unused, "Scrape.OK says it"},
}

var claudeUses = map[string]use{
	"version":                {asText, "version"},
	"sessions_seen":          {asIs, "sessions"},
	"sessions_active_5m":     {asIs, "active sessions"},
	"tokens_rate":            {"type=input", "tokens in"},
	"tokens_lifetime":        {summed, "tokens"},
	"cache_read_ratio":       {asIs, "tokens from the cache"},
	"cost_usd_per_h":         {asIs, "cost rate"},
	"cost_by_model_lifetime": {asTable, "cost by model"},
	"cost_by_source":         {asTable, "cost by source"},
	"edit_decisions":         {unused, "the share of rejected ones is the vital"},
	"active_time_ratio":      {"type=cli", "busy"},
	"loc":                    {summed, "lines of code"},
	"either-name":            {asIs, "cost"},
}

const seedsMistake = "an expression that is wrong, kept to show it"

// captured are the systems of the tables, with the bodies that are stored of each: for rows of one scrape the last alone.
var captured = map[string]struct {
	profile string
	bodies  []string
	uses    map[string]use
}{
	"aster": {"aster-server", []string{"aster/metrics.first-scrape.txt", "aster/metrics.txt"}, with(runtimeUses, map[string]use{
		"req_rate":                               {asIs, "requests"},
		"err_ratio":                              {asIs, "error rate"},
		"err_ratio_lifetime":                     {asIs, "error rate"},
		"err_ratio_SEED_EXPR(wrong)":             {unused, seedsMistake},
		"latency_p50":                            {firstOnly, "p50 latency"},
		"latency_p50_lifetime":                   {firstOnly, "p50 latency"},
		"latency_p95":                            {asIs, "p95 latency"},
		"latency_p95_lifetime":                   {asIs, "p95 latency"},
		"latency_p99":                            {asIs, "p99 latency"},
		"latency_p99_lifetime":                   {asIs, "p99 latency"},
		"latency_avg":                            {asIs, "average latency"},
		"latency_avg_lifetime":                   {asIs, "average latency"},
		"chat_latency(model proxy)_p50":          {unused, "p95 is the vital"},
		"chat_latency(model proxy)_p50_lifetime": {unused, "p95 is the vital"},
		"chat_latency(model proxy)_p95":          {asIs, "p95 chat latency"},
		"chat_latency(model proxy)_p95_lifetime": {asIs, "p95 chat latency"},
		"chat_latency(model proxy)_p99":          {unused, "p95 is the vital"},
		"chat_latency(model proxy)_p99_lifetime": {unused, "p95 is the vital"},
		"chat_latency(model proxy)_avg":          {unused, "p95 is the vital"},
		"chat_latency(model proxy)_avg_lifetime": {unused, "p95 is the vital"},
		"active_agents(never set: 0)":            {unused, "0 is no number here: TestCapturedNeverSet"},
		"active_sessions(never set: 0)":          {unused, "0 is no number here: TestCapturedNeverSet"},
		"workflows(never set: 0)":                {unused, "0 is no number here: TestCapturedNeverSet"},
		"errors_by_type_1h":                      {unused, "the table leaves out the agent's own /metrics and /health"},
		"errors_4xx_by_path_1h":                  {asTable, "client errors by path"},
		"resp_size_avg":                          {unused, "the size of answers says little of an agent"},
	})},
	"opencode-article": {"opencode-article", []string{"seed0-opencode-article/metrics.t1.txt", "seed0-opencode-article/metrics.t2.txt"}, with(runtimeUses, map[string]use{
		"memory_rss":             {unused, "the agent's own metric comes first"},
		"cpu_cores":              {unused, "the agent's own metric comes first"},
		"cpu_cores_lifetime":     {unused, "the agent's own metric comes first"},
		"req_rate":               {summed, "requests"},
		"latency_p50":            {asIs, "p50 latency"},
		"latency_p50_lifetime":   {asIs, "p50 latency"},
		"latency_p95":            {asIs, "p95 latency"},
		"latency_p95_lifetime":   {asIs, "p95 latency"},
		"latency_p99":            {asIs, "p99 latency"},
		"latency_p99_lifetime":   {asIs, "p99 latency"},
		"latency_avg":            {asIs, "average latency"},
		"latency_avg_lifetime":   {asIs, "average latency"},
		"inference_avg":          {asIs, "model latency"},
		"inference_avg_lifetime": {asIs, "model latency"},
		"inference_SEED_EXPR(empty w/o objectives)": {unused, seedsMistake},
		"inference_p95_if_objectives":               {unused, "a name of the capture alone: the article's has no quantiles"},
		"tokens_out_rate":                           {summed, "tokens out"},
		"sessions":                                  {asIs, "sessions"},
		"plugins":                                   {asIs, "plugins"},
		"memory":                                    {asIs, "memory"},
		"cpu_pct":                                   {"/100", "CPU"},
	})},
	"agent-sdk": {"agent-sdk", []string{"seed1-agent-sdk/metrics.t1.txt", "seed1-agent-sdk/metrics.t2.txt"}, with(runtimeUses, map[string]use{
		"memory_rss":                            {unused, "the agent's own metric comes first"},
		"chat_rate":                             {asIs, "requests"},
		"err_per_s":                             {asIs, "errors"},
		"err_ratio":                             {asIs, "error rate"},
		"err_ratio_lifetime":                    {asIs, "error rate"},
		"chat_latency_p50":                      {asIs, "p50 latency"},
		"chat_latency_p50_lifetime":             {asIs, "p50 latency"},
		"chat_latency_p95":                      {asIs, "p95 latency"},
		"chat_latency_p95_lifetime":             {asIs, "p95 latency"},
		"chat_latency_p99":                      {asIs, "p99 latency"},
		"chat_latency_p99_lifetime":             {asIs, "p99 latency"},
		"chat_latency_avg":                      {asIs, "average latency"},
		"chat_latency_avg_lifetime":             {asIs, "average latency"},
		"tokens_rate":                           {"type=output", "tokens out"},
		"tokens_per_req_avg":                    {summed, "tokens a request"},
		"active_agents":                         {asIs, "active agents"},
		"pool_size":                             {asIs, "pool"},
		"pool_usage(needs agent_pool_max_size)": {asIs, "pool used"},
		"created_rate":                          {asIs, "new agents"},
		"tools_top":                             {unused, "the table counts over the last hour"},
		"tools_top_lifetime":                    {asTable, "busiest tools"},
		"tool_fail_top_1h":                      {asTable, "failing tools"},
		"tool_fail_ratio":                       {unused, "the table says how many of how many"},
		"errors_by_type_1h":                     {asTable, "errors by type"},
	})},
	"claude-code/collector":              {"claude-code", []string{"claude-code/coll.8889.t1.txt", "claude-code/coll.8889.txt"}, claudeUses},
	"claude-code/collector-honor_labels": {"claude-code", []string{"claude-code/coll.8889.t1.txt", "claude-code/coll.8889.txt"}, claudeUses},
	"claude-code/direct":                 {"claude-code", []string{"claude-code/direct.prom-nounit.txt", "claude-code/direct.prom-nounit.t2.txt"}, claudeUses},
	"claude-seed3": {"claude-code", []string{"claude-code/coll.8889.t1.txt", "claude-code/coll.8889.txt"}, map[string]use{
		"up(collector)":                 {unused, "Scrape.OK says it"},
		"duration_p95(real name)":       {asIs, "p95 latency"},
		"duration_p95_SEED_EXPR(empty)": {unused, seedsMistake},
		"error_ratio_SEED_EXPR(empty)":  {unused, seedsMistake},
		"error_ratio(fixed)":            {asIs, "error rate"},
		"cost_SEED_EXPR(empty)":         {unused, seedsMistake},
		"tokens_rate":                   {unused, "Claude Code's own tokens are there too, and come first"},
		"tool_calls":                    {asTable, "busiest tools"},
	}},
	"genai": {"claude-code", []string{"claude-code/coll.8889.t1.txt", "claude-code/coll.8889.txt"}, map[string]use{
		"req_rate":                   {asIs, "model requests"},
		"err_ratio":                  {asIs, "model error rate"},
		"model_latency_p50":          {asIs, "p50 model latency"},
		"model_latency_p50_lifetime": {asIs, "p50 model latency"},
		"model_latency_p95":          {asIs, "p95 model latency"},
		"model_latency_p95_lifetime": {asIs, "p95 model latency"},
		"model_latency_p99":          {asIs, "p99 model latency"},
		"model_latency_p99_lifetime": {asIs, "p99 model latency"},
		"model_latency_avg":          {asIs, "model latency"},
		"model_latency_avg_lifetime": {asIs, "model latency"},
		"ttft_p95":                   {firstOnly, "p95 time to first token"},
		"tokens_rate":                {unused, "Claude Code's own tokens are in the same body, and come first"},
		"errors_by_type_1h":          {asTable, "model errors by type"},
	}},
	"opencode-plugin": {"opencode-otel", []string{"opencode-otel-plugin/c8889.txt", "opencode-otel-plugin/c8889.txt"}, map[string]use{
		"sessions_seen":  {asIs, "sessions"},
		"messages_rate":  {summed, "messages"},
		"retries":        {asIs, "retries"},
		"retry_ratio":    {asIs, "error rate"},
		"tokens_by_type": {asTable, "tokens by type"},
		"cost":           {summed, "cost"},
		"tools_top":      {asTable, "busiest tools"},
		"tool_fail_top":  {asTable, "failing tools"},
		"tool_p95_ms":    {unused, "the vital is of all tools, in seconds"},
		"session_avg_ms": {"/1000", "session length"},
	}},
	"vllm": {"vllm", []string{"python-client/metrics.txt", "python-client/metrics.txt"}, map[string]use{
		"running":       {asIs, "running"},
		"waiting":       {asIs, "waiting"},
		"kv_usage":      {asIs, "KV cache used"},
		"req_rate":      {asIs, "requests"},
		"abort_ratio":   {asIs, "aborted"},
		"e2e_p95":       {asIs, "p95 latency"},
		"ttft_p95":      {asIs, "p95 time to first token"},
		"inference_avg": {asIs, "model latency"},
		"tokens_in":     {"/age", "tokens in"},
		"tokens_out":    {"/age", "tokens out"},
		"preemptions":   {asIs, "preemptions"},
	}},
	"litellm": {"litellm", []string{"python-client/metrics.txt", "python-client/metrics.txt"}, map[string]use{
		"req_rate":           {asIs, "requests"},
		"fail_ratio":         {asIs, "error rate"},
		"p95":                {asIs, "p95 latency"},
		"llm_api_p95":        {asIs, "p95 model latency"},
		"spend":              {summed, "cost"},
		"tokens_in":          {"/age", "tokens in"},
		"deployment_state":   {asTable, "deployments in trouble"},
		"errors_by_class_1h": {asTable, "errors by type"},
	}},
	"native": {"", nil, map[string]use{
		"p95(needs protobuf)": {unused, "the stored text has no buckets; histogram_test.go reads native ones"},
		"nan_summary":         {unused, "no profile has it; a NaN is no number"},
	}},
	"bad": {"", nil, map[string]use{
		"oldts": {unused, "about reading, not about vitals"},
		"nan":   {unused, "about reading, not about vitals"},
	}},
}

func with(all ...map[string]use) map[string]use {
	out := map[string]use{}
	for _, one := range all {
		maps.Copy(out, one)
	}
	return out
}

// TestCaptures computes every row of the tables that a profile uses, on the stored bodies: what the profile says must equal what the
// row's own expression gives on a plain PromQL engine, to 1e-9. Many rows were taken on runs whose bodies are not stored; where the
// stored ones give the recorded number too, that is counted.
func TestCaptures(t *testing.T) {
	rows := readResults(t)
	used, recorded, without := 0, 0, 0
	for system, c := range captured {
		t.Run(system, func(t *testing.T) {
			looks := map[int]look{}
			for key := range rows {
				if key.system == system {
					assert.Contains(t, c.uses, key.field, "a row of which nothing is said")
				}
			}
			for field, u := range c.uses {
				row, ok := rows[rowKey{system, field}]
				if assert.True(t, ok, "no row %s %s", system, field); !ok {
					continue
				}
				if u.how == unused {
					without++
					continue
				}
				used++
				bodies := c.bodies
				if row.scrapes == "1" {
					bodies = bodies[len(bodies)-1:]
				}
				l, ok := looks[len(bodies)]
				if !ok {
					l = lookAtCapture(t, jobOf(row.expr), c.profile, bodies)
					looks[len(bodies)] = l
				}
				want := plain(t, l, row.expr)
				if compare(t, l, u, row, want) {
					recorded++
				}
			}
		})
	}
	t.Logf("%d rows: %d used, %d of them equal to the recorded number too, %d not used", len(rows), used, recorded, without)
	assert.Len(t, rows, used+without)
	assert.Greater(t, used, 100)
	assert.Greater(t, recorded, 25)
}

// compare holds a row's answer against the snapshot, and says whether the recorded answer is the same.
func compare(t *testing.T, l look, u use, row result, want promql.Vector) bool {
	t.Helper()
	what := row.expr
	switch u.how {
	case asText:
		require.Len(t, want, 1, what)
		v := vitalNamed(t, l.snapshot, u.name)
		assert.NotEmpty(t, v.Text, what)
		assert.Contains(t, want[0].Metric.String(), strconv.Quote(v.Text), what)
		return strings.Contains(row.values, v.Text)
	case asTable:
		compareTable(t, l.snapshot, u.name, want, what)
		return false
	}
	number := 0.0
	for _, one := range want {
		if name, value, ok := strings.Cut(u.how, "="); !ok || one.Metric.Get(name) == value {
			number += one.F
		}
	}
	switch u.how {
	case "/100":
		number /= 100
	case "/1000":
		number /= 1000
	case "/age":
		number /= l.age
	default:
		if u.how != summed && !strings.Contains(u.how, "=") {
			require.Len(t, want, 1, what)
		}
	}
	v := vitalNamed(t, l.snapshot, u.name)
	if v.Value == nil {
		assert.True(t, math.IsNaN(number), "%s: %s, but it is %v (%s)", u.name, v.Note, number, what)
		return false
	}
	if u.how == firstOnly {
		assert.Equal(t, "<", v.Bound, what)
		assert.LessOrEqual(t, number, *v.Value, what)
		assert.Positive(t, number)
		return false
	}
	if v.Bound == "<" {
		assert.LessOrEqual(t, number, *v.Value, what)
		return false
	}
	assert.LessOrEqual(t, math.Abs(number-*v.Value), 1e-9*math.Abs(number), "%s: want %v, got %v (%s)", u.name, number, *v.Value, what)
	was, one := row.number(u.how)
	return one && math.Abs(was-number) <= 1e-9*math.Abs(was)
}

func compareTable(t *testing.T, s *Snapshot, name string, want promql.Vector, what string) {
	t.Helper()
	for _, table := range s.Tables {
		if plainName, _, _ := strings.Cut(table.Name, " ("); plainName != name {
			continue
		}
		for _, row := range table.Rows {
			found := slices.ContainsFunc(want, func(one promql.Sample) bool {
				value := one.F
				if table.Unit == Short {
					value = math.Round(value)
				}
				same := true
				for word := range strings.SplitSeq(row.Name, " ") {
					same = same && strings.Contains(one.Metric.String(), strconv.Quote(word))
				}
				return same && math.Abs(value-row.Value) <= 1e-9*math.Abs(value)
			})
			assert.True(t, found, "%s: %v is not in %v (%s)", name, row, want, what)
		}
		assert.NotEmpty(t, table.Rows)
		return
	}
	// A table without rows is left out: all of its values must be 0.
	for _, one := range want {
		assert.Zero(t, math.Round(one.F), "%s has no rows (%s)", name, what)
	}
}

// look is a snapshot of captured bodies, and what is needed to ask for more.
type look struct {
	collector *Collector
	snapshot  *Snapshot
	age       float64 // of the process, in seconds
}

// lookAtCapture has an agent that said the bodies 90 s apart, and says the last of them now.
func lookAtCapture(t *testing.T, job, profile string, bodies []string) look {
	t.Helper()
	// An hour after the captured processes began, in their own time.
	start := startOf(capture(t, bodies[0]))
	now := time.Unix(int64(start), 0).Add(time.Hour)
	f := newFakeAgent(t)
	c := newCollector(t, f.URL, func(a *AgentConfig, _ *Config) { a.Name, a.Profile = job, profile })
	c.now = func() time.Time { return now }
	for i, name := range bodies[:len(bodies)-1] {
		past(t, c, now.Add(-90*time.Second*time.Duration(len(bodies)-1-i)), capture(t, name))
	}
	metrics := "/metrics"
	if profile == "litellm" {
		metrics = "/metrics/"
	}
	f.on(metrics, say(200, "text/plain; version=0.0.4", capture(t, bodies[len(bodies)-1])))
	s, err := c.Look(t.Context(), job, "", true)
	require.NoError(t, err)
	require.True(t, s.Metrics.OK, s.Metrics.Note)
	assert.Zero(t, s.Metrics.Dropped)
	assert.Equal(t, profile, s.Profile)
	return look{c, s, float64(s.Metrics.At.UnixMilli())/1000 - start}
}

func capture(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("CAPTURES")
	require.NotEmpty(t, dir, "CAPTURES must name the directory of the captures")
	text, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return string(text)
}

// startOf is when the process began that said the body, and a time of the captures where it does not say.
func startOf(body string) float64 {
	_, rest, _ := strings.Cut(body, "\nprocess_start_time_seconds ")
	number, _, _ := strings.Cut(rest, "\n")
	if v, err := strconv.ParseFloat(number, 64); err == nil {
		return v
	}
	return 1795226000
}

var jobMatcher = regexp.MustCompile(`\bjob="([^"]+)"`)

// jobOf is the job that an expression asks for. Those of the collector with honor_labels ask for the job in the body, which is
// exported_job of ours.
func jobOf(expr string) string {
	job := jobMatcher.FindStringSubmatch(expr)[1]
	if job == "claude-code" {
		return "otelcol"
	}
	return job
}

type rowKey struct{ system, field string }

// result is a row of results*.tsv.
type result struct{ scrapes, expr, values string }

// number is the row's one number; ok is false when it has others, or how picks one of several.
func (r result) number(how string) (v float64, ok bool) {
	name, text, found := strings.Cut(r.values, " => ")
	if !found || name != "-" && how != summed || strings.Contains(text, ";") {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil
}

func readResults(t *testing.T) map[rowKey]result {
	t.Helper()
	rows := map[rowKey]result{}
	for _, name := range []string{"promql/results.tsv", "promql/results2.tsv"} {
		for line := range strings.Lines(capture(t, name)) {
			columns := strings.Split(strings.TrimRight(line, "\n"), "\t")
			require.Len(t, columns, 5, line)
			rows[rowKey{columns[0], columns[1]}] = result{columns[2], columns[3], columns[4]}
		}
	}
	return rows
}

// plain evaluates a row's expression with its own job selector over the whole database. Its minutes are made the span that the
// scrapes cover: a rate over more than that would count time that nobody saw.
func plain(t *testing.T, l look, expr string) promql.Vector {
	t.Helper()
	at := l.snapshot.Metrics.At
	e := evaluator{times: scrapeTimes(t, l.collector, at), interval: l.collector.settings.Load().agents[0].interval}
	expr = strings.NewReplacer(
		"[5m]", fmt.Sprintf("[%dms]", e.rateWindow(at).Milliseconds()),
		"[1h]", fmt.Sprintf("[%dms]", e.countWindow(at).Milliseconds()),
		`job="claude-code"`, `job="otelcol",exported_job="claude-code"`,
	).Replace(strings.ReplaceAll(expr, `exported_job="claude-code"`, `exported_job=~"claude-code"`))
	query, err := l.collector.engine.NewInstantQuery(t.Context(), l.collector.db, nil, expr, at)
	require.NoError(t, err, expr)
	defer query.Close()
	vector, err := query.Exec(t.Context()).Vector()
	require.NoError(t, err)
	return slices.Clone(vector)
}

func scrapeTimes(t *testing.T, c *Collector, at time.Time) []time.Time {
	t.Helper()
	times, err := c.settings.Load().agents[0].series.scrapes(t.Context(), at.Add(-time.Hour), at)
	require.NoError(t, err)
	return times
}

// TestCapturedTables compares the rankings with counts of the captured bodies: what was counted between two scrapes.
func TestCapturedTables(t *testing.T) {
	s := lookAtCapture(t, "agentsdk", "agent-sdk", []string{"seed1-agent-sdk/metrics.t1.txt", "seed1-agent-sdk/metrics.t2.txt"}).snapshot
	first := exposition.Read([]byte(capture(t, "seed1-agent-sdk/metrics.t1.txt")), "", time.Now())
	last := exposition.Read([]byte(capture(t, "seed1-agent-sdk/metrics.t2.txt")), "", time.Now())
	counted := func(tool string) float64 {
		sum := 0.0
		for _, now := range last.Samples {
			set := now.Labels
			if set.Get("__name__") != "agent_tool_calls_total" || set.Get("tool_name") != tool || set.Get("status") != "failed" {
				continue
			}
			sum += now.Value // a series that the first scrape lacks was 0 then
			for _, then := range first.Samples {
				if then.Labels.Hash() == set.Hash() {
					sum -= then.Value
				}
			}
		}
		return sum
	}
	require.NotEmpty(t, s.Tables)
	assert.Equal(t, "failing tools (2 min)", s.Tables[0].Name)
	require.NotEmpty(t, s.Tables[0].Rows)
	for _, row := range s.Tables[0].Rows {
		assert.InDelta(t, counted(row.Name), row.Value, 0, row.Name)
	}
}

// TestCapturedNeverSet looks at gauges that the program registers and never sets.
func TestCapturedNeverSet(t *testing.T) {
	s := lookAtCapture(t, "aster", "aster-server", []string{"aster/metrics.first-scrape.txt", "aster/metrics.txt"}).snapshot
	for _, name := range []string{"active agents", "sessions", "workflows"} {
		v := vitalNamed(t, s, name)
		assert.Nil(t, v.Value)
		assert.Equal(t, "not reported", FormatVital(v))
	}
}

// TestCapturedRecognition says by which profile each captured body is read, and which follow it.
func TestCapturedRecognition(t *testing.T) {
	for file, want := range map[string][]string{
		"aster/metrics.txt":                       {"aster-server", "go-runtime", "process"},
		"aster/metrics.chat-traffic.txt":          {"aster-server", "go-runtime", "process"},
		"aster/metrics.openmetrics.txt":           {"aster-server", "go-runtime", "process"},
		"seed0-opencode-article/metrics.t1.txt":   {"opencode-article", "go-runtime", "process"},
		"seed1-agent-sdk/metrics.t1.txt":          {"agent-sdk", "go-runtime", "process"},
		"seed1-agent-sdk/metrics.openmetrics.txt": {"agent-sdk", "go-runtime", "process"},
		"native-histograms/metrics.text.txt":      {"agent-sdk", "go-runtime", "process"},
		"opencode-otel-plugin/c8889.txt":          {"opencode-otel"},
		"opencode-otel-plugin/c8890.txt":          {"opencode-otel"},
		"opencode-otel-plugin/c8890.om.txt":       {"opencode-otel"},
		"claude-code/coll.8889.txt":               {"claude-code", "gen-ai"},
		"claude-code/coll.8889.noinstance.txt":    {"claude-code"},
		"claude-code/coll.8889.p3.txt":            {"claude-code"},
		"claude-code/coll.8890.om.txt":            {"claude-code", "gen-ai"},
		"claude-code/direct.prom-nounit.txt":      {"claude-code"},
		"claude-code/direct.prom-unit.early.txt":  {"claude-code"},
		"claude-code/direct.prom-dup.txt":         {"claude-code"},
		"python-client/metrics.txt":               {"vllm", "process"}, // two systems in one body
	} {
		var names []string
		for _, one := range exposition.Read([]byte(capture(t, file)), "", time.Now()).Samples {
			names = append(names, one.Labels.Get("__name__"))
		}
		assert.Equal(t, want, profileNames(kinds(embedded, nil, fitting(embedded, names))), file)
	}
}

// TestCapturedHealth reads the health bodies of real agents.
func TestCapturedHealth(t *testing.T) {
	const js = "application/json"
	for _, c := range []struct {
		file, profile, contentType string
		status                     int
		want                       Check
	}{
		{"aster/health.json", "aster-server", js, 200, Check{Verdict: Up, Says: "healthy", Version: "v0.35.0"}},
		{"aster/health.degraded.json", "aster-server", js, 200, Check{Verdict: Degraded, Says: "degraded", Version: "v0.35.0", Failing: []string{"store: unhealthy"}}},
		{"aster/ratelimited.json", "aster-server", js, 429, Check{Verdict: Unclear, Note: "asked too often for its limit (429)"}},
		{"aster/ready.txt", "aster-server", "text/plain", 404, Check{Verdict: NotOffered}},
		{"aster/v1_system_health.json", "aster-server", js, 200, Check{Verdict: Up, Says: "healthy"}},
		{"aster/v1_pool_stats.json", "aster-server", js, 200, Check{Verdict: Unclear, Note: "says nothing of its health"}},
		{"seed1-agent-sdk/ready.notready.txt", "agent-sdk", "text/plain", 503, Check{Verdict: Down, Says: "Not Ready", Note: "answered 503"}},
		{"seed1-agent-sdk/health.txt", "agent-sdk", "text/plain", 200, Check{Verdict: Up, Says: "OK"}},
		{"opencode/health.html", "opencode", "text/html", 200, Check{Verdict: Unclear, Note: "answered an HTML page"}},
		{"opencode/ready.html", "agent-sdk", "text/html", 200, Check{Verdict: Unclear, Note: "answered an HTML page"}},
		{"opencode/health.real.global_health.json", "opencode", js, 200, Check{Verdict: Up, Says: "healthy", Version: "1.18.33"}},
		{"opencode/auth/noauth.global_health.txt", "opencode", "", 401, Check{Verdict: Unclear, Note: "needs credentials"}},
		{"opencode/session_status.json", "opencode", js, 200, Check{Verdict: Unclear, Note: "says nothing of its health"}},
	} {
		c.want.StatusCode = c.status
		got := readHealth(answer{status: c.status, contentType: c.contentType, body: []byte(capture(t, c.file))}, profileNamed(embedded, c.profile).Health)
		assert.Equal(t, c.want, got, c.file)
	}
}

// TestCapturedOpenCode recognises a real OpenCode server, and reads its JSON answers.
func TestCapturedOpenCode(t *testing.T) {
	for _, c := range []struct {
		status  string
		retries float64
	}{{"opencode/session_status.json", 3}, {"opencode/session_status.retry.json", 2}} {
		f := newFakeAgent(t)
		const js = "application/json"
		f.otherwise = say(200, "text/html", capture(t, "opencode/metrics.html"))
		f.on("/global/health", say(200, js, capture(t, "opencode/health.real.global_health.json")))
		f.on("/session/status", say(200, js, capture(t, c.status)))
		f.on("/session", say(200, js, capture(t, "opencode/session.json")))
		f.on("/mcp", say(200, js, capture(t, "opencode/mcp.json")))
		f.on("/lsp", say(200, js, "[]"))
		collector := newCollector(t, f.URL)
		a := collector.settings.Load().agents[0]
		now := time.Now()
		collector.now = func() time.Time { return now }
		for range embedded {
			collector.poll(t.Context(), a)
			now = now.Add(a.interval)
		}
		s := collector.Snapshot(t.Context(), about)
		require.Equal(t, "opencode", s.Profile)
		assert.Equal(t, "1.18.33", s.Health.Version)
		for name, want := range map[string]float64{
			"sessions": 3, "sessions retrying": 1, "retries in a row": c.retries, "cost of sessions": 0.018681,
			"input tokens": 5174, "output tokens": 185, "cached tokens read": 1280, "MCP servers failed": 0,
		} {
			v := vitalNamed(t, s, name)
			require.NotNil(t, v.Value, name)
			assert.InDelta(t, want, *v.Value, 1e-9, name)
		}
		for _, text := range []string{"exploded", "jolly", "/srv", "ses_", "three"} {
			shown, err := json.Marshal(s)
			require.NoError(t, err)
			assert.NotContains(t, string(shown), text)
		}
	}
}

// TestCapturedPool reads the answers of a real aster server.
func TestCapturedPool(t *testing.T) {
	pool := profileNamed(embedded, "aster-server").JSON[0]
	for file, want := range map[string]float64{"aster/v1_pool_stats.json": 0, "aster/traffic.v1_pool_stats.json": 1} {
		samples, unknown, err := jsonbody.Read([]byte(capture(t, file)), pool.Samples)
		require.NoError(t, err)
		assert.Empty(t, unknown)
		assert.InDelta(t, want, samples[0].Value, 0)
		assert.InDelta(t, 100, samples[1].Value, 0)
	}
}
