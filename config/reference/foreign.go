package reference

// foreign are the keys of Prometheus's and Alertmanager's own types:
// https://prometheus.io/docs/prometheus/latest/configuration/configuration/#http_config and
// https://prometheus.io/docs/alerting/latest/configuration/#time_interval
var foreign = map[string]string{
	"BasicAuth.username":      "The user.",
	"BasicAuth.username_file": "A file that holds the user, read at each use.",
	"BasicAuth.password":      "The password.",
	"BasicAuth.password_file": "A file that holds the password, read at each use.",

	"Authorization.type":             "The word before the credentials; Bearer, unless given. It is not Basic: that is basic_auth.",
	"Authorization.credentials":      "The credentials.",
	"Authorization.credentials_file": "A file that holds the credentials, read at each use.",

	"OAuth2.client_id":                   "The client's ID.",
	"OAuth2.client_secret":               "The client's secret.",
	"OAuth2.client_secret_file":          "A file that holds the client's secret, read at each use.",
	"OAuth2.client_certificate_key_id":   "The ID of the key that signs the assertion, for the JWT bearer grant.",
	"OAuth2.client_certificate_key":      "The key that signs the assertion, for the JWT bearer grant.",
	"OAuth2.client_certificate_key_file": "A file that holds that key, read at each use.",
	"OAuth2.grant_type":                  "client_credentials, unless given, or urn:ietf:params:oauth:grant-type:jwt-bearer (RFC 7523).",
	"OAuth2.signature_algorithm":         "How the assertion is signed: RS256, unless given, RS384 or RS512.",
	"OAuth2.iss":                         "Who the assertion says that it is from; client_id, unless given.",
	"OAuth2.audience":                    "Whom the assertion is for; token_url, unless given.",
	"OAuth2.claims":                      "More claims of the assertion.",
	"OAuth2.scopes":                      "The scopes of the token.",
	"OAuth2.token_url":                   "Where the token is fetched.",
	"OAuth2.endpoint_params":             "More parameters of the request for it.",
	"OAuth2.tls_config":                  "How TLS is spoken with who gives the token.",

	"ProxyConfig.proxy_url":              "The proxy to go through.",
	"ProxyConfig.no_proxy":               "Hosts, domains and CIDRs, separated by commas, that are reached without the proxy.",
	"ProxyConfig.proxy_from_environment": "Whether HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment say which proxy to go through.",

	"TimeInterval.times":         "Spans of the day, each from start_time up to end_time, as {start_time: '09:00', end_time: '17:00'}.",
	"TimeInterval.weekdays":      "Days of the week, or spans of them, as monday:friday.",
	"TimeInterval.days_of_month": "Days of the month, or spans of them, as 1:7; -1 is its last.",
	"TimeInterval.months":        "Months, or spans of them, by name or number, as january:march.",
	"TimeInterval.years":         "Years, or spans of them, as 2026:2028.",
	"TimeInterval.location":      "The time zone, as Europe/Berlin; UTC, unless given.",

	"TLSConfig.ca":                   "The certificate of the authority that the far side's is checked with; the system's, unless given.",
	"TLSConfig.ca_file":              "A file that holds that certificate.",
	"TLSConfig.cert":                 "Our own certificate, for a far side that asks for one.",
	"TLSConfig.cert_file":            "A file that holds our own certificate.",
	"TLSConfig.key":                  "The key of our certificate.",
	"TLSConfig.key_file":             "A file that holds the key of our certificate.",
	"TLSConfig.server_name":          "The name that the far side's certificate must have, when it is not the one that was asked for.",
	"TLSConfig.insecure_skip_verify": "Whether the far side's certificate is not checked at all. Whoever is on the way can read then what is sent.",
	"TLSConfig.min_version":          "The oldest version of TLS to speak: TLS10, TLS11, TLS12 (Go's default) or TLS13.",
	"TLSConfig.max_version":          "The newest version of TLS to speak; the newest that there is, unless given.",
}
