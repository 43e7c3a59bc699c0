package alertmanager

import "strings"

// service is one that Alertmanager tells and the notifier does not.
type service struct {
	name string
	// needs are keys that an integration must have, by themselves or as _file; global is the key of global that stands for each, "" when
	// there is none.
	needs []need
}

type need struct{ key, global string }

// services are by the key of a receiver. Source: https://prometheus.io/docs/alerting/latest/configuration/#receiver-integration-settings.
var services = map[string]service{
	"discord_configs":    {"Discord", []need{{key: "webhook_url"}}},
	"incidentio_configs": {"incident.io", nil},
	"jira_configs":       {"Jira", []need{{"api_url", "jira_api_url"}}},
	"mattermost_configs": {"Mattermost", []need{{"webhook_url", "mattermost_webhook_url"}}},
	"msteams_configs":    {"Microsoft Teams", []need{{key: "webhook_url"}}},
	"msteamsv2_configs":  {"Microsoft Teams", []need{{key: "webhook_url"}}},
	"opsgenie_configs":   {"OpsGenie", []need{{"api_key", "opsgenie_api_key"}}},
	"pushover_configs":   {"Pushover", []need{{key: "user_key"}, {key: "token"}}},
	"rocketchat_configs": {"Rocket.Chat", []need{{"token", "rocketchat_token"}, {"token_id", "rocketchat_token_id"}}},
	"sns_configs":        {"Amazon SNS", nil},
	"telegram_configs":   {"Telegram", []need{{"bot_token", "telegram_bot_token"}, {key: "chat_id"}}},
	"victorops_configs":  {"VictorOps", []need{{"api_key", "victorops_api_key"}, {key: "routing_key"}}},
	"webex_configs":      {"Webex", []need{{key: "room_id"}}},
	"wechat_configs":     {"WeChat", []need{{"api_secret", "wechat_api_secret"}, {"corp_id", "wechat_api_corp_id"}}},
}

// checkElsewhere finds in an integration of such a service what Alertmanager would refuse, as far as it is about credentials.
func (f *file) checkElsewhere(key string, e entry, entries []entry) {
	what := key[:len(key)-1]
	given := map[string]bool{}
	for _, one := range entries {
		given[one.key] = !isNull(one.value) && (one.value.Kind != 0 && one.value.Value != "" || len(one.value.Content) > 0)
		if key == "opsgenie_configs" && one.key == "teams" {
			f.wrongf(one.at, "%s: Alertmanager has no teams any more; it has responders", what)
		}
	}
	for _, n := range services[key].needs {
		if !given[n.key] && !given[n.key+"_file"] && (n.global == "" || f.global(n.global) == "" && f.global(n.global+"_file") == "") {
			f.wrongf(e.at, "%s has no %s%s", what, n.key, orGlobal(n.global))
		}
	}
	if key == "sns_configs" && !given["topic_arn"] && !given["target_arn"] && !given["phone_number"] {
		f.wrongf(e.at, "%s has none of topic_arn, target_arn and phone_number", what)
	}
}

func orGlobal(key string) string {
	if key == "" {
		return ""
	}
	return ", and global has no " + key
}

// bothWays finds a secret that is given and named as a file, too, which Alertmanager refuses of every one.
func (f *file) bothWays(what string, entries []entry) {
	for _, file := range entries {
		name, isFile := strings.CutSuffix(file.key, "_file")
		for _, e := range entries {
			if isFile && e.key == name && !isNull(e.value) && e.value.Value != "" && !isNull(file.value) && file.value.Value != "" {
				f.wrongf(file.at, "%s: %s and %s are both set, want one of them", what, name, file.key)
			}
		}
	}
}
