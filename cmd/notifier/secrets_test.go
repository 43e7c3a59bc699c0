package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	commoncfg "github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/config/strict"
	"github.com/alertvitals/notifier/delivery"
)

// secretPaths are the keys of all secrets that a configuration can have, found in its types so that none can be forgotten.
func secretPaths() []string {
	var paths []string
	var visit func(t reflect.Type, path string, within []reflect.Type)
	visit = func(t reflect.Type, path string, within []reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		for _, outer := range within {
			if outer == t {
				return
			}
		}
		if t == reflect.TypeFor[commoncfg.Secret]() {
			paths = append(paths, path)
		}
		if t.Kind() != reflect.Struct {
			return
		}
		for _, field := range strict.Fields(t) {
			if !config.Refuses(field) {
				visit(field.Field.Type, strings.TrimPrefix(path+"."+field.Key, "."), append(within, t))
			}
		}
	}
	visit(reflect.TypeFor[config.Config](), "", nil)
	return paths
}

// planted begins every secret of the tests; the key of a certificate has plantedKey in it.
const planted = "pl4nted"

// garden makes configurations that hold one secret each, and are right otherwise.
type garden struct {
	far, cert, key string
	// file holds a secret, too, for what needs one besides.
	file       string
	plantedKey string
}

func newGarden(t *testing.T, far string) garden {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	g := garden{far: far}
	g.file = filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(g.file, []byte(planted+"-of-a-file"), 0o600))
	g.cert = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
	g.key = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}))
	g.plantedKey = strings.Split(g.key, "\n")[1]
	return g
}

// owner is the mapping that has a secret, or has the http_config or tls_config that has it, and whether it is known.
func (g garden) owner(path string) (m map[string]any, ok bool) {
	m, ok = map[string]map[string]any{
		"web":                         {},
		"global":                      {},
		"ping":                        {"url": g.far + "/"},
		"agents":                      {"name": path, "match": []string{`alertname="x"`}, "url": g.far},
		"diagnostics.prometheus":      {"url": g.far},
		"receivers.slack_configs":     {"channel": "#x", "api_base_url": g.far + "/", "app_token_file": g.file},
		"receivers.pagerduty_configs": {"url": g.far, "routing_key_file": g.file},
		"receivers.email_configs": {
			"to": "a@example.com", "from": "b@example.com", "smarthost": "127.0.0.1:1", "auth_username": "u", "auth_password_file": g.file,
		},
		"receivers.webhook_configs": {"url": g.far + "/"},
	}[path]
	return m, ok
}

