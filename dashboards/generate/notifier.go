package main

func notifier() board {
	by := func(metric string) string {
		return "sum by (receiver, integration) (rate(" + metric + "{$S}[$__rate_interval]))"
	}
	return board{
		name: "notifier", title: "Notifier", known: "notifier_config_last_reload_successful",
		about: "The notifier itself: what came, what was told, what waits, and how long it took.",
		panels: []panel{
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
		},
	}
}
