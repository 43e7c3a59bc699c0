package main

import "slices"

func agentSDK() board {
	return board{
		name: "agent-sdk", title: "Agent SDK", known: "agent_created_total",
		about: "Agents with the metrics of the agent SDK's monitoring guide. A panel stays empty where the agent does not have its metric.",
		panels: slices.Concat([]panel{
			{
				title: "Active agents", about: "Agents that are in use.", kind: stat, unit: "short", width: 6,
				queries: []query{{"sum(agent_active_count{$S})", "active"}},
			},
			{
				title: "Pool used", about: "The part of the pool that is taken. Empty where agent_pool_max_size is not reported: the guide's code does not.",
				kind: stat, unit: "percentunit", width: 6, top: 1, steps: []step{{color: green}, {yellow, .8}, {red, .9}},
				queries: []query{{"max(agent_pool_size{$S} / (agent_pool_max_size{$S} > 0))", "used"}},
			},
			{
				title: "Chats", about: "Chats a second, failed ones included.", kind: stat, unit: "reqps", width: 6,
				queries: []query{{"sum(rate(agent_chat_latency_seconds_count{$S}[$__rate_interval]))", "chats"}},
			},
			{
				title: "Tokens in an hour", about: "Input and output together. The alert HighTokenUsage is at a million.", kind: stat, unit: "short", width: 6,
				steps:   []step{{color: green}, {yellow, 1e6}},
				queries: []query{{"sum(increase(agent_token_usage_sum{$S}[1h]))", "tokens"}},
			},
			{
				title: "Error rate", about: "The share of chats of which the model call failed. The alert HighErrorRate is at 10 %.",
				kind: series, unit: "percentunit", width: 12,
				queries: []query{{share("instance", `agent_errors_total{$S,error_type="model_call"}`, "agent_chat_latency_seconds_count{$S}"), "{{instance}}"}},
			},
			{
				title: "Response time", about: "Of chats, failed ones included. A quantile is at most 30 s, the highest bucket.",
				kind: series, unit: "s", width: 12,
				queries: quantiles("agent_chat_latency_seconds_bucket", "$S", "50", "95", "99"),
			},
			{
				title: "Errors by type", about: "Errors a second. model_call are failed chats.", kind: series, unit: "cps", width: 12,
				queries: []query{{"sum by (error_type) (rate(agent_errors_total{$S}[$__rate_interval]))", "{{error_type}}"}},
			},
			{
				title: "Tool calls that fail", about: "The share of each tool's calls that fail.", kind: series, unit: "percentunit", width: 12,
				queries: []query{{share("tool_name", `agent_tool_calls_total{$S,status="failed"}`, "agent_tool_calls_total{$S}"), "{{tool_name}}"}},
			},
			{
				title: "Tool calls", about: "How the calls of the chosen time are spread over the tools.", kind: pie, unit: "short", width: 8,
				queries: []query{{"sum by (tool_name) (increase(agent_tool_calls_total{$S}[$__range]))", "{{tool_name}}"}},
			},
			{
				title: "Token usage", about: "Tokens a second, by type.", kind: series, unit: "suffix: tokens/s", width: 8,
				queries: []query{{"sum by (type) (rate(agent_token_usage_sum{$S}[$__rate_interval]))", "{{type}}"}},
			},
			{
				title: "Agents created", about: "New agents a second.", kind: series, unit: "cps", width: 8,
				queries: []query{{"sum by (instance) (rate(agent_created_total{$S}[$__rate_interval]))", "{{instance}}"}},
			},
		}, process(""), goRuntime("")),
	}
}