// around is what stands beside a secret for the configuration to be right, by the end of its path.
func (g garden) around(path string) map[string]any {
	switch {
	case path == "global.smtp_auth_password", path == "global.smtp_auth_secret":
		return map[string]any{"smtp_auth_username": "u"}
	case strings.HasSuffix(path, "basic_auth.password"):
		return map[string]any{"username": "u"}
	case strings.HasSuffix(path, "oauth2.client_certificate_key"):
		return map[string]any{"client_id": "i", "token_url": g.far, "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}
	case strings.HasSuffix(path, "oauth2.client_secret"):
		return map[string]any{"client_id": "i", "token_url": g.far}
	case strings.HasSuffix(path, "tls_config.key"):
		return map[string]any{"cert": g.cert}
	default:
		return nil
	}
}

// plant makes a configuration with a secret at a path. change may change the mapping that holds it.
func (g garden) plant(t *testing.T, path string, n int, change func(m map[string]any, key string)) (whole map[string]any) {
	t.Helper()
	steps := strings.Split(path, ".")
	whole = map[string]any{"route": map[string]any{"receiver": "r"}}
	receiver := map[string]any{"name": "r", "log_configs": []any{map[string]any{}}}
	if strings.HasPrefix(path, "global.") {
		g.lacking(receiver, steps[1])
	}
	whole["receivers"] = []any{receiver}
	own := 1
	if steps[0] == "receivers" || steps[0] == "diagnostics" {
		own = 2
	}
	owner, ok := g.owner(strings.Join(steps[:own], "."))
	require.True(t, ok, "%s is a secret that this test does not know: say in owner what it stands in", path)
	switch steps[0] {
	case "agents":
		whole["agents"] = []any{owner}
	case "web", "ping", "global":
		whole[steps[0]] = owner
	case "diagnostics":
		whole["diagnostics"] = map[string]any{steps[1]: owner}
	default:
		receiver[steps[1]] = []any{owner}
	}
	at := owner
	for i := own; i < len(steps)-1; i++ {
		inner := map[string]any{}
		at[steps[i]] = inner
		at = inner
		if steps[i] == "http_headers" {
			at["X-Planted"] = map[string]any{}
			at = at["X-Planted"].(map[string]any)
		}
		if steps[i] == "oauth2" && i < len(steps)-2 { // its tls_config has the secret
			at["client_id"], at["token_url"], at["client_secret_file"] = "i", g.far, "/none"
		}
	}
	key := steps[len(steps)-1]
	for name, value := range g.around(path) {
		at[name] = value
	}
	value := fmt.Sprintf("%s-%d", planted, n)
	switch {
	case strings.HasSuffix(key, "url"):
		value = g.far + "/" + value
	case path == "receivers.slack_configs.app_token", path == "global.slack_app_token":
		value = "xoxb-" + value
	case key == "key":
		value = g.key
	}
	at[key] = value
	switch key {
	case "bearer_tokens":
		at[key] = []string{value + "-0123456789"}
	case "secrets":
		at[key] = []string{value}
	}
	delete(at, key+"_file")
	switch key {
	case "api_url":
		delete(at, "app_token_file")
	case "service_key":
		delete(at, "routing_key_file")
	}
	if change != nil {
		change(at, key)
	}
	return whole
}

// lacking gives a receiver an integration that lacks what the key of global gives.
func (g garden) lacking(receiver map[string]any, key string) {
	switch {
	case strings.HasPrefix(key, "slack_"):
		receiver["slack_configs"] = []any{map[string]any{"channel": "#x", "api_base_url": g.far + "/"}}
	case strings.HasPrefix(key, "smtp_"):
		receiver["email_configs"] = []any{map[string]any{"to": "a@example.com", "from": "b@example.com", "smarthost": "127.0.0.1:1"}}
	default:
		receiver["webhook_configs"] = []any{map[string]any{"url": g.far + "/"}}
	}
}

// appended is a secret, or a list of one, with something before and behind it.
func appended(secret any, before, behind string) any {
	if list, ok := secret.([]string); ok {
		return []string{before + list[0] + behind}
	}
	return before + secret.(string) + behind
}

func (g garden) clean(t *testing.T, where, text string) {
	t.Helper()
	for _, secret := range []string{planted, g.plantedKey} {
		if at := strings.Index(text, secret); at >= 0 {
			assert.Fail(t, "a secret shows", "%s: …%s", where, text[max(at-200, 0):min(at+80, len(text))])
		}
	}
}

func TestP10ConfigurationsThatAreCheckedShowNoSecret(t *testing.T) {
	g := newGarden(t, "http://127.0.0.1:1")
	paths := secretPaths()
	require.Greater(t, len(paths), 40)
	for n, path := range paths {
		right, err := yaml.Marshal(g.plant(t, path, n, nil))
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "notifier.yml")
		require.NoError(t, os.WriteFile(file, right, 0o600))
		var out bytes.Buffer
		require.Zero(t, run([]string{"check-config", file}, &out, &out), "%s: %s", path, &out)
		g.clean(t, path, out.String())
		cfg, err := config.Load(file, right)
		require.NoError(t, err)
		g.clean(t, path, fmt.Sprintf("%v %+v %#v", cfg, cfg, &cfg))
		assert.Contains(t, cfg.String(), "<secret>", path)

		for name, change := range map[string]func(m map[string]any, key string){
			"unknown key beside it":  func(m map[string]any, _ string) { m["nonsense"] = 1 },
			"misspelt":               func(m map[string]any, key string) { m[key+"x"] = m[key]; delete(m, key) },
			"a list":                 func(m map[string]any, key string) { m[key] = []any{[]any{m[key]}} },
			"a mapping":              func(m map[string]any, key string) { m[key] = map[string]any{"x": m[key]} },
			"too much":               func(m map[string]any, key string) { m[key+"_file"] = "/none" },
			"a variable":             func(m map[string]any, key string) { m[key] = appended(m[key], "", "${NOT_SET_AT_ALL}") },
			"several lines, unknown": func(m map[string]any, key string) { m["nonsense"] = appended(m[key], "x\n", "\nx\n") },
			"no variable":            func(m map[string]any, key string) { m[key] = appended(m[key], "${", "") },
		} {
			wrong, invalid := yaml.Marshal(g.plant(t, path, n, change))
			require.NoError(t, invalid)
			_, err = config.Load(file, wrong)
			if name != "too much" || err != nil { // some have no _file
				require.Error(t, err, "%s: %s", path, name)
				g.clean(t, path+", "+name, err.Error())
			}
		}
		for _, broken := range []string{string(right) + "\n]", string(right) + "  x: [\n", strings.Replace(string(right), ": ", ":\t", 1)} {
			if _, err = config.Load(file, []byte(broken)); err != nil {
				g.clean(t, path+", broken", err.Error())
			}
		}
	}
}

