package diagnostics

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestProfilesAreRight checks what the loader, which refuses unknown units, topics and PromQL, leaves to the author.
func TestProfilesAreRight(t *testing.T) {
	entries, err := profileFiles.ReadDir("profiles")
	require.NoError(t, err)
	assert.Len(t, embedded, len(entries), "each file is read")
	for _, p := range embedded {
		t.Run(p.Name, func(t *testing.T) {
			for _, v := range p.Vitals {
				for _, w := range v.ways {
					if w.current != nil && w.current.rate && len(v.SinceStart) > 0 {
						assert.NotNil(t, w.sinceStart, "%s: each alternative of a rate needs its like since start", v.Name)
					}
					if w.sinceStart != nil {
						assert.False(t, w.sinceStart.rate || w.sinceStart.window, "%s: since start is over no span", v.Name)
					}
				}
				assert.False(t, v.Absent != "" && len(v.Absent) > 60, "%s: it must fit where a number would stand", v.Name)
			}
			for _, table := range p.Tables {
				assert.Equal(t, len(table.SinceStart) == 0 || len(table.Of) == 0, len(table.OfSinceStart) == 0, table.Name)
				if table.Unit == Tokens || table.Unit == PerSecond {
					assert.Empty(t, table.SinceStart, "%s: a count is no rate", table.Name)
				}
			}
		})
	}
	last := embedded[len(embedded)-3:]
	assert.Equal(t, []string{"gen-ai", "go-runtime", "process"}, profileNames(last), "general ones come last")
	for i, p := range embedded {
		assert.Equal(t, i >= len(embedded)-3, p.General, p.Name)
	}
}

func TestWhatIsWrongWithAProfileIsSaidWithItsLine(t *testing.T) {
	head := "name: x\nrecognise: [a]\n"
	for text, want := range map[string]string{
		"name: x\nvitalls: []\n":      "line 2: there is no key \"vitalls\" here; did you mean vitals?",
		"name: X y\nrecognise: [a]\n": "line 1: name: a profile needs a name",
		"name: x\n":                   "line 1: recognise: needs at least one",
		"name: x\nrecognise: ['(']\n": "line 2: recognise: not names or regular",
		head + "ready_path: ready\n":  "line 3: ready_path: must begin with /",
		head + "vitals:\n  - {name: a, unit: parsec, expr: b, topics: [errors]}\n":                          "line 4: vitals[0].unit: there is no unit",
		head + "vitals:\n  - name: a\n    unit: s\n    expr: b\n    topics: [x]\n":                          "line 7: vitals[0].topics: there is no topic",
		head + "vitals:\n  - name: a\n    unit: s\n    expr: sum(\n    topics: [errors]\n":                  "line 6: vitals[0].expr: not PromQL",
		head + "vitals:\n  - name: a\n    unit: s\n    expr: 'a[5m]'\n    topics: [errors]\n":               "line 6: vitals[0].expr: gives a range vector",
		head + "vitals:\n  - {name: a, unit: s, expr: b, topics: [errors], warn: 'over 3'}\n":               "line 4: vitals[0].warn: \"over 3\" is not a threshold",
		head + "vitals:\n  - {name: a, unit: s, expr: b, topics: [errors], crit: '> NaN'}\n":                "vitals[0].crit",
		head + "vitals:\n  - {name: a, unit: s, topics: [errors]}\n":                                        "vitals[0].expr: a vital needs an expr",
		head + "vitals:\n  - {name: a, unit: s, expr: b, quantile: 0.9, topics: [errors]}\n":                "vitals[0].quantile: quantile and scale go with",
		head + "vitals:\n  - {name: a, unit: s, histogram: b, topics: [errors]}\n":                          "vitals[0].histogram: goes with a quantile",
		head + "vitals:\n  - {name: a, unit: s, histogram: '{b=\"c\"}', quantile: 0.9, topics: [errors]}\n": "does not begin with the histogram's name",
		head + "vitals:\n  - {name: a, unit: string, expr: b, topics: [errors]}\n":                          "vitals[0].label: unit string and label",
		head + "vitals:\n  - {name: a, unit: s, expr: b, topics: []}\n":                                     "vitals[0].topics: needs at least one",
		head + "vitals:\n  - {name: a, unit: s, expr: b, when: c, topics: [errors]}\n":                      "vitals[0].when: says when a note",
		head + "vitals:\n  - &a {name: a, unit: s, expr: b, topics: [errors]}\n  - *a\n":                    "another vital",
		head + "tables:\n  - {name: a, unit: short, expr: b, topics: [errors]}\n":                           "line 4: tables[0].by: a table needs",
		head + "tables:\n  - {name: a, unit: short, by: [x], expr: b(, topics: [errors]}\n":                 "tables[0].expr: not PromQL",
	} {
		_, err := parseProfile([]byte(text))
		assert.ErrorContains(t, err, want, text)
	}
}

