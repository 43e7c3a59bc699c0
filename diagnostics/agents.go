package diagnostics

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"
)

// AgentStatus is what is known of an agent without asking it.
type AgentStatus struct {
	Name string `json:"name"`
	// Instance is its host:port; it is empty for an agent whose address comes from labels while no alert has led anywhere.
	Instance string `json:"instance"`
	// FromLabels is whether its address comes from the labels of alerts.
	FromLabels bool `json:"from_labels,omitempty"`
	// Profile is the profile by which it is read: "auto" until it is recognised.
	Profile string `json:"profile"`
	// Health is what its health endpoint said at the newest snapshot, which was taken at TakenAt; empty when there is none.
	Health  Verdict   `json:"health,omitempty"`
	TakenAt time.Time `json:"taken_at,omitzero"`
	// ScrapedAt is when its metrics were asked for last, zero when they never were; ScrapeFailure is why that gave none, in
	// words for people; Series is how many series the newest scrape that succeeded had.
	ScrapedAt     time.Time `json:"scraped_at,omitzero"`
	ScrapeFailure string    `json:"scrape_failure,omitempty"`
	Series        int       `json:"series"`
}

// lastScrape is how the newest scrape of an agent went.
type lastScrape struct {
	at     time.Time
	failed string
	series int
}

// remember keeps how the newest scrape went, for Agents.
func (a *agent) remember(got scraped) {
	last := &lastScrape{at: got.at, failed: got.failed, series: got.current()}
	if before := a.scraped.Load(); got.failed != "" && before != nil {
		last.series = before.series
	}
	a.scraped.Store(last)
}

// Agents are the configured agents in their order; in the place of one whose address comes from labels those that they led to.
func (c *Collector) Agents() []AgentStatus {
	all := []AgentStatus{}
	for _, a := range c.settings.Load().agents {
		instances := []*agent{a}
		if a.url != nil {
			if led := c.targets.of(a); len(led) > 0 {
				instances = led
			}
		}
		for _, one := range instances {
			all = append(all, one.status())
		}
	}
	return all
}

func (a *agent) status() AgentStatus {
	status := AgentStatus{
		Name: a.name, Instance: a.instance, FromLabels: a.url != nil || a.template != nil,
	}
	if kind := a.kind(); kind != nil {
		status.Profile = kind.Name
	}
	if s := a.newest.Load(); s != nil {
		status.TakenAt, status.Profile = s.TakenAt, cmp.Or(status.Profile, s.Profile)
		if s.Health != nil {
			status.Health = s.Health.Verdict
		}
	}
	status.Profile = cmp.Or(status.Profile, profileAuto)
	if last := a.scraped.Load(); last != nil {
		status.ScrapedAt, status.ScrapeFailure, status.Series = last.at, last.failed, last.series
	}
	return status
}

// NoAgentError says that there is no such agent, and which there are.
type NoAgentError struct {
	Name, Instance string
	// There are the names of all agents, or where Known says that Name is one of them, its instances.
	There []string
	Known bool
}

func (e *NoAgentError) Error() string {
	there := "there are none"
	if len(e.There) > 0 {
		there = "there are " + strings.Join(e.There, ", ")
	}
	switch {
	case e.Known && e.Instance != "":
		return fmt.Sprintf("agent %.80q has no instance %.80q; %s", e.Name, e.Instance, there)
	case e.Known && len(e.There) == 0:
		return fmt.Sprintf("agent %.80q is where the labels of alerts lead, and no alert has led anywhere within the last hour", e.Name)
	case e.Known:
		return fmt.Sprintf("agent %.80q is where the labels of alerts lead, so say which instance of it; %s", e.Name, there)
	}
	return fmt.Sprintf("there is no agent %.80q; %s", e.Name, there)
}

// Look is the snapshot of the agent of this name. For one whose address comes from labels, instance says which; it may be empty when
// there is only one. An agent with an address of its own needs none. Without fresh, a snapshot that is not older than the agent's
// scrape interval will do. The error is a *NoAgentError.
func (c *Collector) Look(ctx context.Context, name, instance string, fresh bool) (*Snapshot, error) {
	now := c.settings.Load()
	found, err := c.named(now, name, instance)
	if err != nil {
		return nil, err
	}
	if s := found.newest.Load(); s != nil && !fresh && c.now().Sub(s.TakenAt) <= found.interval {
		shared := s.clone()
		return &shared, nil
	}
	// One of the last moment is fresh, too: a program that asks without end must not have the agent asked without end.
	return c.snapshot(ctx, now, found), nil
}

// named is the agent that Look is asked for.
func (c *Collector) named(set *settings, name, instance string) (*agent, error) {
	var names []string
	for _, a := range set.agents {
		if a.name == name {
			return c.instance(a, instance)
		}
		names = append(names, a.name)
	}
	return nil, &NoAgentError{Name: name, There: names}
}

// instance is a, or where its address comes from labels, the one of these that is called so.
func (c *Collector) instance(a *agent, called string) (*agent, error) {
	known := []*agent{a}
	if a.url != nil {
		known = c.targets.of(a)
	}
	if called == "" && len(known) == 1 {
		return known[0], nil
	}
	var there []string
	for _, one := range known {
		if called != "" && one.instance == called {
			return one, nil
		}
		there = append(there, one.instance)
	}
	return nil, &NoAgentError{Name: a.name, Instance: called, There: there, Known: true}
}
