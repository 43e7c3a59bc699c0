package address

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"text/template"
	"time"

	amtemplate "github.com/prometheus/alertmanager/template"
)

// Moment is a time that a template writes as the milliseconds since 1970, as Grafana reads them. Its other forms are those of
// time.Time: {{ .From.UnixMicro }} is what Jaeger reads.
type Moment struct{ time.Time }

// String is the milliseconds since 1970.
func (m Moment) String() string { return strconv.FormatInt(m.UnixMilli(), 10) }

// lead and lag are how much before the start of an alert, and after its end, a link shows: what led to it, and what came of it.
const (
	lead = 15 * time.Minute
	lag  = 5 * time.Minute
)

// LinkData is what the template of a link sees.
type LinkData struct {
	// Labels are those of the alert, without personal ones.
	Labels amtemplate.KV
	// StartsAt is when the alert began, EndsAt when it ended: now, while it fires.
	StartsAt, EndsAt Moment
	// From and To are the span that is worth a look: from 15 minutes before StartsAt to 5 minutes after EndsAt, or to now.
	From, To Moment
}

// NewLinkData is for an alert that began and ended then; ends is zero while it fires. An alert without a start began now.
func NewLinkData(labels map[string]string, starts, ends, now time.Time) LinkData {
	if ends.IsZero() || ends.After(now) {
		ends = now
	}
	if starts.IsZero() || starts.After(ends) {
		starts = ends
	}
	to := ends.Add(lag)
	if to.After(now) {
		to = now
	}
	return LinkData{
		Labels: labels, StartsAt: Moment{starts.UTC()}, EndsAt: Moment{ends.UTC()},
		From: Moment{starts.Add(-lead).UTC()}, To: Moment{to.UTC()},
	}
}

// LongestLink is how long a link may be, in bytes: Slack's buttons take no more
// (https://docs.slack.dev/reference/block-kit/block-elements/button-element).
const LongestLink = 3000

// LinkTemplate makes a link for people out of an alert's labels and times.
type LinkTemplate struct{ text *template.Template }

// ParseLink reads a link: 'https://grafana/d/agent?var-instance={{ .Labels.instance }}&from={{ .From }}&to={{ .To }}'. Its errors
// are for the person who wrote it.
func ParseLink(text string) (*LinkTemplate, error) {
	t, err := parseTemplate(text)
	if err != nil {
		return nil, err
	}
	begin := opening(t)
	scheme := schemeOf(begin)
	if scheme == "" {
		return nil, errors.New("must begin with http:// or https://, before anything that comes from a label")
	}
	authority := begin[len(scheme+"://"):]
	end := strings.IndexAny(authority, "/?#")
	if end < 0 && begin != text {
		return nil, errors.New("must name its host before anything that comes from a label: a label must not lead people elsewhere")
	}
	if end >= 0 {
		authority = authority[:end]
	}
	if strings.Contains(authority, "@") {
		return nil, errors.New("must not hold a user or password: people are shown it")
	}
	if u, err := url.Parse(scheme + "://" + authority); err != nil || u.Hostname() == "" || strings.ContainsAny(authority, " \\") {
		return nil, errors.New("names no host")
	}
	now := time.Unix(1e9, 0)
	if _, err := execute(t, NewLinkData(sample, now, now, now)); err != nil {
		return nil, errors.New("cannot be filled in: " + parseReason(err, ".Labels", ".From", ".To", ".StartsAt", ".EndsAt"))
	}
	return &LinkTemplate{t}, nil
}

// Of is the link, or "" when there is none: a value is missing, the link would be too long, or a label leads to another path.
func (l *LinkTemplate) Of(data LinkData) string {
	pieces, err := execute(l.text, data)
	if err != nil {
		return ""
	}
	var link, path strings.Builder
	beyond := false // the path
	for _, p := range pieces {
		text := encode(p.text)
		if p.value {
			if p.text == "" {
				return ""
			}
			text = escape(p.text)
		} else if end := strings.IndexAny(text, "?#"); !beyond && end >= 0 {
			path.WriteString(text[:end])
			beyond = true
		}
		if !beyond {
			path.WriteString(text)
		}
		if link.WriteString(text); link.Len() > LongestLink {
			return ""
		}
	}
	// A browser resolves dots in a path, escaped ones too.
	if _, rest, _ := strings.Cut(path.String(), "://"); climbs(strings.ReplaceAll(rest, "//", "/")) {
		return ""
	}
	return link.String()
}