func FuzzParseProfile(f *testing.F) {
	for _, p := range []string{"process", "go-runtime"} { // small ones: mutations of long ones take long to read
		text, err := profileFiles.ReadFile("profiles/" + p + ".yml")
		require.NoError(f, err)
		f.Add(text)
	}
	f.Add([]byte("name: x\nrecognise: [a]\nvitals:\n  - {name: a, unit: s, expr: ['sum(rate(b[$__rate_interval]))', 'max(rate(b{c=\"d\"}[$__rate_interval]))'], topics: [errors]}\n"))
	f.Add([]byte("name: x\nrecognise: [a]\nvitals:\n  - {name: a, unit: s, histogram: ['{__name__=~\"a|b\"}'], quantile: 0.5, topics: [errors]}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parseProfile(text)
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				assert.Regexp(t, `^line [1-9][0-9]*: .`, line)
			}
			return
		}
		for _, v := range p.Vitals {
			assert.True(t, v.Absent != "" || len(v.ways) > 0, v.Name)
		}
		for _, e := range p.expressions() {
			_, err := promQL.ParseExpr(e.sharedOver(time.Minute, time.Hour))
			assert.NoError(t, err, e.text)
		}
	})
}

func TestProfilesOfTheUser(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	write("mine.yml", "name: mine\nrecognise: ['my_.+']\ninclude: [process]\nvitals:\n  - {name: queue, unit: short, expr: sum(my_queue), topics: [capacity]}\n")
	write("vllm.yml", "name: vllm\nrecognise: ['vllm:.+']\nvitals:\n  - {name: queue, unit: short, expr: 'sum(vllm:num_requests_waiting)', topics: [capacity]}\n")
	write("gpu.yml", "name: gpu\nrecognise: [DCGM_FI_DEV_GPU_UTIL]\ngeneral: true\nvitals:\n  - {name: GPU, unit: percentunit, expr: avg(DCGM_FI_DEV_GPU_UTIL) / 100, topics: [runtime]}\n")

	all, err := profilesWith([]string{filepath.Join(dir, "*.yml")})

	require.NoError(t, err)
	assert.Equal(t, []string{"mine", "vllm"}, profileNames(all)[:2], "the user's come first, and in place of the embedded")
	assert.Equal(t, []string{"gpu", "gen-ai", "go-runtime", "process"}, profileNames(all)[len(all)-4:])
	assert.Len(t, all, len(embedded)+2)

	bad := write("bad.txt", "name: bad\nrecognise: [a]\nvitals:\n  - {name: a, unit: s, expr: 'sum(', topics: [errors]}\n")
	lost := write("lost.txt", "name: lost\nrecognise: [a]\ninclude: [nowhere]\n")
	for pattern, want := range map[string]string{
		bad:                                 bad + ": line 4: vitals[0].expr: not PromQL",
		lost:                                `profile "lost" includes one that there is not: "nowhere"`,
		filepath.Join(dir, "none.yml"):      "there is no such file",
		filepath.Join(dir, "["):             "not a pattern",
		filepath.Join(dir, "mine.[y]ml"):    "", // fits one
		filepath.Join(dir, "missing-*.yml"): "", // may come later
	} {
		_, err = profilesWith([]string{pattern})
		if want == "" {
			require.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, want)
		}
	}
	_, err = profilesWith([]string{filepath.Join(dir, "*.yml"), filepath.Join(dir, "mine.yml")})
	assert.ErrorContains(t, err, `another profile "mine"`)
}

func TestRecognition(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  []string
	}{
		{[]string{"aster_http_requests_total", "go_goroutines"}, []string{"aster-server", "go-runtime", "process"}},
		{[]string{"agent_tool_calls_total"}, []string{"agent-sdk", "go-runtime", "process"}},
		{[]string{"agent_tool_calls_total", "gen_ai_client_token_usage_sum"}, []string{"agent-sdk", "go-runtime", "process", "gen-ai"}},
		{[]string{"opencode_request_total"}, []string{"opencode-article", "go-runtime", "process"}},
		{[]string{"opencode_model_inference_duration_seconds_count", "opencode_tokens_generated_total"}, []string{"opencode-article", "go-runtime", "process"}},
		{[]string{"opencode_session_count_total"}, []string{"opencode-otel"}},
		{[]string{"team_opencode_token_usage"}, []string{"opencode-otel"}},
		{[]string{"opencode.tool.duration_milliseconds_bucket"}, []string{"opencode-otel"}},
		{[]string{"claude_code_session_count_total"}, []string{"claude-code"}},
		{[]string{"claude_code_claude_code_cost_usage_USD_total"}, []string{"claude-code"}},
		{[]string{"claude_code.token.usage_tokens_total"}, []string{"claude-code"}},
		{[]string{"claude_tokens_input_total"}, []string{"claude-code"}},
		{[]string{"claude_code_self_hosted_runner_capacity", "go_info"}, []string{"claude-runner", "go-runtime", "process"}},
		{[]string{"vllm:num_requests_running", "process_open_fds", "process_cpu_seconds_total"}, []string{"vllm", "process"}},
		{[]string{"litellm_deployment_state"}, []string{"litellm"}},
		{[]string{"gen_ai_client_operation_duration_seconds_count", "go_info"}, []string{"gen-ai", "go-runtime", "process"}},
		{[]string{"go_info"}, []string{"go-runtime", "process"}},
		{[]string{"process_resident_memory_bytes", "python_info"}, []string{"process"}},
		{[]string{"nodejs_eventloop_lag_seconds", "my_gen_ai", "agents_total"}, nil},
	} {
		assert.Equal(t, c.want, slices.Clip(profileNamesOrNil(kinds(embedded, nil, fitting(embedded, c.names)))), c.names)
	}
	vllm := profileNamed(embedded, "vllm")
	assert.Equal(t, []string{"vllm", "process"}, profileNames(kinds(embedded, vllm, fitting(embedded, []string{"process_cpu_seconds_total"}))),
		"what is configured comes first, whatever the metrics")
}

