package deploy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// compose is docker-compose.yml as Docker Compose reads it: checked against the specification's schema
// (https://github.com/compose-spec/compose-spec), merged, and with absolute paths.
func compose(t *testing.T) *types.Project {
	t.Helper()
	file, err := filepath.Abs("../docker-compose.yml")
	require.NoError(t, err)
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  filepath.Dir(file),
		ConfigFiles: []types.ConfigFile{{Filename: file}},
		Environment: types.Mapping{},
	})
	require.NoError(t, err)
	return project
}

// eachService runs the test for each service.
func eachService(t *testing.T, test func(t *testing.T, s types.ServiceConfig)) {
	t.Helper()
	project := compose(t)
	assert.ElementsMatch(t, []string{
		"agent", "otel-collector", "prometheus", "alertmanager", "notifier", "slack", "mail", "grafana",
	}, project.ServiceNames())
	for name, service := range project.Services {
		t.Run(name, func(t *testing.T) { test(t, service) })
	}
}

func TestComposeMountsOnlyWhatExists(t *testing.T) {
	project := compose(t)
	lasting := map[string]bool{}
	eachService(t, func(t *testing.T, s types.ServiceConfig) {
		for _, v := range s.Volumes {
			switch v.Type {
			case types.VolumeTypeBind:
				_, err := os.Stat(v.Source)
				assert.NoError(t, err, "a missing file becomes an empty directory in the container")
				assert.True(t, v.ReadOnly, "%s is a part of the repository", v.Source)
			case types.VolumeTypeVolume:
				assert.Contains(t, project.Volumes, v.Source)
				lasting[v.Source] = true
			default:
				assert.Fail(t, "a mount of another kind", v.Type)
			}
		}
	})
	for name := range project.Volumes {
		assert.True(t, lasting[name], "nothing uses the volume %s", name)
	}
}

// What lasts is written to a volume, and to nothing else.
func TestComposeKeepsWhatMustLast(t *testing.T) {
	project := compose(t)
	for service, path := range map[string]string{
		"notifier": "/data", "prometheus": "/prometheus", "alertmanager": "/alertmanager", "grafana": "/var/lib/grafana",
	} {
		s := project.Services[service]
		i := slices.IndexFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool {
			return v.Target == path && v.Type == types.VolumeTypeVolume
		})
		assert.GreaterOrEqual(t, i, 0, "%s keeps nothing in %s", service, path)
	}
	assert.Contains(t, project.Services["prometheus"].Command, "--storage.tsdb.path=/prometheus")
	assert.Contains(t, project.Services["alertmanager"].Command, "--storage.path=/alertmanager")
	assert.Greater(t, project.Services["notifier"].StopGracePeriod.String(), "20s", "the notifier may take 20 s to end")
}

func TestComposeServicesCanDoLittleHarm(t *testing.T) {
	eachService(t, func(t *testing.T, s types.ServiceConfig) {
		assert.True(t, s.ReadOnly, "a root file system that can be written")
		assert.Equal(t, []string{"ALL"}, s.CapDrop)
		assert.Empty(t, s.CapAdd)
		assert.False(t, s.Privileged)
		assert.Contains(t, s.SecurityOpt, "no-new-privileges:true")
		assert.Regexp(t, `^[1-9][0-9]*:[0-9]+$`, s.User, "a user by number who is not root")
		assert.Positive(t, s.PidsLimit)
		assert.Empty(t, s.NetworkMode)
		for _, p := range s.Ports {
			assert.Equal(t, "127.0.0.1", p.HostIP, "port %s is open to others", p.Published)
		}
	})
}

func TestComposePinsVersions(t *testing.T) {
	built := map[string]bool{}
	exact := regexp.MustCompile(`^[a-z0-9/.-]+:v?[0-9]+\.[0-9]+\.[0-9]+$`)
	eachService(t, func(t *testing.T, s types.ServiceConfig) {
		if s.Build != nil {
			assert.Regexp(t, `^alertvitals/[a-z-]+:local$`, s.Image, "an image that is built here")
			assert.False(t, built[s.Image], "two builds at once of one name get in each other's way")
			built[s.Image] = true
			assert.Contains(t, stages(t), s.Build.Target)
			return
		}
		assert.Regexp(t, exact, s.Image)
	})
}

