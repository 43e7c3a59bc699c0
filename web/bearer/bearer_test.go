package bearer

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	commoncfg "github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	first  = "planted-token-first-0123456789"
	second = "planted-token-second-012345678"
)

// asked is what became of a request.
type asked struct {
	*httptest.ResponseRecorder

	passed bool
}

func ask(g *Guard, method, authorization string, body io.Reader) asked {
	gin.SetMode(gin.TestMode)
	router := gin.New()
	a := asked{ResponseRecorder: httptest.NewRecorder()}
	router.Use(g.Require)
	router.Handle(method, "/", func(c *gin.Context) { a.passed = true; c.Status(http.StatusOK) })
	r := httptest.NewRequest(method, "/", body)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	router.ServeHTTP(a.ResponseRecorder, r)
	return a
}

func newGuard(c Config) (*Guard, *prometheus.Registry, *bytes.Buffer) {
	var log bytes.Buffer
	reg := prometheus.NewRegistry()
	g := NewGuard(slog.New(slog.NewTextHandler(&log, nil)), reg)
	g.Use(c)
	return g, reg, &log
}

func TestWhoeverShowsATokenMayChangeSomething(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(file, []byte("# for the other Alertmanager\n\n  "+second+"  \r\n"), 0o600))
	g, reg, _ := newGuard(Config{BearerTokens: []commoncfg.Secret{first}, BearerTokensFile: file})
	for _, tc := range []struct {
		name, method, authorization string
		status                      int
		challenge                   string
	}{
		{"the first", "POST", "Bearer " + first, 200, ""},
		{"the one in the file", "POST", "Bearer " + second, 200, ""},
		{"a scheme has no case", "POST", "bearer " + first, 200, ""},
		{"who only reads", "GET", "", 200, ""},
		{"nothing", "POST", "", 401, `Bearer realm="notifier"`},
		{"nothing, by DELETE", "DELETE", "", 401, `Bearer realm="notifier"`},
		{"an empty one", "POST", "Bearer ", 401, `Bearer realm="notifier"`},
		{"a password", "POST", "Basic dTpw", 401, `Bearer realm="notifier"`},
		{"a wrong one", "POST", "Bearer " + strings.ToUpper(first), 401, `Bearer realm="notifier", error="invalid_token"`},
		{"a beginning", "POST", "Bearer " + first[:20], 401, `Bearer realm="notifier", error="invalid_token"`},
		{"a comment of the file", "POST", "Bearer # for the other Alertmanager", 401, `Bearer realm="notifier", error="invalid_token"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := ask(g, tc.method, tc.authorization, nil)
			assert.Equal(t, tc.status, a.Code)
			assert.Equal(t, tc.status == 200, a.passed)
			assert.Equal(t, tc.challenge, a.Header().Get("WWW-Authenticate"))
			if tc.status != 200 {
				assert.Contains(t, a.Body.String(), `"code":"unauthorized"`)
			}
		})
	}
	assert.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP notifier_http_unauthorized_total Requests refused because they showed no valid token (401), or because the file of tokens could not be read (503).
# TYPE notifier_http_unauthorized_total counter
notifier_http_unauthorized_total{code="401"} 7
notifier_http_unauthorized_total{code="503"} 0
`)))
}

func TestATokenIsChangedWithoutAGap(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	g, _, _ := newGuard(Config{BearerTokensFile: file})
	status := func(token string) int { return ask(g, "POST", "Bearer "+token, nil).Code }

	write(first)
	assert.Equal(t, []int{200, 401}, []int{status(first), status(second)})
	write(first + "\n" + second + "\n")
	assert.Equal(t, []int{200, 200}, []int{status(first), status(second)})
	write(second)
	assert.Equal(t, []int{401, 200}, []int{status(first), status(second)})
}

// Alertmanager sends again only after a 5xx, and nobody gets in meanwhile.
func TestTokensThatCannotBeReadLetNobodyIn(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"missing": "", "empty": "\n# none\n", "short": "planted", "large": strings.Repeat("planted-"+second+"\n", 64<<10/len(second))} {
		t.Run(name, func(t *testing.T) {
			c := Config{BearerTokens: []commoncfg.Secret{first}, BearerTokensFile: filepath.Join(dir, name)}
			if name != "missing" {
				require.NoError(t, os.WriteFile(c.BearerTokensFile, []byte(text), 0o600))
			}
			g, reg, log := newGuard(c)

			a := ask(g, "POST", "Bearer "+first, nil)

			assert.Equal(t, http.StatusServiceUnavailable, a.Code)
			assert.Equal(t, "5", a.Header().Get("Retry-After"))
			assert.Contains(t, a.Body.String(), `"code":"tokens_unreadable"`)
			assert.NotContains(t, a.Body.String(), dir)
			assert.Contains(t, log.String(), "web.bearer_tokens_file")
			assert.NotContains(t, log.String(), "planted")
			assert.Equal(t, 2, testutil.CollectAndCount(g.refused))
			_, err := reg.Gather()
			require.NoError(t, err)
			require.Error(t, c.Check())
			assert.NotContains(t, c.Check().Error(), "planted")
		})
	}
}

func TestP10NoTokenIsLoggedOrAnswered(t *testing.T) {
	g, _, log := newGuard(Config{BearerTokens: []commoncfg.Secret{first}})
	for range 1000 {
		a := ask(g, "POST", "Bearer "+second, nil)
		assert.NotContains(t, a.Body.String()+a.Header().Get("WWW-Authenticate"), "planted")
	}
	assert.NotContains(t, log.String(), "planted")
	assert.Contains(t, log.String(), "wrong bearer token")
	assert.Equal(t, 10, strings.Count(log.String(), "\n"), "whoever tries many does not fill the log")
}

type unread struct{ read bool }

func (u *unread) Read([]byte) (int, error) { u.read = true; return 0, errors.New("nobody reads this") }

func TestTheBodyOfAStrangerIsNotRead(t *testing.T) {
	g, _, _ := newGuard(Config{BearerTokens: []commoncfg.Secret{first}})
	body := &unread{}
	a := ask(g, "POST", "", body)
	assert.Equal(t, http.StatusUnauthorized, a.Code)
	assert.Equal(t, "close", a.Header().Get("Connection"))
	assert.False(t, body.read)
}

func TestNothingConfiguredIsOpen(t *testing.T) {
	g, _, _ := newGuard(Config{})
	assert.True(t, ask(g, "POST", "", nil).passed)
	assert.True(t, ask(g, "POST", "Bearer x", nil).passed)
	assert.False(t, Config{}.Guards())
	assert.NoError(t, Config{}.Check())
}

func TestValidate(t *testing.T) {
	problems := Config{BearerTokens: []commoncfg.Secret{first, "planted", "planted token with spaces", "planted==planted=planted", "0123456789abcdef=="}}.Validate()
	require.Len(t, problems, 3)
	for i, p := range problems {
		assert.Equal(t, []string{"bearer_tokens[1]", "bearer_tokens[2]", "bearer_tokens[3]"}[i], p.Path)
		assert.NotContains(t, p.Msg, "planted")
	}
	assert.Contains(t, problems[0].Msg, "at least 16 characters")
	assert.Contains(t, problems[1].Msg, "letters, digits")
}
