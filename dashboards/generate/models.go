package main

func vLLM() board {
	return board{
		name: "vllm", title: "vLLM", known: "vllm:num_requests_running", about: "vLLM's server. It counts how requests end, and none that fail.",
		panels: append([]panel{
			{
				title: "Running", about: "Requests that are being answered.", kind: stat, unit: "short", width: 6,
				queries: []query{{"sum(vllm:num_requests_running{$S})", "running"}},
			},
			{
				title: "Waiting", about: "Requests that wait. The alert VLLMQueueGrowing is at 10.", kind: stat, unit: "short", width: 6, steps: []step{{color: green}, {yellow, 1}, {red, 10}},
				queries: []query{{"sum(vllm:num_requests_waiting{$S})", "waiting"}},
			},
			{
				title: "KV cache used", about: "The fullest one. Older versions call it gpu_cache_usage_perc.", kind: stat, unit: "percentunit", width: 6, top: 1,
				steps: []step{{color: green}, {yellow, .9}, {red, .95}}, queries: []query{{`max({__name__=~"vllm:(kv|gpu)_cache_usage_perc",$S})`, "used"}},
			},
			{
				title: "Preemptions in an hour", about: "Requests that were thrown out of the cache and are done again.", kind: stat, unit: "short", width: 6,
				queries: []query{{"sum(increase(vllm:num_preemptions_total{$S}[1h]))", "preemptions"}},
			},
			{
				title: "How requests end", about: "Requests a second. abort: whoever asked gave up.", kind: series, unit: "reqps", width: 12, stacked: true,
				queries: []query{{"sum by (finished_reason) (rate(vllm:request_success_total{$S}[$__rate_interval]))", "{{finished_reason}}"}},
			},
			{
				title: "Response time", about: "From the request to its last token.", kind: series, unit: "s", width: 12,
				queries: quantiles("vllm:e2e_request_latency_seconds_bucket", "$S", "50", "95", "99"),
			},
			{
				title: "Time to the first token", about: "The alert VLLMSlowFirstToken is at a p95 of 5 s.", kind: series, unit: "s", width: 8,
				queries: quantiles("vllm:time_to_first_token_seconds_bucket", "$S", "50", "95"),
			},
			{
				title: "Time between tokens", about: "Older versions call it time_per_output_token_seconds.", kind: series, unit: "s", width: 8,
				queries: []query{{
					`histogram_quantile(0.95, sum by (le) (rate({__name__=~"vllm:(inter_token_latency|time_per_output_token)_seconds_bucket",$S}[$__rate_interval])))`, "p95",
				}},
			},
			{
				title: "Time in the queue", about: "How long requests wait before they run.", kind: series, unit: "s", width: 8,
				queries: quantiles("vllm:request_queue_time_seconds_bucket", "$S", "50", "95"),
			},
			{
				title: "Tokens", about: "Tokens a second.", kind: series, unit: "suffix: tokens/s", width: 12,
				queries: []query{
					{"sum(rate(vllm:prompt_tokens_total{$S}[$__rate_interval]))", "in"}, {"sum(rate(vllm:generation_tokens_total{$S}[$__rate_interval]))", "out"},
				},
			},
		}, process(" and on (job, instance) vllm:num_requests_running")...),
	}
}

