package pagerduty

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/alertvitals/notifier/config/httpclient"
	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/notifiers/post"
)

const (
	// Sources: https://developer.pagerduty.com/docs/send-alert-event and https://developer.pagerduty.com/docs/events-api-v1-overview.
	defaultURL   = "https://events.pagerduty.com/v2/enqueue"
	defaultURLv1 = "https://events.pagerduty.com/generic/2010-04-15/create_event.json"

	defaultTimeout = 10 * time.Second
)

// What has an incident of its own.
const (
	// PerGroup is an incident for each alert group: an alert that joins it pages nobody.
	PerGroup = "group"
	// PerAlert is an incident for each alert: one that joins a group pages.
	PerAlert = "alert"
)

// Config is one entry of pagerduty_configs, with Alertmanager's names:
// https://prometheus.io/docs/alerting/latest/configuration/#pagerduty_config
//
// One of the keys is set: RoutingKey for an integration of type "Events API v2", ServiceKey for one of type "Prometheus" or "Events
// API v1". The texts are templates; one that is left out, or says nothing, leaves
// the notifier's own.
type Config struct {
	// RoutingKey is the key of an integration of type "Events API v2".
	RoutingKey commoncfg.Secret `yaml:"routing_key,omitempty"`
	// RoutingKeyFile is a file that holds it, read at each use.
	RoutingKeyFile string `yaml:"routing_key_file,omitempty"`
	// ServiceKey is the key of an integration of type "Prometheus" or "Events API v1".
	ServiceKey commoncfg.Secret `yaml:"service_key,omitempty"`
	// ServiceKeyFile is a file that holds it, read at each use.
	ServiceKeyFile string `yaml:"service_key_file,omitempty"`
	// URL is where events are sent; PagerDuty's own address for the kind of key, unless given. The EU's is
	// https://events.eu.pagerduty.com/v2/enqueue.
	URL string `yaml:"url,omitempty"`
	// Client is the text of the button that leads back to what monitors. A template.
	Client string `yaml:"client,omitempty"`
	// ClientURL is where that button leads. A template.
	ClientURL string `yaml:"client_url,omitempty"`
	// Description is the event's summary. A template.
	Description string `yaml:"description,omitempty"`
	// Severity is one of critical, error, warning and info; that of the group's worst alert, unless given. A template.
	Severity string `yaml:"severity,omitempty"`
	// Source is what the event is about; the agent or its instance, unless given. A template.
	Source string `yaml:"source,omitempty"`
	// Class is the event's class. A template.
	Class string `yaml:"class,omitempty"`
	// Component is the part of the source that is concerned. A template.
	Component string `yaml:"component,omitempty"`
	// Group is a logical group of components. A template.
	Group string `yaml:"group,omitempty"`
	// Details are added to the notifier's own, by their names. Templates.
	Details map[string]any `yaml:"details,omitempty"`
	// Images are shown in the incident.
	Images []Image `yaml:"images,omitempty"`
	// Links are shown in the incident.
	Links []Link `yaml:"links,omitempty"`
	// Dedup is what has an incident of its own: each group, where an alert that joins it pages nobody, or each alert.
	Dedup string `yaml:"dedup,omitempty"`
	// SendResolved is whether what is over is closed.
	SendResolved *bool `yaml:"send_resolved,omitempty"`
	// HTTPConfig is how to speak HTTP with PagerDuty.
	HTTPConfig *httpclient.Config `yaml:"http_config,omitempty"`
	// Timeout bounds one request.
	Timeout model.Duration `yaml:"timeout,omitempty"`
}

// Image is a picture that PagerDuty fetches.
type Image struct {
	// Src is the picture's address, which begins with https://. A template.
	Src string `yaml:"src,omitempty"`
	// Alt is what it shows, in words. A template.
	Alt string `yaml:"alt,omitempty"`
	// Href is where a click on it leads. A template.
	Href string `yaml:"href,omitempty"`
}

// Link is an address for people.
type Link struct {
	// Href is where it leads. A template.
	Href string `yaml:"href,omitempty"`
	// Text is what it says. A template.
	Text string `yaml:"text,omitempty"`
}

// WithDefaults is c with the defaults in place of what it leaves out.
func (c Config) WithDefaults() Config {
	c.Dedup = cmp.Or(c.Dedup, PerGroup)
	c.Timeout = cmp.Or(c.Timeout, model.Duration(defaultTimeout))
	if c.SendResolved == nil {
		c.SendResolved = new(true)
	}
	return c
}

// SendsResolved is whether what is over is closed.
func (c Config) SendsResolved() bool { return *c.WithDefaults().SendResolved }

