package diagnostics

import "time"

// Snapshot is what was seen of one agent at one moment. It is a plain value with a stable JSON form: it is stored with a
// group's state, logged, and compared with a later one.
type Snapshot struct {
	// Agent is the agent's name in the configuration; Instance is the host:port that was asked.
	Agent    string `json:"agent"`
	Instance string `json:"instance"`
	// Profile names the profile by which the agent was read; empty when none fitted.
	Profile string `json:"profile,omitempty"`
	// TakenAt is when the snapshot was asked for; TookSeconds is how long it took.
	TakenAt     time.Time `json:"taken_at"`
	TookSeconds float64   `json:"took_seconds"`
	// StartedAt is when the agent's process began, by the agent's own clock; zero when that is not known.
	StartedAt time.Time `json:"started_at,omitzero"`
	// Health and Ready are the answers of the agent's own endpoints; nil when the profile has no such endpoint.
	Health *Check `json:"health,omitempty"`
	Ready  *Check `json:"ready,omitempty"`
	// Metrics says how the scrape went.
	Metrics Scrape `json:"metrics"`
	// Sources are the agent's JSON endpoints that values come from, beside or in place of its metrics.
	Sources []Source `json:"sources,omitempty"`
	Vitals  []Vital  `json:"vitals,omitempty"`
	Tables  []Table  `json:"tables,omitempty"`
	// Unfinished is whether the deadline came before everything was answered.
	Unfinished bool `json:"unfinished,omitempty"`
}

// State is how bad a thing is, in words that need no colour.
type State string

const (
	// StateOK is a value within what the profile calls normal, or one that the profile does not judge.
	StateOK State = "ok"
	// StateWarning is a value beyond the profile's first threshold.
	StateWarning State = "warning"
	// StateCritical is a value beyond its second.
	StateCritical State = "critical"
	// StateUnknown is a value that could not be known; Note says why.
	StateUnknown State = "unknown"
)

// Verdict is what an endpoint's answer means for the agent.
type Verdict string

const (
	// Up means that the endpoint said that all is well.
	Up Verdict = "up"
	// Degraded means that it answered, and said that something is wrong.
	Degraded Verdict = "degraded"
	// Down means no answer, or one that says so.
	Down Verdict = "down"
	// NotOffered means that the agent has no such endpoint (404).
	NotOffered Verdict = "not_offered"
	// Unclear means that it answered something that tells nothing about its health (an HTML page, a demand for credentials).
	Unclear Verdict = "unclear"
)

// Check is the answer of one health or readiness endpoint.
type Check struct {
	// Path is the endpoint's path, as in "/health".
	Path    string  `json:"path"`
	Verdict Verdict `json:"verdict"`
	// StatusCode is the HTTP status, 0 when there was no answer.
	StatusCode  int     `json:"status_code,omitempty"`
	TookSeconds float64 `json:"took_seconds"`
	// Says is the body's own word for its state ("degraded", "OK", "Not Ready").
	Says string `json:"says,omitempty"`
	// Failing are the agent's own checks that failed, as "store: failed".
	Failing []string `json:"failing,omitempty"`
	// Version is what the body says of the agent's build.
	Version string `json:"version,omitempty"`
	// Note says what was odd or wrong, in words for people: "connection refused", "needs credentials".
	Note string `json:"note,omitempty"`
}

// Scrape says how reading the metrics endpoint went.
type Scrape struct {
	// Path is the endpoint's path, as in "/metrics".
	Path string `json:"path"`
	// OK is whether the values below come from a scrape that was made for this snapshot.
	OK bool `json:"ok"`
	// Silent is whether the agent itself gave no answer at all. One that wants credentials gave one, and the silence of a collector
	// says nothing of the agents that it collects from.
	Silent bool `json:"silent,omitempty"`
	// At is when the newest samples that the vitals use were scraped; zero when there are none.
	At time.Time `json:"at,omitzero"`
	// Samples is how many samples the newest scrape kept, Dropped how many lines of it were unreadable.
	Samples int `json:"samples"`
	Dropped int `json:"dropped,omitempty"`
	// Old is how many samples the agent itself dated too far back to be current; they are not kept. LeftOut is how many new
	// series are not kept because the agent has had too many.
	Old     int `json:"old,omitempty"`
	LeftOut int `json:"left_out,omitempty"`
	// Odd is what was odd about the body and cost nothing, in words for whoever wants to mend the agent.
	Odd []string `json:"odd,omitempty"`
	// Note says what went wrong, in words for people.
	Note string `json:"note,omitempty"`
}

