package pagerduty

import (
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/templates"
)

func TestConfig(t *testing.T) {
	for config, path := range map[string]string{
		// As people have them in their alertmanager.yml.
		`{service_key: YOUR_PAGERDUTY_KEY}`:          "-",
		`{routing_key_file: /run/secrets/pagerduty}`: "-",
		`{routing_key: x, severity: '{{ .CommonLabels.severity }}', description: '{{ template "pagerduty.default.description" . }}',
		  details: {firing: '{{ template "x" .Alerts.Firing }}', deep: {er: [1, a]}}, client: Alertmanager, client_url: '{{ .ExternalURL }}',
		  class: a, component: b, group: c, source: d, images: [{src: 'https://x/y.png', alt: a, href: 'https://x'}],
		  links: [{href: 'https://x', text: y}], http_config: {proxy_url: 'http://proxy:3128'}, send_resolved: false,
		  url: 'https://events.eu.pagerduty.com/v2/enqueue', timeout: 1m}`: "-",
		`{routing_key: x, dedup: alert}`: "-",

		`{}`:                                                       "",
		`{routing_key: x, routing_key_file: y}`:                    "routing_key_file",
		`{routing_key: x, service_key: y}`:                         "service_key",
		`{routing_key: '{{ .CommonLabels.key }}'}`:                 "routing_key",
		`{routing_key: x, url: y}`:                                 "url",
		`{routing_key: x, severity: page}`:                         "severity",
		`{routing_key: x, dedup: service}`:                         "dedup",
		`{routing_key: x, images: [{src: 'http://x/y.png'}]}`:      "images[0].src",
		`{routing_key: x, links: [{href: 'javascript:alert(1)'}]}`: "links[0].href",
		`{routing_key: x, http_config: {bearer_token: a, authorization: {credentials: b}}}`: "http_config.bearer_token",
	} {
		t.Run(config, func(t *testing.T) {
			var c Config
			require.NoError(t, yaml.UnmarshalWithOptions([]byte(config), &c, yaml.Strict()))

			problems := c.Validate()
			_, err := New(c, templates.Standard())

			if path == "-" {
				assert.Empty(t, problems)
				assert.NoError(t, err)
				return
			}
			require.Len(t, problems, 1)
			assert.Equal(t, path, problems[0].Path)
			assert.Error(t, err)
		})
	}
	no := false
	assert.True(t, Config{}.SendsResolved())
	assert.False(t, Config{SendResolved: &no}.SendsResolved())
	assert.Equal(t, "https://events.pagerduty.com/v2/enqueue", Config{RoutingKey: "x"}.address())
	assert.Equal(t, "https://events.pagerduty.com/generic/2010-04-15/create_event.json", Config{ServiceKeyFile: "x"}.address())
}
