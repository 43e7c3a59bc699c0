package diagnostics

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"

	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/diagnostics/address"
)

const (
	// mostLinks is how many buttons an agent may have: a message has some of its own, and nobody reads a dozen.
	mostLinks = 5
	// longestLinkName is how long the text of a button may be, in characters; more is not read on a phone.
	longestLinkName = 30
)

// Link is an address for people about an agent, as it is at the time of an alert.
type Link struct {
	Name string `json:"name"`
	// URL is http or https.
	URL string `json:"url"`
}

// link is a configured link.
type link struct {
	name string
	*address.LinkTemplate
}

func validateLinks(links yaml.MapSlice) []problem.Problem {
	_, problems := parseLinks(links)
	return problems
}

// parseLinks reads what the configuration has, in its order.
func parseLinks(links yaml.MapSlice) ([]link, []problem.Problem) {
	var parsed []link
	var problems []problem.Problem
	wrong := func(path, format string, args ...any) {
		problems = append(problems, problem.Problem{Path: path, Msg: fmt.Sprintf(format, args...)})
	}
	if len(links) > mostLinks {
		wrong("", "are %d, and at most %d have room in a message", len(links), mostLinks)
	}
	for _, item := range links {
		name := strings.TrimSpace(fmt.Sprint(item.Key))
		text, ok := item.Value.(string)
		switch n := utf8.RuneCountInString(name); {
		case n == 0:
			wrong("", "one has no name, which is what its button says")
			continue
		case n > longestLinkName:
			wrong(name, "its name has more than the %d characters that a button has room for", longestLinkName)
			continue
		case !ok || text == "":
			wrong(name, "needs an address like 'https://grafana/d/agent?var-instance={{ .Labels.instance }}'")
			continue
		}
		template, err := address.ParseLink(text)
		if err != nil {
			wrong(name, "%s", err)
			continue
		}
		parsed = append(parsed, link{name, template})
	}
	return parsed, problems
}

// Links are the links of the agent that an alert with these labels is about, in the order of the configuration: the first agent
// whose matchers all fit. shown are the labels that a link may repeat, without personal ones; those of redact_labels are left
// out in any case. The alert began at starts and ended at ends, which is zero while it fires. A link of which a value is not
// known, or which would be too long, is left out.
func (c *Collector) Links(labels, shown map[string]string, starts, ends time.Time) []Link {
	now := c.settings.Load()
	a := now.agentOf(labels)
	if a == nil || len(a.links) == 0 {
		return nil
	}
	var all []Link
	data := address.NewLinkData(withoutLabels(shown, now.redact), starts, ends, c.now())
	for _, l := range a.links {
		if to := l.Of(data); to != "" {
			all = append(all, Link{Name: l.name, URL: to})
		}
	}
	return all
}
