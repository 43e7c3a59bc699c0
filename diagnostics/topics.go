package diagnostics

import (
	"slices"
	"strings"
)

// topicWords lead from the words of an alert's name to the topics of the vitals that matter to it.
var topicWords = []struct{ word, topic string }{
	{"error", "errors"},
	{"fail", "errors"},
	{"slow", "latency"},
	{"latency", "latency"},
	{"response", "latency"},
	{"duration", "latency"},
	{"memory", "memory"},
	{"oom", "memory"},
	{"leak", "memory"},
	{"cost", "cost"},
	{"spend", "cost"},
	{"token", "tokens"},
	{"cost", "tokens"},
	{"pool", "capacity"},
	{"capacity", "capacity"},
	{"queue", "capacity"},
	{"session", "capacity"},
	{"traffic", "traffic"},
	{"request", "traffic"},
	{"goroutine", "runtime"},
	{"cpu", "runtime"},
	{"gc", "runtime"},
}

// Topics are what an alert of this name is about, in the words of a vital's Topics.
func Topics(alertname string) []string {
	name := strings.ToLower(alertname)
	var about []string
	for _, t := range topicWords {
		if strings.Contains(name, t.word) && !slices.Contains(about, t.topic) {
			about = append(about, t.topic)
		}
	}
	return about
}

// About is whether what has these topics matters to an alert that is about those.
func About(topics, alert []string) bool {
	return slices.ContainsFunc(topics, func(topic string) bool { return slices.Contains(alert, topic) })
}