func liteLLM() board {
	return board{
		name: "litellm", title: "LiteLLM", known: "litellm_proxy_total_requests_metric_total",
		about: "LiteLLM's proxy. Keys and users are in no panel.",
		panels: []panel{
			{
				title: "Deployments", about: "The state of each.", kind: stat, unit: "short", width: 12,
				says: map[string]string{"0": "healthy", "1": "partly out", "2": "out"}, steps: []step{{color: green}, {yellow, 1}, {red, 2}},
				queries: []query{{"max by (litellm_model_name) (litellm_deployment_state{$S})", "{{litellm_model_name}}"}},
			},
			{
				title: "Cost in 24 hours", about: "By LiteLLM's prices.", kind: stat, unit: "currencyUSD", width: 12,
				queries: []query{{"sum(increase(litellm_spend_metric_total{$S}[1d]))", "cost"}},
			},
			{
				title: "Requests", about: "Requests a second, by status.", kind: series, unit: "reqps", width: 8, stacked: true,
				queries: []query{{"sum by (status_code) (rate(litellm_proxy_total_requests_metric_total{$S}[$__rate_interval]))", "{{status_code}}"}},
			},
			{
				title: "Error rate", about: "The share of requests that fail. The alert HighErrorRate is at 5 %.", kind: series, unit: "percentunit", width: 8,
				queries: []query{{share("instance", "litellm_proxy_failed_requests_metric_total{$S}", "litellm_proxy_total_requests_metric_total{$S}"), "{{instance}}"}},
			},
			{
				title: "Errors by type", about: "Errors a second.", kind: series, unit: "cps", width: 8,
				queries: []query{{
					"sum by (exception_class, exception_status) (rate(litellm_proxy_failed_requests_metric_total{$S}[$__rate_interval]))", "{{exception_class}} {{exception_status}}",
				}},
			},
			{
				title: "Latency", about: "p95 of whole requests, and of the model's part of them.", kind: series, unit: "s", width: 8,
				queries: []query{
					{"histogram_quantile(0.95, sum by (le) (rate(litellm_request_total_latency_metric_bucket{$S}[$__rate_interval])))", "request"},
					{"histogram_quantile(0.95, sum by (le) (rate(litellm_llm_api_latency_metric_bucket{$S}[$__rate_interval])))", "model"},
				},
			},
			{
				title: "Cost by model", about: "USD an hour.", kind: series, unit: "currencyUSD", width: 8, stacked: true,
				queries: []query{{"sum by (model) (rate(litellm_spend_metric_total{$S}[$__rate_interval])) * 3600", "{{model}}"}},
			},
			{
				title: "Tokens", about: "Tokens a second.", kind: series, unit: "suffix: tokens/s", width: 8,
				queries: []query{
					{"sum(rate(litellm_input_tokens_metric_total{$S}[$__rate_interval]))", "in"}, {"sum(rate(litellm_output_tokens_metric_total{$S}[$__rate_interval]))", "out"},
				},
			},
		},
	}
}

func genAI() board {
	name := func(metric, suffix string) string { return `__name__=~"(.+_)?gen_ai_` + metric + suffix + `",$S` }
	const call = "client_operation_duration(_seconds)?"
	quantile := func(metric, q string) string {
		return "histogram_quantile(" + q + ", sum by (le) (rate({" + name(metric, "_bucket") + "}[$__rate_interval])))"
	}
	return board{
		name: "gen-ai", every: exported, title: "GenAI (OpenTelemetry)", known: `{__name__=~"(.+_)?gen_ai_client_.+_count"}`,
		about: "Programs with OpenTelemetry's GenAI metrics, with or without units and a namespace in their names.",
		panels: []panel{
			{
				title: "Model calls", about: "Calls a second, by model.", kind: series, unit: "reqps", width: 12,
				queries: []query{{"sum by (gen_ai_request_model) (rate({" + name(call, "_count") + "}[$__rate_interval]))", "{{gen_ai_request_model}}"}},
			},
			{
				title: "Error rate", about: "The share of calls with an error_type. The alert HighErrorRate is at 5 %.", kind: series, unit: "percentunit", width: 12,
				queries: []query{{share("job", "{"+name(call, "_count")+`,error_type!=""}`, "{"+name(call, "_count")+"}"), "{{job}}"}},
			},
			{
				title: "Time of calls", about: "The JavaScript SDK's default buckets are meant for milliseconds: a quantile within the first says little.",
				kind: series, unit: "s", width: 8,
				queries: []query{{quantile(call, "0.5"), "p50"}, {quantile(call, "0.95"), "p95"}, {quantile(call, "0.99"), "p99"}},
			},
			{
				title: "Time to the first token", about: "Where the server reports it.", kind: series, unit: "s", width: 8,
				queries: []query{{quantile("server_time_to_first_token(_seconds)?", "0.95"), "p95"}},
			},
			{
				title: "Time of tools", about: "Where the program reports it.", kind: series, unit: "s", width: 8,
				queries: []query{{quantile("execute_tool_duration(_seconds)?", "0.95"), "p95"}},
			},
			{
				title: "Tokens by type", about: "Tokens a second.", kind: series, unit: "suffix: tokens/s", width: 12,
				queries: []query{{"sum by (gen_ai_token_type) (rate({" + name("client_token_usage", "_sum") + "}[$__rate_interval]))", "{{gen_ai_token_type}}"}},
			},
			{
				title: "Errors by type", about: "Errors a second.", kind: series, unit: "cps", width: 12,
				queries: []query{{"sum by (error_type) (rate({" + name(call, "_count") + `,error_type!=""}[$__rate_interval]))`, "{{error_type}}"}},
			},
		},
	}
}
