package slack

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/config/problem"
)

// Mentions are whom a message pings: the IDs of user groups (S…) and of users (U…, W…), and here, channel or everyone. In the
// configuration they are a list, for alerts of every severity, or a list for each severity.
type Mentions map[alert.Severity][]string

// everySeverity stands for all of them in Mentions.
const everySeverity alert.Severity = ""

// UnmarshalYAML reads either form.
func (m *Mentions) UnmarshalYAML(unmarshal func(any) error) error {
	var list []string
	if unmarshal(&list) == nil {
		*m = Mentions{everySeverity: list}
		return nil
	}
	var bySeverity map[alert.Severity][]string
	if err := unmarshal(&bySeverity); err != nil {
		return errors.New("want a list like [S0123ABCD], or a list for each severity: {critical: [S0123ABCD]}")
	}
	*m = bySeverity
	return nil
}

// MarshalYAML writes the form that UnmarshalYAML reads.
func (m Mentions) MarshalYAML() (any, error) {
	if list, ok := m[everySeverity]; ok && len(m) == 1 {
		return list, nil
	}
	return map[alert.Severity][]string(m), nil
}

// mention is an ID of Slack's. Source: https://docs.slack.dev/messaging/formatting-message-text#mentioning-users and below it.
var mention = regexp.MustCompile(`^(?:[SUW][A-Z0-9]{2,}|here|channel|everyone)$`)

const mostMentions = 20

func (m Mentions) validate() []problem.Problem {
	var problems []problem.Problem
	for severity, list := range m {
		path := ""
		if severity != everySeverity {
			path = string(severity)
			if !slices.Contains([]alert.Severity{alert.Critical, alert.Warning, alert.Info}, severity) {
				problems = append(problems, problem.Problem{Path: path, Msg: "there is no such severity; there are critical, warning and info"})
			}
		}
		for i, id := range list {
			if !mention.MatchString(id) {
				problems = append(problems, problem.Problem{
					Path: fmt.Sprintf("%s[%d]", path, i),
					Msg:  "not the ID of a user group (S0123ABCD) or a user (U0123ABCD), nor here, channel or everyone: a name pings nobody",
				})
			}
		}
		if len(list) > mostMentions {
			problems = append(problems, problem.Problem{Path: path, Msg: fmt.Sprintf("at most %d", mostMentions)})
		}
	}
	slices.SortFunc(problems, func(a, b problem.Problem) int { return strings.Compare(a.Path, b.Path) })
	return problems
}

// markup is what pings those whom alerts of this severity are for, "" when nobody.
func (m Mentions) markup(severity alert.Severity) string {
	var all []string
	for _, id := range append(slices.Clone(m[everySeverity]), m[severity]...) {
		switch id[0] {
		case 'S':
			id = "<!subteam^" + id + ">"
		case 'U', 'W':
			id = "<@" + id + ">"
		default:
			id = "<!" + id + ">"
		}
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return strings.Join(all, " ")
}
