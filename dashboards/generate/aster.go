package main

import "slices"

// notSet says of a gauge what a 0 of aster server is.
var notSet = map[string]string{"0": "not reported"}

func asterServer() board {
	const own = `$S,path!~"/metrics|/health"`
	const chats = `$S,path=~".*(chat|send).*",path!~".*stream.*"`
	// Every program has the metrics of a process; every aster server has this gauge.
	const aster = " and on (job, instance) aster_agents_total"
	unset := func(title, metric string) panel {
		return panel{
			title: title, about: "aster server registers " + metric + " and never sets it: its 0 is no number. GET /v1/pool/stats has the pool's.",
			kind: stat, unit: "short", width: 8, says: notSet,
			queries: []query{{"sum(" + metric + "{$S})", title}},
		}
	}
	return board{
		name: "aster-server", title: "aster server", known: "aster_agents_total",
		about: "aster server, without its own traffic on /metrics and /health. A model call that fails is answered with 200 and is in no panel.",
		panels: slices.Concat([]panel{
			{
				title: "Request rate", about: "Requests a second, by the class of their status.", kind: series, unit: "reqps", width: 8, stacked: true,
				queries: []query{{"sum by (status) (rate(aster_http_requests_total{" + own + "}[$__rate_interval]))", "{{status}}"}},
			},
			{
				title: "Response time", about: "A quantile is at most 10 s, the highest bucket.", kind: series, unit: "s", width: 8,
				queries: quantiles("aster_http_request_duration_seconds_bucket", own, "50", "90", "99"),
			},
			{
				title: "Error rate", about: "The share of requests answered with 5xx. The alert HighErrorRate is at 5 %.", kind: series, unit: "percentunit", width: 8,
				queries: []query{{share("instance", "aster_http_requests_total{"+own+`,status="5xx"}`, "aster_http_requests_total{"+own+"}"), "{{instance}}"}},
			},
			{
				title: "Time of chats", about: "That of the model and the tools. Counted when the chat ends; at most 10 s, the highest bucket.",
				kind: series, unit: "s", width: 8,
				queries: quantiles("aster_http_request_duration_seconds_bucket", chats, "50", "95"),
			},
			{
				title: "Average size of responses", about: "Answers without a body are not counted.", kind: series, unit: "bytes", width: 8,
				queries: []query{{
					"sum by (instance) (rate(aster_http_response_size_bytes_sum{$S}[$__rate_interval])) / (sum by (instance) (rate(aster_http_response_size_bytes_count{$S}[$__rate_interval])) > 0)",
					"{{instance}}",
				}},
			},
			{
				title: "Client errors by path", about: "The ten paths with the most 4xx of the chosen time. Each unknown path adds 26 lines to its metrics.",
				kind: table, unit: "short", width: 8,
				queries: []query{{`topk(10, sum by (path) (increase(aster_http_requests_total{$S,status="4xx"}[$__range])))`, "{{path}}"}},
			},
			unset("Active agents", "aster_agents_total"), unset("Active sessions", "aster_sessions_active"), unset("Running workflows", "aster_workflows_running"),
		}, process(aster), goRuntime(aster)),
	}
}