// Source is a JSON endpoint that values come from.
type Source struct {
	// Path is the endpoint's path, as in "/session".
	Path string `json:"path"`
	// OK is whether its values are in use; At is when the agent gave them, which may be a little before the snapshot.
	OK bool      `json:"ok"`
	At time.Time `json:"at,omitzero"`
	// Note says why there are none, in words for people: "needs credentials".
	Note string `json:"note,omitempty"`
}

// Vital is one number about an agent.
type Vital struct {
	// Name is what people call it: "error rate", "p95 latency".
	Name string `json:"name"`
	// Value is nil when it cannot be known; Note then says why. It is never a stand-in zero, NaN or infinity.
	Value *float64 `json:"value"`
	Unit  Unit     `json:"unit"`
	State State    `json:"state"`
	// Before is the value at BeforeAt, nil when there is none.
	Before   *float64  `json:"before,omitempty"`
	BeforeAt time.Time `json:"before_at,omitzero"`
	// Text is the value of a vital that is no number, such as a version, whose Unit is Text; BeforeText is what it was.
	Text       string `json:"text,omitempty"`
	BeforeText string `json:"before_text,omitempty"`
	// Bound is ">" when the value is at least Value (the histogram's top bucket), "<" when it is at most (its
	// first); else "". BeforeBound is the same of Before.
	Bound       string `json:"bound,omitempty"`
	BeforeBound string `json:"before_bound,omitempty"`
	// Note qualifies the value ("since start") or says why there is none ("not reported by this agent").
	Note string `json:"note,omitempty"`
	// Asked is whether it is a query of the agent's configuration, which is shown first whatever the alert is about.
	Asked bool `json:"asked,omitempty"`
	// Trend is how the value went in the hour before the newest scrape: one every TrendStep, the newest last, nil where it is
	// not known. It has four significant digits, and is empty where too little is known.
	Trend []*float64 `json:"trend,omitempty"`
	// Topics say which kinds of alert the vital matters to: errors, latency, memory, cost, tokens, capacity, …
	Topics []string `json:"topics,omitempty"`
}

// Table is a short ranking: "failing tools (1 h)".
type Table struct {
	Name string `json:"name"`
	Unit Unit   `json:"unit"`
	// Rows are in descending order of Value.
	Rows []Row `json:"rows"`
	// Note qualifies the values, as in "since start".
	Note   string   `json:"note,omitempty"`
	Topics []string `json:"topics,omitempty"`
}

// Row is one line of a table.
type Row struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	// Of is the whole that Value is a part of, nil when the table has none ("41 of 52").
	Of *float64 `json:"of,omitempty"`
}

// Unit is the unit of a value, by Grafana's identifiers.
type Unit string

const (
	// Short is a count.
	Short Unit = "short"
	// PercentUnit is a ratio, 0..1.
	PercentUnit Unit = "percentunit"
	// Seconds is a span of time.
	Seconds Unit = "s"
	// Bytes is shown by powers of 1024: KiB, MiB.
	Bytes Unit = "bytes"
	// PerSecond is how many events there are in a second.
	PerSecond Unit = "reqps"
	// Tokens is how many tokens of a model there are in a second. It is our own: Grafana has no such unit.
	Tokens Unit = "tokens"
	// CurrencyUSD is US dollars.
	CurrencyUSD Unit = "currencyUSD"
	// USDPerHour is how many US dollars are spent in an hour. It is our own.
	USDPerHour Unit = "USD/h"
	// Text is the unit of what is no number: Vital.Text.
	Text Unit = "string"
)
