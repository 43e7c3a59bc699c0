package main

import (
	"fmt"
	"slices"
)

func openCodeArticle() board {
	const opencode = " and on (job, instance) opencode_agent_active_sessions"
	return board{
		name: "opencode-article", title: "OpenCode (articles' names)", known: "opencode_agent_active_sessions",
		about: "Agents with the opencode_* names of articles. OpenCode itself has no metrics endpoint: see the dashboard OpenCode for its OpenTelemetry plugin.",
		panels: slices.Concat([]panel{
			{
				title: "Active sessions", about: "Sessions that are open.", kind: stat, unit: "short", width: 6,
				queries: []query{{"sum(opencode_agent_active_sessions{$S})", "sessions"}},
			},
			{
				title: "Loaded plugins", about: "A gauge in spite of its name. The alert PluginsLost comes when there are fewer than before.", kind: stat, unit: "short", width: 6,
				queries: []query{{"sum(opencode_plugin_loaded_total{$S})", "plugins"}},
			},
			{
				title: "Memory of the agent", about: "Its own number.", kind: stat, unit: "bytes", width: 6,
				queries: []query{{"sum(opencode_memory_usage_bytes{$S})", "memory"}},
			},
			{
				title: "CPU of the agent", about: "Its own number.", kind: stat, unit: "percent", width: 6, steps: []step{{color: green}, {yellow, 75}, {red, 90}},
				queries: []query{{"max(opencode_cpu_usage_percent{$S})", "CPU"}},
			},
			{
				title: "Requests per second", about: "By handler. They are counted without their status: there is no error rate.", kind: series, unit: "reqps", width: 12,
				queries: []query{{"sum by (handler, method) (rate(opencode_request_total{$S}[$__rate_interval]))", "{{method}} {{handler}}"}},
			},
			{
				title: "Request latency", about: "Quantiles, at most 10 s, the highest bucket. The alert HighLatency is at a p95 of 5 s.", kind: series, unit: "s", width: 12,
				queries: quantiles("opencode_request_duration_seconds_bucket", "$S", "50", "95", "99"),
			},
			{
				title: "Average model inference duration", about: "By model. The summary has no quantiles, so this is an average of what ended.", kind: series, unit: "s", width: 12,
				queries: []query{{
					"sum by (model) (rate(opencode_model_inference_duration_seconds_sum{$S}[$__rate_interval])) / (sum by (model) (rate(opencode_model_inference_duration_seconds_count{$S}[$__rate_interval])) > 0)",
					"{{model}}",
				}},
			},
			{
				title: "Tokens generated", about: "Tokens a second, by model.", kind: series, unit: "suffix: tokens/s", width: 12,
				queries: []query{{"sum by (model) (rate(opencode_tokens_generated_total{$S}[$__rate_interval]))", "{{model}}"}},
			},
		}, process(opencode), goRuntime(opencode)),
	}
}

func openCodeOTel() board {
	name := func(metric, unit string) string {
		return fmt.Sprintf(`__name__=~"(.+_)?opencode_%s%s(_total)?",$S`, metric, unit)
	}
	cost, tools := name("cost_usage", "(_USD)?"), `__name__=~"(.+_)?opencode_tool_duration(_milliseconds)?_count",$S`
	return board{
		name: "opencode-otel", every: exported, title: "OpenCode", known: `{__name__=~"(.+_)?opencode_session_count(_total)?"}`,
		about: "OpenCode with its OpenTelemetry plugin, by a collector.",
		panels: []panel{
			{
				title: "Cost in 24 hours", about: "What all sessions cost in the last 24 hours.", kind: stat, unit: "currencyUSD", width: 8,
				queries: []query{{spent("", cost, false), "cost"}},
			},
			{
				title: "Sessions", about: "Sessions that the collector still knows.", kind: stat, unit: "short", width: 8,
				queries: []query{{"count(count by (session_id) ({" + name("session_count", "") + "}))", "sessions"}},
			},
			{
				title: "Retries for each message", about: "How often the model has to be asked again. The alert ModelCallFailures is at 0.5.", kind: stat, unit: "short", width: 8,
				steps: []step{{color: green}, {yellow, .2}, {red, .5}},
				queries: []query{{
					"(sum(rate({" + name("retry_count", "") + "}[$__rate_interval])) or vector(0)) / (sum(rate({" + name("message_count", "") + "}[$__rate_interval])) > 0)", "retries",
				}},
			},
			{
				title: "Messages", about: "Messages a minute, by model.", kind: series, unit: "cpm", width: 8,
				queries: []query{{"sum by (model) (rate({" + name("message_count", "") + "}[$__rate_interval])) * 60", "{{model}}"}},
			},
			{
				title: "Cost by model", about: "USD an hour. The alert HighCostRate is at 20.", kind: series, unit: "currencyUSD", width: 8, stacked: true,
				queries: []query{{"sum by (model) (rate({" + cost + "}[$__rate_interval])) * 3600", "{{model}}"}},
			},
			{
				title: "Tokens by type", about: "Tokens a second.", kind: series, unit: "suffix: tokens/s", width: 8,
				queries: []query{{"sum by (type) (rate({" + name("token_usage", "(_tokens)?") + "}[$__rate_interval]))", "{{type}}"}},
			},
			{
				title: "Tool calls", about: "Calls of the chosen time, by tool.", kind: pie, unit: "short", width: 8,
				queries: []query{{"sum by (tool_name) (increase({" + tools + "}[$__range]))", "{{tool_name}}"}},
			},
			{
				title: "Tool calls that fail", about: "The share of each tool's calls.", kind: series, unit: "percentunit", width: 8,
				queries: []query{{share("tool_name", "{"+tools+`,success="false"}`, "{"+tools+"}"), "{{tool_name}}"}},
			},
			{
				title: "Time of tools", about: "p95 of each tool's calls.", kind: series, unit: "ms", width: 8,
				queries: []query{{
					`histogram_quantile(0.95, sum by (tool_name, le) (rate({__name__=~"(.+_)?opencode_tool_duration(_milliseconds)?_bucket",$S}[$__rate_interval])))`, "{{tool_name}}",
				}},
			},
		},
	}
}
