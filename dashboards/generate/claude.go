package main

import "fmt"

// Names by a collector, by Claude Code's own exporter, without suffixes and with a namespace before them.
const (
	claudeCost      = `__name__=~"(.+_)?claude_code_cost_usage(_USD)?(_total)?",$S`
	claudeUsage     = `__name__=~"(.+_)?claude_code_token_usage(_tokens)?(_total)?",$S`
	claudeDecisions = `__name__=~"(.+_)?claude_code_code_edit_tool_decision(_total)?",$S`
)

// spent is what sessions cost in a day, or in the day before. increase() leaves out what a series is born with, which is all there is
// of a short session.
func spent(by, matchers string, before bool) string {
	then, born := "", " offset 1d"
	if before {
		then, born = " offset 1d", " offset 2d"
	}
	return fmt.Sprintf("sum%s((max_over_time({%s}[1d]%s) unless ({%s}%s)) or increase({%s}[1d]%s))", by, matchers, then, matchers, born, matchers, then)
}

func claudeCode() board {
	const article = "Only for programs that emit the article's claude.* metrics: Claude Code itself has no such metric. "
	return board{
		name: "claude-code", every: exported, title: "Claude Code", known: `{__name__=~"(.+_)?claude_code_.+"}`,
		about: "Cost, tokens and work of Claude Code. People are shown by an anonymous id, not by name. Requests, errors and latencies are not in its metrics but in its log events.",
		panels: []panel{
			{
				title: "Cost in 24 hours", about: "Claude Code's own estimate of what its sessions cost in the last 24 hours.", kind: stat, unit: "currencyUSD", width: 5,
				queries: []query{{spent("", claudeCost, false), "cost"}},
			},
			{
				title: "Against the day before", about: "How much more that is than in the 24 hours before. The alert HighCostSpike is at 100 % more.",
				kind: stat, unit: "percentunit", width: 5, steps: []step{{color: green}, {yellow, .5}, {red, 1}},
				queries: []query{{spent("", claudeCost, false) + " / (" + spent("", claudeCost, true) + " > 0) - 1", "change"}},
			},
			{
				title: "Active sessions", about: "Sessions that used tokens in the last minutes.", kind: stat, unit: "short", width: 4,
				queries: []query{{"count(sum by (session_id) (rate({" + claudeUsage + "}[$__rate_interval])) > 0) or vector(0)", "sessions"}},
			},
			{
				title: "Tokens in 24 hours", about: "All types together, those read from the cache included.", kind: stat, unit: "short", width: 5,
				steps:   []step{{color: green}, {yellow, 1e6}, {red, 5e6}},
				queries: []query{{spent("", claudeUsage, false), "tokens"}},
			},
			{
				title: "Edits by decision", about: "Decisions about edits in the last hour. How many wait for one is in no metric.", kind: stat, unit: "short", width: 5,
				queries: []query{{"sum by (decision) (increase({" + claudeDecisions + "}[1h]))", "{{decision}}"}},
			},
			{
				title: "Cost by model", about: "USD an hour.", kind: series, unit: "currencyUSD", width: 8, stacked: true,
				queries: []query{{"sum by (model) (rate({" + claudeCost + "}[$__rate_interval])) * 3600", "{{model}}"}},
			},
			{
				title: "Tokens by type", about: "Tokens a second.", kind: series, unit: "suffix: tokens/s", width: 8,
				queries: []query{{"sum by (type) (rate({" + claudeUsage + "}[$__rate_interval]))", "{{type}}"}},
			},
			{
				title: "Use of models", about: "How the tokens of the chosen time are spread over the models.", kind: pie, unit: "short", width: 8,
				queries: []query{{"sum by (model) (increase({" + claudeUsage + "}[$__range]))", "{{model}}"}},
			},
			{
				title: "Top 10 users by cost", about: "In 24 hours, by user_id, an anonymous id of the installation. Names and mail addresses are left out.",
				kind: table, unit: "currencyUSD", width: 8,
				queries: []query{{"topk(10, " + spent(" by (user_id) ", claudeCost, false) + ")", "{{user_id}}"}},
			},
			{
				title: "Top 5 teams by cost", about: "In 24 hours, by the label team. Claude Code has it where OTEL_RESOURCE_ATTRIBUTES does: team=backend. It knows no projects.",
				kind: table, unit: "currencyUSD", width: 8,
				queries: []query{{"topk(5, " + spent(" by (team) ", claudeCost, false) + ")", "{{team}}"}},
			},
			{
				title: "Tokens from the cache", about: "The share of the input that was read from the cache. When it falls, the same work costs more.",
				kind: series, unit: "percentunit", width: 8,
				queries: []query{{
					"sum(rate({" + claudeUsage + `,type="cacheRead"}[$__rate_interval])) / (sum(rate({` + claudeUsage + `,type=~"input|cacheRead|cacheCreation"}[$__rate_interval])) > 0)`,
					"from the cache",
				}},
			},
			{
				title: "Work", about: "Lines of code, commits and pull requests an hour.", kind: series, unit: "short", width: 12,
				queries: []query{
					{`sum by (type) (rate({__name__=~"(.+_)?claude_code_lines_of_code_count(_total)?",$S}[$__rate_interval])) * 3600`, "lines {{type}}"},
					{`sum(rate({__name__=~"(.+_)?claude_code_commit_count(_total)?",$S}[$__rate_interval])) * 3600`, "commits"},
					{`sum(rate({__name__=~"(.+_)?claude_code_pull_request_count(_total)?",$S}[$__rate_interval])) * 3600`, "pull requests"},
				},
			},
			{
				title: "Busy", about: "How many sessions are at work at a time, on average: cli is Claude Code, user the person.", kind: series, unit: "short", width: 12,
				queries: []query{{`sum by (type) (rate({__name__=~"(.+_)?claude_code_active_time(_seconds)?(_total)?",$S}[$__rate_interval]))`, "{{type}}"}},
			},
			{title: "Programs with the article's claude.* metrics", about: "Empty for Claude Code itself.", kind: row},
			{
				title: "Request duration", about: article + "The average and quantiles.", kind: series, unit: "s", width: 8,
				queries: append(quantiles("claude_requests_duration_seconds_bucket", "$S", "50", "95", "99"),
					query{"sum(rate(claude_requests_duration_seconds_sum{$S}[$__rate_interval])) / (sum(rate(claude_requests_duration_seconds_count{$S}[$__rate_interval])) > 0)", "average"}),
			},
			{
				title: "Request durations", about: article + "The darker, the more requests took as long.", kind: heatmap, unit: "s", width: 8,
				queries: []query{{"sum by (le) (rate(claude_requests_duration_seconds_bucket{$S}[$__rate_interval]))", "{{le}}"}},
			},
			{
				title: "Error rate", about: article + "The alert HighErrorRate is at 5 %.", kind: series, unit: "percentunit", width: 8,
				queries: []query{{share("instance", "claude_errors_total{$S}", "claude_requests_duration_seconds_count{$S}"), "{{instance}}"}},
			},
			{
				title: "Requests by model", about: article, kind: pie, unit: "short", width: 8,
				queries: []query{{"sum by (model) (increase(claude_requests_duration_seconds_count{$S}[$__range]))", "{{model}}"}},
			},
			{
				title: "Tool calls", about: article + "Calls a second.", kind: series, unit: "cps", width: 8,
				queries: []query{{"sum by (tool) (rate(claude_tool_calls_total{$S}[$__rate_interval]))", "{{tool}}"}},
			},
			{
				title: "Tokens of these programs", about: article + "Tokens a second.", kind: series, unit: "suffix: tokens/s", width: 8,
				queries: []query{
					{"sum(rate(claude_tokens_input_total{$S}[$__rate_interval]))", "input"},
					{"sum(rate(claude_tokens_output_total{$S}[$__rate_interval]))", "output"},
				},
			},
		},
	}
}

