package pagerdutyfake

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The limits of an event and of an integration.
//
// Sources: https://developer.pagerduty.com/docs/send-alert-event, https://developer.pagerduty.com/docs/events-api-v2-overview and
// https://developer.pagerduty.com/docs/events-api-rate-limits (approximately 120 calls a minute, over the 60 seconds before now).
const (
	eventSize   = 512 * 1000
	keySize     = 32
	dedupSize   = 255
	summarySize = 1024
	mostEvents  = 120
	window      = time.Minute
)

// incident is one event as it would change an incident.
type incident struct {
	Incident
	action string
}

var alphanumeric = regexp.MustCompile(`^[0-9A-Za-z]*$`)

// attachment is an entry of images, links or, in v1, contexts.
type attachment struct{ Type, Src, Href, Text, Alt string }

// readV2 is an event of the Events API v2, and what is wrong with it.
func readV2(body []byte) (incident, []string) {
	var sent struct {
		RoutingKey  string `json:"routing_key"`
		EventAction string `json:"event_action"`
		DedupKey    string `json:"dedup_key"`
		Payload     *struct {
			Summary, Source, Severity, Timestamp, Component, Group, Class string
			CustomDetails                                                 json.RawMessage `json:"custom_details"`
		}
		Images, Links []attachment
	}
	var wrong complaints
	wrong.size(body)
	if !utf8.Valid(body) || json.Unmarshal(body, &sent) != nil { //nolint:musttag // the names of the rest are their own
		return incident{}, append(wrong, "the body is no JSON of an event")
	}
	e := incident{action: sent.EventAction, Incident: Incident{RoutingKey: sent.RoutingKey, DedupKey: sent.DedupKey}}
	wrong.key("routing_key", sent.RoutingKey)
	wrong.unless(slices.Contains([]string{"trigger", "acknowledge", "resolve"}, sent.EventAction), "'event_action' is missing or unknown")
	wrong.dedup("dedup_key", sent.DedupKey, sent.EventAction)
	wrong.contexts(sent.Images, sent.Links)
	if p := sent.Payload; p != nil {
		e.Summary, e.Source, e.Severity, e.Component, e.Class, e.Details = p.Summary, p.Source, p.Severity, p.Component, p.Class, p.CustomDetails
		wrong.details("payload.custom_details", p.CustomDetails)
		if p.Timestamp != "" {
			_, err := time.Parse(time.RFC3339, p.Timestamp)
			wrong.unless(err == nil, "'payload.timestamp' is invalid")
		}
	}
	if sent.EventAction == "trigger" {
		wrong.summary("payload.summary", e.Summary)
		wrong.unless(strings.TrimSpace(e.Source) != "", "'payload.source' is missing or blank")
		wrong.unless(slices.Contains([]string{"critical", "error", "warning", "info"}, e.Severity), "'payload.severity' is invalid")
	}
	for _, l := range sent.Links {
		e.Links = append(e.Links, l.Href)
	}
	return e, wrong
}

// readV1 is an event of the Events API v1, and what is wrong with it.
//
// Source: https://developer.pagerduty.com/docs/trigger-an-event.
func readV1(body []byte) (incident, []string) {
	var sent struct {
		ServiceKey  string `json:"service_key"`
		EventType   string `json:"event_type"`
		IncidentKey string `json:"incident_key"`
		Description string
		Details     json.RawMessage
		Contexts    []attachment
	}
	var wrong complaints
	wrong.size(body)
	if !utf8.Valid(body) || json.Unmarshal(body, &sent) != nil { //nolint:musttag // the names of the rest are their own
		return incident{}, append(wrong, "the body is no JSON of an event")
	}
	wrong.key("service_key", sent.ServiceKey)
	wrong.unless(slices.Contains([]string{"trigger", "acknowledge", "resolve"}, sent.EventType), "'event_type' is missing or unknown")
	wrong.dedup("incident_key", sent.IncidentKey, sent.EventType)
	wrong.details("details", sent.Details)
	if sent.EventType == "trigger" {
		wrong.summary("description", sent.Description)
	}
	e := incident{action: sent.EventType, Incident: Incident{
		RoutingKey: sent.ServiceKey, DedupKey: sent.IncidentKey, Summary: sent.Description, Details: sent.Details,
	}}
	for _, c := range sent.Contexts {
		switch c.Type {
		case "link":
			wrong.contexts(nil, []attachment{c})
			e.Links = append(e.Links, c.Href)
		case "image":
			wrong.contexts([]attachment{c}, nil)
		default:
			wrong.unless(false, "the type of a context is unknown")
		}
	}
	return e, wrong
}

// complaints are what is wrong with an event.
type complaints []string

func (c *complaints) unless(ok bool, complaint string) {
	if !ok {
		*c = append(*c, complaint)
	}
}

func (c *complaints) size(body []byte) { c.unless(len(body) <= eventSize, "the event is over 512 KB") }

func (c *complaints) key(name, key string) {
	c.unless(len(key) == keySize, fmt.Sprintf("Length of '%s' is incorrect (should be %d characters)", name, keySize))
	c.unless(alphanumeric.MatchString(key), fmt.Sprintf("'%s' cannot contain non-alphanumeric characters.", name))
}

func (c *complaints) dedup(name, key, action string) {
	c.unless(utf8.RuneCountInString(key) <= dedupSize, fmt.Sprintf("Length of '%s' is over %d characters", name, dedupSize))
	c.unless(key != "" || action == "trigger", fmt.Sprintf("'%s' is missing or blank", name))
}

func (c *complaints) summary(name, summary string) {
	c.unless(strings.TrimSpace(summary) != "", fmt.Sprintf("'%s' is missing or blank", name))
	c.unless(utf8.RuneCountInString(summary) <= summarySize, fmt.Sprintf("Length of '%s' is over %d characters", name, summarySize))
}

func (c *complaints) details(name string, raw json.RawMessage) {
	var object map[string]any
	c.unless(raw == nil || json.Unmarshal(raw, &object) == nil, fmt.Sprintf("'%s' is no object", name))
}

func (c *complaints) contexts(images, links []attachment) {
	for _, i := range images {
		c.unless(strings.HasPrefix(i.Src, "https://"), "the 'src' of an image is not served via HTTPS")
	}
	for _, l := range links {
		c.unless(strings.HasPrefix(l.Href, "http://") || strings.HasPrefix(l.Href, "https://"), "the 'href' of a link is missing or invalid")
	}
}

// withinRate counts a call, and is whether it is within the limit. s.mu is held.
func (s *Server) withinRate(key string) bool {
	now := s.Now()
	s.taken[key] = slices.DeleteFunc(s.taken[key], func(at time.Time) bool { return now.Sub(at) >= window })
	if len(s.taken[key]) >= mostEvents {
		return false
	}
	s.taken[key] = append(s.taken[key], now)
	return true
}