// Every service has a health check, or says why it has none. It asks a port that something listens on.
func TestComposeChecksHealth(t *testing.T) {
	eachService(t, func(t *testing.T, s types.ServiceConfig) {
		if why, ok := s.Extensions["x-no-healthcheck"]; ok {
			assert.NotEmpty(t, why)
			assert.Nil(t, s.HealthCheck)
			return
		}
		require.NotNil(t, s.HealthCheck)
		require.Greater(t, len(s.HealthCheck.Test), 1)
		assert.Equal(t, "CMD", s.HealthCheck.Test[0], "there is no shell in most images")
		assert.NotNil(t, s.HealthCheck.StartPeriod)
		if strings.HasSuffix(s.HealthCheck.Test[1], "/mailpit") {
			return // it knows its own port
		}
		asked := regexp.MustCompile(`http://127\.0\.0\.1:([0-9]+)`).FindStringSubmatch(strings.Join(s.HealthCheck.Test, " "))
		require.NotNil(t, asked)
		assert.True(t, slices.ContainsFunc(s.Ports, func(p types.ServicePortConfig) bool { return fmt.Sprint(p.Target) == asked[1] }),
			"the check asks port %s", asked[1])
	})
}

// What one service's file says of another one is true: the host is a service on a network of both, and the port one that it listens on.
func TestComposeServicesFindEachOther(t *testing.T) {
	project := compose(t)
	// What is asked only by other services; the rest is published.
	inside := map[string][]string{"otel-collector": {"8889"}, "mail": {"1025"}}
	address := regexp.MustCompile(`(?m)(?:https?://|\[')?\b([a-z][a-z-]*):([0-9]{4})\b`)
	for service, file := range map[string]string{
		"notifier": "notifier.yml", "prometheus": "prometheus.yml", "alertmanager": "alertmanager.yml", "grafana": "grafana/datasources/prometheus.yml",
	} {
		source, err := os.ReadFile(filepath.Join("compose", file))
		require.NoError(t, err)
		found := address.FindAllStringSubmatch(withoutComments(string(source)), -1)
		require.NotEmpty(t, found, file)
		for _, a := range found {
			host, port := a[1], a[2]
			if host == "localhost" {
				continue // a browser's, or its own
			}
			other, ok := project.Services[host]
			if !assert.True(t, ok, "%s names %s, which is no service", file, host) {
				continue
			}
			listens := slices.Clone(inside[host])
			for _, p := range other.Ports {
				listens = append(listens, fmt.Sprint(p.Target))
			}
			assert.Contains(t, listens, port, "%s names %s:%s", file, host, port)
			shared := false
			for network := range project.Services[service].Networks {
				_, both := other.Networks[network]
				shared = shared || both
			}
			assert.True(t, shared, "%s and %s have no network in common", service, host)
		}
	}
}

// A link in a message leads to a port that is published.
func TestComposeLinksLeadSomewhere(t *testing.T) {
	project := compose(t)
	published := map[string]bool{}
	for _, s := range project.Services {
		for _, p := range s.Ports {
			published[p.Published] = true
		}
	}
	for _, file := range []string{"../docker-compose.yml", "compose/notifier.yml", "../docs/deploy.md"} {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, link := range regexp.MustCompile(`http://localhost:([0-9]+)`).FindAllStringSubmatch(string(source), -1) {
			assert.True(t, published[link[1]], "%s leads to %s, where nothing is", file, link[0])
		}
	}
}

func withoutComments(yaml string) string {
	return regexp.MustCompile(`(?m)(^|\s)#.*$`).ReplaceAllString(yaml, "")
}

// stages are the Dockerfile's.
func stages(t *testing.T) []string {
	t.Helper()
	source, err := os.ReadFile("../Dockerfile")
	require.NoError(t, err)
	var names []string
	for _, from := range regexp.MustCompile(`(?m)^FROM \S+ AS (\S+)$`).FindAllStringSubmatch(string(source), -1) {
		names = append(names, from[1])
	}
	return names
}