// The far side answers with all that it was told, and refuses it: what a bad gateway, or a debugging one, does.
func TestP10ANotifierThatFailsShowsNoSecret(t *testing.T) {
	told := make(chan struct{}, 1000)
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		echo := fmt.Sprint(r.URL, r.Header, string(body))
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, echo)
		told <- struct{}{}
	}))
	defer far.Close()
	g := newGarden(t, far.URL)
	whole := map[string]any{}
	var agents, receivers []any
	var names []string
	for n, path := range secretPaths() {
		one := g.plant(t, path, n, nil)
		name := fmt.Sprintf("r%d", n)
		switch strings.Split(path, ".")[0] {
		case "agents":
			agent := one["agents"].([]any)[0].(map[string]any)
			agent["name"] = name
			agents = append(agents, agent)
		case "receivers":
			receiver := one["receivers"].([]any)[0].(map[string]any)
			receiver["name"] = name
			delete(receiver, "log_configs")
			receivers, names = append(receivers, receiver), append(names, name)
		default:
			section := strings.Split(path, ".")[0]
			whole[section] = one[section]
		}
	}
	whole["agents"], whole["receivers"] = agents, receivers
	whole["route"] = map[string]any{"receiver": names[0], "by_severity": map[string]any{"critical": names}}
	text, err := yaml.Marshal(whole)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "notifier.yml")
	require.NoError(t, os.WriteFile(path, text, 0o600))

	var spans lockedBuffer
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		spans.add(string(body))
		if r.Header.Get("X-Key") == "" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", strings.Replace(collector.URL, "://", "://u:"+planted+"@", 1))
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key="+planted+",another="+planted)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var logged lockedBuffer
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector())
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	disk := storage{path: t.TempDir(), retention: 48 * time.Hour, size: 64 << 20, free: 1 << 20}
	logger := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	running, err := newService(ctx, file(path), disk, port{}, logger, reg)
	require.NoError(t, err)
	go func() { done <- running.run(ctx, nil, func() error { return served(running.server.Serve(listener)) }) }()
	base := "http://" + listener.Addr().String()
	payload, err := os.ReadFile("../../alert/testdata/alertmanager/0.34/plain-02-firing.json")
	require.NoError(t, err)
	payload = bytes.ReplaceAll(payload, []byte(`"severity":"warning"`), []byte(`"severity":"critical"`))
	token := whole["web"].(map[string]any)["bearer_tokens"].([]string)[0]
	ask := func(method, address string, body []byte) string {
		req, err := http.NewRequestWithContext(t.Context(), method, base+address, bytes.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		said, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return string(said)
	}
	require.Contains(t, ask(http.MethodPost, "/api/v1/webhook", payload), "accepted")
	for range len(names) / 2 { // some never get so far: their token comes of elsewhere
		<-told
	}
	for _, page := range []string{"/api/v1/config", "/metrics", "/api/v1/deliveries", "/api/v1/receivers", "/api/v1/agents", "/ready"} {
		g.clean(t, page, ask(http.MethodGet, page, nil))
	}
	var listed struct {
		Deliveries []delivery.Delivery `json:"deliveries"`
	}
	require.Eventually(t, func() bool { // who is refused for good is a dead letter
		list := ask(http.MethodGet, "/api/v1/deliveries?status=dead&limit=1000", nil)
		g.clean(t, "dead letters", list)
		return json.Unmarshal([]byte(list), &listed) == nil && len(listed.Deliveries) >= len(names)/2
	}, patience, 50*time.Millisecond)
	require.NoError(t, json.Unmarshal([]byte(ask(http.MethodGet, "/api/v1/deliveries?limit=1000", nil)), &listed))
	answered := 0
	for _, d := range listed.Deliveries {
		whole := ask(http.MethodGet, "/api/v1/deliveries/"+d.ID, nil)
		g.clean(t, d.Receiver+"'s delivery", whole)
		if strings.Contains(whole, `"reason":"auth"`) {
			answered++
		}
	}
	assert.Positive(t, answered, "the far side's answers are among them")
	for _, receiver := range names {
		g.clean(t, "render for "+receiver, ask(http.MethodPost, "/api/v1/render", []byte(`{"receiver": "`+receiver+`"}`)))
	}
	g.clean(t, "routes", ask(http.MethodGet, "/api/v1/routes", nil)+ask(http.MethodPost, "/api/v1/routes/test", []byte(`{"labels": {"severity": "critical"}}`)))
	right := token
	token += "x"
	assert.Contains(t, ask(http.MethodPost, "/api/v1/webhook", payload), "unauthorized")
	token = right
	for _, agent := range agents {
		name := agent.(map[string]any)["name"].(string)
		g.clean(t, name, ask(http.MethodGet, "/api/v1/agents/"+name+"/snapshot?fresh=true", nil))
	}
	require.NoError(t, os.WriteFile(path, append(text, "\nnonsense: "+planted+"\n"...), 0o600))
	refused := ask(http.MethodPost, "/-/reload", nil)
	assert.Contains(t, refused, "nonsense")
	g.clean(t, "a refused reload", refused)
	stop()
	require.NoError(t, <-done)
	assert.Contains(t, logged.String(), "nonsense")
	g.clean(t, "log", logged.String())
	assert.Contains(t, spans.String(), "notifier.delivery")
	g.clean(t, "traces", spans.String())
}

// Write is for a logger.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}
