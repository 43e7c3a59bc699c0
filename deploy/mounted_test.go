package deploy_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// strictly decodes a file that has no other keys than those that into knows.
func strictly(t *testing.T, file string, into any) {
	t.Helper()
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, yaml.UnmarshalWithOptions(source, into, yaml.Strict()), file)
}

// Grafana asks the Prometheus that is there, and finds every dashboard. Its keys:
// https://grafana.com/docs/grafana/latest/administration/provisioning/
func TestGrafanaIsProvisioned(t *testing.T) {
	var sources struct {
		Version int `yaml:"apiVersion"`
		Sources []struct {
			Name     string         `yaml:"name"`
			UID      string         `yaml:"uid"`
			Type     string         `yaml:"type"`
			Access   string         `yaml:"access"`
			URL      string         `yaml:"url"`
			Default  bool           `yaml:"isDefault"`
			Editable bool           `yaml:"editable"`
			JSON     map[string]any `yaml:"jsonData"`
		} `yaml:"datasources"`
	}
	strictly(t, "compose/grafana/datasources/prometheus.yml", &sources)
	require.Len(t, sources.Sources, 1)
	assert.Equal(t, 1, sources.Version)
	assert.Equal(t, "prometheus", sources.Sources[0].Type)
	assert.True(t, sources.Sources[0].Default, "the dashboards begin with the default data source")
	assert.Equal(t, "http://prometheus:9090", sources.Sources[0].URL)

	var providers struct {
		Version   int `yaml:"apiVersion"`
		Providers []struct {
			Name    string `yaml:"name"`
			Folder  string `yaml:"folder"`
			Type    string `yaml:"type"`
			Updates bool   `yaml:"allowUiUpdates"`
			Options struct {
				Path string `yaml:"path"`
			} `yaml:"options"`
		} `yaml:"providers"`
	}
	strictly(t, "compose/grafana/dashboards/agents.yml", &providers)
	require.Len(t, providers.Providers, 1)
	assert.Equal(t, "file", providers.Providers[0].Type)

	grafana := compose(t).Services["grafana"]
	mounted := map[string]string{} // by their place in the container
	for _, v := range grafana.Volumes {
		mounted[v.Target] = v.Source
	}
	from := mounted[providers.Providers[0].Options.Path]
	require.NotEmpty(t, from, "nothing is mounted at %s", providers.Providers[0].Options.Path)
	for _, at := range []string{"datasources", "dashboards"} {
		assert.Contains(t, mounted, "/etc/grafana/provisioning/"+at)
	}

	home := grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	require.NotNil(t, home)
	_, err := os.Stat(filepath.Join(from, strings.TrimPrefix(*home, providers.Providers[0].Options.Path)))
	assert.NoError(t, err, "the first page")

	uids := dashboards(t, from)
	notifier, err := os.ReadFile("compose/notifier.yml")
	require.NoError(t, err)
	_, link, found := strings.Cut(string(notifier), "http://localhost:3000/d/")
	require.True(t, found)
	uid, _, _ := strings.Cut(link, "?")
	assert.Contains(t, uids, uid, "the button of a message leads to a dashboard")
}

// dashboards are the uids of those in a directory.
func dashboards(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	uids := map[string]string{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		var dashboard struct {
			UID    string            `json:"uid"`
			Title  string            `json:"title"`
			Panels []json.RawMessage `json:"panels"`
		}
		require.NoError(t, json.Unmarshal(source, &dashboard), file)
		assert.NotEmpty(t, dashboard.Title, file)
		assert.NotEmpty(t, dashboard.Panels, file)
		assert.Empty(t, uids[dashboard.UID], "%s has the uid of another one", file)
		uids[dashboard.UID] = file
	}
	return slices.Collect(maps.Keys(uids))
}

// The collector's pipelines name what is defined, and what is defined is used; no collector is at hand to ask. Its form:
// https://opentelemetry.io/docs/collector/configuration/
func TestCollectorsPipelines(t *testing.T) {
	type components map[string]map[string]any
	var collector struct {
		Receivers  components `yaml:"receivers"`
		Processors components `yaml:"processors"`
		Exporters  components `yaml:"exporters"`
		Service    struct {
			Pipelines map[string]struct {
				Receivers  []string `yaml:"receivers"`
				Processors []string `yaml:"processors"`
				Exporters  []string `yaml:"exporters"`
			} `yaml:"pipelines"`
		} `yaml:"service"`
	}
	strictly(t, "compose/otel-collector.yml", &collector)
	metrics, ok := collector.Service.Pipelines["metrics"]
	require.True(t, ok)
	require.Len(t, collector.Service.Pipelines, 1)
	for _, c := range []struct {
		kind    string
		defined components
		used    []string
	}{
		{"receivers", collector.Receivers, metrics.Receivers},
		{"processors", collector.Processors, metrics.Processors},
		{"exporters", collector.Exporters, metrics.Exporters},
	} {
		assert.ElementsMatch(t, slices.Collect(maps.Keys(c.defined)), c.used, c.kind)
	}
	assert.Equal(t, "memory_limiter", metrics.Processors[0], "what is refused must not have been worked on")
	assert.Equal(t, "0.0.0.0:8889", collector.Exporters["prometheus"]["endpoint"], "what Prometheus and the notifier scrape")

	persons := collector.Processors["attributes/persons"]["actions"]
	var deleted []string
	for _, a := range persons.([]any) {
		action := a.(map[string]any)
		require.Equal(t, "delete", action["action"])
		deleted = append(deleted, action["key"].(string))
	}
	assert.Subset(t, deleted, []string{"user.email", "user.account_uuid", "user.account_id", "organization.id"})
}