func profileNamesOrNil(all []*profile) []string {
	if len(all) == 0 {
		return nil
	}
	return profileNames(all)
}

func TestThreshold(t *testing.T) {
	for text, want := range map[string][3]bool{"> 2": {false, false, true}, ">= 2": {false, true, true}, "< 2": {true, false, false}, "<= 2": {true, true, false}, "": {}} {
		limit, err := parseThreshold(text)
		require.NoError(t, err)
		assert.Equal(t, want, [3]bool{limit.beyond(1), limit.beyond(2), limit.beyond(3)}, text)
	}
	for _, text := range []string{"2", ">2", "> ", "= 2", "> NaN", "> +Inf", "over 3"} {
		_, err := parseThreshold(text)
		assert.Error(t, err, text)
	}
}

func TestWhatCannotBeIsNotAsked(t *testing.T) {
	names := []string{"a", "b_total"}
	for text, want := range map[string]bool{
		"a": true, "c": false, "sum(rate(b_total[5m]))": true, "sum(rate(c[5m]))": false, "a / c": false, "a or c": true,
		"c unless a": false, "a unless c": true, "c and a": false, "vector(0)": true, "absent(c)": true, "c or vector(0)": true,
		`{__name__=~"b.*"}`: true, `{__name__=~"x.*"}`: false, "time() - c": false, "-c": false, "(c)": false,
		"max_over_time(sum(c)[1h:1m])": false, "scalar(c)": true, `{job="x"}`: true, "1": true,
	} {
		e, err := parseExpression(text)
		require.NoError(t, err)
		assert.Equal(t, want, e.possible(names), text)
	}
	_, err := parseExpression("rate(a[$__rate_interval]) + increase(a[$__window])")
	assert.ErrorContains(t, err, "cannot stand in one")
	assert.True(t, strings.HasPrefix(mustParse("rate(a[$__rate_interval])").over(90e9, 0), "rate(a[90000ms])"))
}

// TestPageOfProfiles holds docs/profiles.md against the code: its example is a profile, and nothing is left unexplained.
func TestPageOfProfiles(t *testing.T) {
	page, err := os.ReadFile("../docs/profiles.md")
	require.NoError(t, err)
	_, example, _ := strings.Cut(string(page), "```yaml\nname: my-agent\n")
	example, _, _ = strings.Cut(example, "```")
	_, err = parseProfile([]byte("name: my-agent\n" + example))
	require.NoError(t, err)
	for _, p := range embedded {
		assert.True(t, strings.Contains(string(page), "| `"+p.Name+"`"), "%s is not in the table", p.Name)
	}
	for _, of := range []any{profile{}, vitalSpec{}, tableSpec{}} {
		for _, field := range reflect.VisibleFields(reflect.TypeOf(of)) {
			if key := field.Tag.Get("yaml"); key != "" {
				assert.True(t, strings.Contains(string(page), "`"+key+"`"), key)
			}
		}
	}
	for _, u := range units {
		assert.True(t, strings.Contains(string(page), "`"+string(u)+"`"), u)
	}
	for _, topic := range topics {
		assert.True(t, strings.Contains(string(page), topic), topic)
	}
}

func TestWhatIsNoFileOfAProfileIsNotRead(t *testing.T) {
	dir := t.TempDir()
	pipe, empty := filepath.Join(dir, "pipe"), filepath.Join(dir, "empty.yml")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.NoError(t, os.WriteFile(empty, []byte(" \n"), 0o600))
	for path, why := range map[string]string{
		pipe: "is no file that ends", "/dev/zero": "is no file that ends", empty: "the file is empty",
		dir: "is a directory; write its files, as in " + dir + "/*.yml",
	} {
		problems := Config{Profiles: []string{path}}.ValidateProfiles(nil)
		require.Len(t, problems, 1)
		assert.Contains(t, problems[0].Msg, why)
	}
}