func claudeRunner() board {
	const p = "claude_code_self_hosted_runner_"
	return board{
		name: "claude-runner", title: "Claude Code runners", known: p + "capacity",
		about: "The self-hosted runner of Claude Code and its orchestrator.",
		panels: []panel{
			{
				title: "Places used", about: "Sessions at work, of the runners' capacity.", kind: stat, unit: "percentunit", width: 6, top: 1,
				steps: []step{{color: green}, {yellow, .8}, {red, .9}}, queries: []query{{"sum(" + p + "active_sessions{$S}) / sum(" + p + "capacity{$S})", "used"}},
			},
			{
				title: "Last poll", about: "How long ago a runner asked for work, the longest of them.", kind: stat, unit: "s", width: 6,
				steps: []step{{color: green}, {yellow, 60}, {red, 300}}, queries: []query{{"max(" + p + "last_poll_age_seconds{$S})", "ago"}},
			},
			{
				title: "Orchestrator", about: "Whether all orchestrators are connected.", kind: stat, unit: "short", width: 6,
				says: map[string]string{"0": "not connected", "1": "connected"}, steps: []step{{color: red}, {green, 1}},
				queries: []query{{`min({__name__=~"(claude_code_self_hosted_)?orchestrator_connected",$S})`, "connected"}},
			},
			{
				title: "Waiting sessions", about: "At the orchestrator.", kind: stat, unit: "short", width: 6,
				queries: []query{{`sum({__name__=~"(claude_code_self_hosted_)?orchestrator_queue_pending_sessions",$S})`, "waiting"}},
			},
			{
				title: "Sessions", about: "At work and starting.", kind: series, unit: "short", width: 12, stacked: true,
				queries: []query{{"sum(" + p + "active_sessions{$S})", "active"}, {"sum(" + p + "initializing_sessions{$S})", "starting"}},
			},
			{
				title: "How sessions end", about: "Sessions an hour.", kind: series, unit: "short", width: 12,
				queries: []query{
					{"sum(rate(" + p + "sessions_completed_total{$S}[$__rate_interval])) * 3600", "completed"},
					{"sum(rate(" + p + "sessions_failed_total{$S}[$__rate_interval])) * 3600", "failed"},
					{"sum(rate(" + p + "sessions_interrupted_total{$S}[$__rate_interval])) * 3600", "interrupted"},
				},
			},
			{
				title: "Start of a session", about: "How long a session takes to start.", kind: series, unit: "s", width: 12,
				queries: quantiles(p+"session_init_duration_seconds_bucket", "$S", "50", "95"),
			},
			{
				title: "Poll errors", about: "Failed requests for work a second, by kind.", kind: series, unit: "cps", width: 12,
				queries: []query{{"sum by (error_kind) (rate(" + p + "poll_errors_total{$S}[$__rate_interval]))", "{{error_kind}}"}},
			},
		},
	}
}