// Pace is how many messages may be sent in a second: an integration takes some 120 events in a minute.
//
// Source: https://developer.pagerduty.com/docs/events-api-rate-limits.
func (c Config) Pace() float64 { return 2 }

// Place is what configurations have in common that share that number: the key.
func (c Config) Place() string {
	return strings.Join([]string{"pagerduty", string(c.RoutingKey), c.RoutingKeyFile, string(c.ServiceKey), c.ServiceKeyFile}, " ")
}

// Validate is what is wrong with the configuration. It reads no secret from a file.
func (c Config) Validate() []problem.Problem {
	problems := c.validateKeys()
	add := func(path, msg string) { problems = append(problems, problem.Problem{Path: path, Msg: msg}) }
	if c.URL != "" && post.Address(c.URL) == nil {
		add("url", "this is not an http or https address")
	}
	if severity := literal(c.Severity); severity != "" && severityOf(severity) != severity {
		add("severity", fmt.Sprintf("%q is no severity of PagerDuty's, want critical, error, warning or info", severity))
	}
	if !slices.Contains([]string{"", PerGroup, PerAlert}, c.Dedup) {
		add("dedup", fmt.Sprintf("%q is unknown, want %s (an incident for each group) or %s (one for each alert)", c.Dedup, PerGroup, PerAlert))
	}
	for i, image := range c.Images {
		if src := literal(image.Src); src != "" && !strings.HasPrefix(src, "https://") {
			add(fmt.Sprintf("images[%d].src", i), "PagerDuty shows only images whose address begins with https://")
		}
	}
	for i, link := range c.Links {
		if href := literal(link.Href); href != "" && post.Address(href) == nil {
			add(fmt.Sprintf("links[%d].href", i), "this is not an http or https address")
		}
	}
	if c.Timeout < 0 {
		add("timeout", "must not be negative")
	}
	return append(problems, problem.Under("http_config", c.HTTPConfig.Validate())...)
}

func (c Config) validateKeys() []problem.Problem {
	given := map[string]string{
		"routing_key": string(c.RoutingKey), "routing_key_file": c.RoutingKeyFile,
		"service_key": string(c.ServiceKey), "service_key_file": c.ServiceKeyFile,
	}
	maps.DeleteFunc(given, func(_, value string) bool { return value == "" })
	var problems []problem.Problem
	switch set := slices.Sorted(maps.Keys(given)); len(set) {
	case 0:
		problems = append(problems, problem.Problem{Msg: "nothing says which service to tell: set routing_key_file " +
			"(an integration of type Events API v2) or service_key_file (one of type Prometheus or Events API v1)"})
	case 1:
	default:
		problems = append(problems, problem.Problem{Path: set[1], Msg: fmt.Sprintf("%s and %s are both set, want one of them", set[0], set[1])})
	}
	for _, name := range []string{"routing_key", "service_key"} {
		if strings.Contains(given[name], "{{") {
			problems = append(problems, problem.Problem{Path: name, Msg: "a key cannot be a template; make a receiver for each key, and routes that lead to them"})
		}
	}
	return problems
}

// v1 is whether the key is one of the Events API v1.
func (c Config) v1() bool { return c.ServiceKey != "" || c.ServiceKeyFile != "" }

func (c Config) address() string {
	if c.v1() {
		return cmp.Or(c.URL, defaultURLv1)
	}
	return cmp.Or(c.URL, defaultURL)
}

func (c Config) key() (string, error) {
	return post.Secret("PagerDuty's key", cmp.Or(c.RoutingKey, c.ServiceKey), cmp.Or(c.RoutingKeyFile, c.ServiceKeyFile))
}

// Texts are all templates of the configuration, by their place in it.
func (c Config) Texts() map[string]string {
	texts := map[string]string{
		"description": c.Description, "severity": c.Severity, "source": c.Source, "class": c.Class, "component": c.Component,
		"group": c.Group, "client": c.Client, "client_url": c.ClientURL,
	}
	for i, image := range c.Images {
		at := fmt.Sprintf("images[%d].", i)
		texts[at+"src"], texts[at+"alt"], texts[at+"href"] = image.Src, image.Alt, image.Href
	}
	for i, link := range c.Links {
		at := fmt.Sprintf("links[%d].", i)
		texts[at+"href"], texts[at+"text"] = link.Href, link.Text
	}
	for name, detail := range c.Details {
		_, _ = copied(detail, func(text string) (string, error) { // it fails only as its function does
			texts["details."+name] += text
			return "", nil
		})
	}
	return texts
}

// literal is a text that says the same of every message, "" for a template.
func literal(text string) string {
	if strings.Contains(text, "{{") {
		return ""
	}
	return text
}
