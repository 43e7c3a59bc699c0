package main

import "slices"

func notifier() board {
	// Every program has the metrics of a process; every notifier has this gauge.
	const ours = " and on (job, instance) notifier_config_last_reload_successful"
	by := func(metric string) string {
		return "sum by (receiver, integration) (rate(" + metric + "{$S}[$__rate_interval]))"
	}
	return board{
		name: "notifier", title: "Notifier", known: "notifier_config_last_reload_successful",
		about: "The notifier itself: what came, what was told, what waits, and how long it took.",
		panels: slices.Concat([]panel{
			{
				title: "Configuration", about: "Whether the last reload was accepted. When it was refused, the one from before stays in use.", kind: stat, unit: "short", width: 6,
				says: map[string]string{"0": "refused", "1": "in use"}, steps: []step{{color: red}, {green, 1}},
				queries: []query{{"min(notifier_config_last_reload_successful{$S})", "configuration"}},
			},
			{
				title: "Waiting longest", about: "How long the notification has waited that waits longest. What is muted does not wait.", kind: stat, unit: "s", width: 6,
				steps: []step{{color: green}, {yellow, 60}, {red, 600}}, queries: []query{{"max(notifier_oldest_pending_age_seconds{$S})", "longest"}},
			},
			{
				title: "Dead letters", about: "Messages that were given up and are kept to be replayed.", kind: stat, unit: "short", width: 6, steps: []step{{color: green}, {red, 1}},
				queries: []query{{"sum(notifier_dead_letters{$S})", "dead letters"}},
			},
			{
				title: "Lost records", about: "Records that grew too old before their receiver could be told, ever since the start.", kind: stat, unit: "short", width: 6,
				steps: []step{{color: green}, {red, 1}}, queries: []query{{"sum(notifier_records_missed_total{$S})", "lost"}},
			},
			{
				title: "Journal's store", about: "Whether it runs. While it does not, nothing is accepted and nobody is told.", kind: stat, unit: "short", width: 6,
				says: map[string]string{"0": "stands", "1": "runs"}, steps: []step{{color: red}, {green, 1}},
				queries: []query{{"min(notifier_journal_up{$S})", "store"}},
			},
			{
				title: "Own alerts", about: "Alerts from rules_files and heartbeats that fire now.", kind: stat, unit: "short", width: 6,
				steps: []step{{color: green}, {yellow, 1}}, queries: []query{{"sum(notifier_raised_alerts{$S})", "firing"}},
			},
			{
				title: "Heartbeats that are missing", about: "How many have not come for their interval. Empty when the configuration expects none.", kind: stat, unit: "short", width: 6,
				steps: []step{{color: green}, {red, 1}}, queries: []query{{"sum(notifier_heartbeat_missing{$S})", "missing"}},
			},
			{
				title: "Last ping", about: "How long ago whoever expects us took one. Empty when it has taken none, as when there is no ping_url.", kind: stat, unit: "s", width: 6,
				queries: []query{{"max(time() - (notifier_ping_last_success_timestamp_seconds{$S} > 0))", "ago"}},
			},
			{
				title: "Versions", about: "How many notifiers run each version.", kind: stat, unit: "short", width: 6,
				queries: []query{{"count by (version) (notifier_build_info{$S})", "{{version}}"}},
			},
			{
				title: "Configured", about: "When a configuration was last accepted, by the notifier where that is the longest ago.", kind: stat, unit: "dateTimeFromNow", width: 6,
				queries: []query{{"min(notifier_config_last_reload_success_timestamp_seconds{$S}) * 1000", "configured"}},
			},
			{
				title: "Different configurations", about: "1 when all notifiers have the same one.", kind: stat, unit: "short", width: 6,
				steps: []step{{color: green}, {yellow, 2}}, queries: []query{{`count(count_values("hash", notifier_config_hash{$S}))`, "configurations"}},
			},
			{
				title: "Free disk", about: "Where there is the least. Below --storage.min-free nothing is accepted; the alert NotifierDiskFull is at three times that.",
				kind: stat, unit: "bytes", width: 6, queries: []query{
					{"min(notifier_journal_disk_free_bytes{$S})", "free"}, {"max(notifier_journal_disk_free_limit_bytes{$S})", "needed"},
				},
			},
			{
				title: "Webhooks", about: "Webhooks a second, by the answer. 503 could not be put on disk and comes again; 4xx does not.", kind: series, unit: "reqps", width: 8, stacked: true,
				queries: []query{{"sum by (code) (rate(notifier_webhook_requests_total{$S}[$__rate_interval]))", "{{code}}"}},
			},
			{
				title: "Told", about: "Messages a second that the far side took, and tries after a failed one.", kind: series, unit: "reqps", width: 8,
				queries: []query{
					{by("notifier_notifications_delivered_total"), "{{receiver}} {{integration}}"},
					{by("notifier_notifications_retried_total"), "{{receiver}} {{integration}} again"},
				},
			},
			{
				title: "Tries that fail", about: "Their share, by receiver. The alert NotifierDeliveriesFail is at a half.", kind: series, unit: "percentunit", width: 8,
				queries: []query{{
					share("receiver, integration", "notifier_notifications_failed_total{$S}", "notifier_notifications_total{$S}"), "{{receiver}} {{integration}}",
				}},
			},
			{
				title: "Failures by reason", about: "Failed tries a second. They are tried again, or become dead letters.", kind: series, unit: "reqps", width: 8,
				queries: []query{{"sum by (receiver, reason) (rate(notifier_notifications_failed_total{$S}[$__rate_interval]))", "{{receiver}} {{reason}}"}},
			},
			{
				title: "Time until told", about: "From the moment when a notification was on disk, or its mute ended, until the far side took its message.", kind: series, unit: "s", width: 8,
				queries: quantiles("notifier_notification_latency_seconds_bucket", "$S", "50", "95", "99"),
			},
			{
				title: "Waiting by receiver", about: "A receiver in trouble delays no other.", kind: series, unit: "short", width: 8,
				queries: []query{{"sum by (receiver, integration) (notifier_pending{$S})", "{{receiver}} {{integration}}"}},
			},
			{
				title: "Spared messages", about: "What was told together with something newer, said nothing new, or went to the fallback, a second.", kind: series, unit: "cps", width: 8,
				queries: []query{
					{"sum(rate(notifier_notifications_merged_total{$S}[$__rate_interval]))", "merged"},
					{"sum(rate(notifier_duplicates_total{$S}[$__rate_interval]))", "duplicates"},
					{"sum(rate(notifier_fallbacks_total{$S}[$__rate_interval]))", "to the fallback"},
				},
			},
			{
				title: "New dead letters", about: "Messages given up an hour, by reason.", kind: series, unit: "short", width: 8,
				queries: []query{{"sum by (receiver, reason) (rate(notifier_dead_letters_total{$S}[$__rate_interval])) * 3600", "{{receiver}} {{reason}}"}},
			},
			{
				title: "Journal", about: "How much of what the journal may take it has. Above three quarters it drops what everybody was told; full, it accepts nothing.",
				kind: series, unit: "percentunit", width: 8,
				queries: []query{{"notifier_journal_size_bytes{$S} / notifier_journal_size_limit_bytes{$S}", "{{instance}}"}},
			},
			{
				title: "Accepting", about: "p99 of a webhook's answer, and of the disk's part in it.", kind: series, unit: "s", width: 8,
				queries: []query{
					{"histogram_quantile(0.99, sum by (le) (rate(notifier_webhook_request_duration_seconds_bucket{$S}[$__rate_interval])))", "webhook"},
					{"histogram_quantile(0.99, sum by (le) (rate(notifier_journal_append_duration_seconds_bucket{$S}[$__rate_interval])))", "disk"},
				},
			},
			{
				title: "Snapshots that lack something", about: "Snapshots a second that met the deadline, got no metrics, or were of an address that may not be asked. The message went out all the same.",
				kind: series, unit: "cps", width: 8,
				queries: []query{{"sum by (reason) (rate(notifier_snapshots_failed_total{$S}[$__rate_interval]))", "{{reason}}"}},
			},
			{
				title: "Looking at agents", about: "p95 of snapshots, scrapes and charts. diagnostics.deadline bounds the first.", kind: series, unit: "s", width: 8,
				queries: []query{
					{"histogram_quantile(0.95, sum by (le) (rate(notifier_snapshot_duration_seconds_bucket{$S}[$__rate_interval])))", "snapshot"},
					{"histogram_quantile(0.95, sum by (le) (rate(notifier_scrape_duration_seconds_bucket{$S}[$__rate_interval])))", "scrape"},
					{"histogram_quantile(0.95, sum by (le) (rate(notifier_charts_duration_seconds_bucket{$S}[$__rate_interval])))", "charts"},
				},
			},
			{
				title: "Failed scrapes", about: "Scrapes a second that gave no metrics, by agent.", kind: series, unit: "cps", width: 8,
				queries: []query{{"sum by (agent) (rate(notifier_scrapes_failed_total{$S}[$__rate_interval]))", "{{agent}}"}},
			},
			{
				title: "Alerts", about: "Alerts a second in the webhooks that were accepted. One comes again with every update and repeat of its group.",
				kind: series, unit: "cps", width: 8, queries: []query{{"sum by (status) (rate(notifier_alerts_accepted_total{$S}[$__rate_interval]))", "{{status}}"}},
			},
			{
				title: "Waiting for the disk", about: "Webhooks that wait to be put on disk together.", kind: series, unit: "short", width: 8,
				queries: []query{{"sum by (instance) (notifier_journal_queue_records{$S})", "{{instance}}"}},
			},
			{
				title: "Muted", about: "Groups that have something to tell when their time interval ends.", kind: series, unit: "short", width: 8,
				queries: []query{{"sum by (receiver, integration) (notifier_muted_groups{$S})", "{{receiver}} {{integration}}"}},
			},
			{
				title: "Muted notifications", about: "Notifications a second that were not told when they came, by why.", kind: series, unit: "cps", width: 8,
				queries: []query{{"sum by (receiver, reason) (rate(notifier_notifications_suppressed_total{$S}[$__rate_interval]))", "{{receiver}} {{reason}}"}},
			},
			{
				title: "Left out", about: "A second: groups told without charts, outcomes that are not listed, and lines of the log. No message is lost by any of it.",
				kind: series, unit: "cps", width: 8,
				queries: []query{
					{"sum(rate(notifier_charts_skipped_total{$S}[$__rate_interval]))", "charts"},
					{"sum(rate(notifier_outcomes_lost_total{$S}[$__rate_interval]))", "outcomes"},
					{"sum(rate(notifier_log_lines_suppressed_total{$S}[$__rate_interval]))", "lines of the log"},
				},
			},
			{
				title: "Refused requests", about: "Requests a second without a valid token (401) or while the tokens could not be read (503), and connections closed to make room.",
				kind: series, unit: "cps", width: 8,
				queries: []query{
					{"sum by (code) (rate(notifier_http_unauthorized_total{$S}[$__rate_interval]))", "{{code}}"},
					{"sum(rate(notifier_http_connections_dropped_total{$S}[$__rate_interval]))", "connections closed"},
				},
			},
			{
				title: "Connections", about: "To the notifier's own port.", kind: series, unit: "short", width: 8,
				queries: []query{{"sum by (instance) (notifier_http_connections{$S})", "{{instance}}"}},
			},
			{
				title: "Own rules", about: "Evaluations of rules_files a second, those that failed, and tries to put what they raised on disk that failed.", kind: series, unit: "cps", width: 8,
				queries: []query{
					{"sum(rate(notifier_rule_evaluations_total{$S}[$__rate_interval]))", "evaluations"},
					{"sum(rate(notifier_rule_evaluation_failures_total{$S}[$__rate_interval]))", "failed"},
					{"sum(rate(notifier_raised_failures_total{$S}[$__rate_interval]))", "not put on disk"},
				},
			},
			{
				title: "Since the last heartbeat", about: "By heartbeat. Empty until the first one has come.", kind: series, unit: "s", width: 8,
				queries: []query{{"max by (name) (time() - (notifier_heartbeat_last_timestamp_seconds{$S} > 0))", "{{name}}"}},
			},
			{
				title: "Pings", about: "Pings a second to whoever expects us, and those that were not taken.", kind: series, unit: "cps", width: 8,
				queries: []query{
					{"sum(rate(notifier_pings_total{$S}[$__rate_interval]))", "pings"},
					{"sum(rate(notifier_ping_failures_total{$S}[$__rate_interval]))", "failed"},
				},
			},
			{
				title: "Spans", about: "Spans of traces a second, by whether the collector took them.", kind: series, unit: "cps", width: 8,
				queries: []query{
					{"sum(rate(notifier_spans_exported_total{$S}[$__rate_interval]))", "taken"},
					{"sum(rate(notifier_spans_failed_total{$S}[$__rate_interval]))", "lost"},
				},
			},
		}, process(ours), goRuntime(ours)),
	}
}
