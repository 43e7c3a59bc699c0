package config

import (
	"reflect"
	"strings"

	commoncfg "github.com/prometheus/common/config"

	"github.com/alertvitals/notifier/config/httpclient"
	"github.com/alertvitals/notifier/config/strict"
	"github.com/alertvitals/notifier/routing"
)

// Why keys of Alertmanager's are not taken that people paste.
const (
	groups   = "Alertmanager groups; leave it in alertmanager.yml and delete it here"
	repeats  = "Alertmanager repeats; leave it in alertmanager.yml and delete it here"
	labelled = "labels of Alertmanager's own configuration mean nothing here; delete it"
	noVault  = "there is no secret manager here; name a file with the key that ends in _file"
)

// refused are, for each type, keys of Alertmanager's and Prometheus's that the notifier does not have, and what to do.
var refused = map[reflect.Type]map[string]string{
	reflect.TypeFor[Config](): {
		"inhibit_rules":  "Alertmanager inhibits; leave it in alertmanager.yml and delete it here",
		"tracing":        "is Alertmanager's own tracing; leave it in alertmanager.yml and delete it here",
		"event_recorder": "is Alertmanager's own record; leave it in alertmanager.yml and delete it here",
	},
	reflect.TypeFor[routing.Route](): {
		// Every alertmanager.yml has this one.
		"group_by":   groups + "; of a whole alertmanager.yml notifier import makes a notifier.yml",
		"group_wait": groups, "group_interval": groups, "repeat_interval": repeats, "labels": labelled,
	},
	reflect.TypeFor[Receiver](): {"labels": labelled},
	reflect.TypeFor[httpclient.Config](): {
		"proxy_connect_header": "no headers can be sent to a proxy; write user and password into proxy_url",
	},
	reflect.TypeFor[commoncfg.ProxyConfig](): {
		"proxy_connect_header": "no headers can be sent to a proxy; write user and password into proxy_url",
	},
	reflect.TypeFor[commoncfg.BasicAuth]():     {"username_ref": noVault, "password_ref": noVault},
	reflect.TypeFor[commoncfg.Authorization](): {"credentials_ref": noVault},
	reflect.TypeFor[commoncfg.OAuth2]():        {"client_secret_ref": noVault, "client_certificate_key_ref": noVault},
	reflect.TypeFor[commoncfg.TLSConfig]():     {"ca_ref": noVault, "cert_ref": noVault, "key_ref": noVault},
}

// services are Alertmanager's integrations that the notifier does not have, by their keys without _configs.
var services = map[string]string{
	"discord": "Discord", "incidentio": "incident.io", "jira": "Jira", "mattermost": "Mattermost", "msteams": "Microsoft Teams",
	"msteamsv2": "Microsoft Teams", "opsgenie": "Opsgenie", "pushover": "Pushover", "rocketchat": "Rocket.Chat", "sns": "Amazon SNS",
	"telegram": "Telegram", "victorops": "VictorOps", "webex": "Webex", "wechat": "WeChat",
}

// refuse says why a struct takes no such key, "" when there is nothing to say but that there is none.
func refuse(t reflect.Type, key string) string {
	if why := refused[t][key]; why != "" {
		return why
	}
	of := strings.TrimSuffix(key, "_configs")
	switch t {
	case reflect.TypeFor[Receiver]():
	case reflect.TypeFor[Global]():
		of, _, _ = strings.Cut(key, "_")
	default:
		return ""
	}
	if service := services[of]; service != "" {
		return "the notifier has no " + service + "; let Alertmanager tell it: leave this in alertmanager.yml and delete it here"
	}
	return ""
}

// own is what the paths of this module's packages begin with.
const own = "github.com/alertvitals/notifier/"

// Refuses is whether a key that a type of Prometheus's has is not taken here.
func Refuses(field strict.Field) bool {
	return !strings.HasPrefix(field.Struct.PkgPath(), own) && refuse(field.Struct, field.Key) != ""
}
