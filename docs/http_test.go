package docs

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/delivery"
	"github.com/alertvitals/notifier/routing"
	"github.com/alertvitals/notifier/web"
)

// parameter is gin's form of what stands for anything in a path.
var parameter = regexp.MustCompile(`:(\w+)`)

func TestThePageOfTheHTTPInterfaceNamesEveryPath(t *testing.T) {
	page, err := os.ReadFile("http.md")
	require.NoError(t, err)
	var named, routed []string
	for line := range strings.SplitSeq(string(page), "\n") {
		if strings.HasPrefix(line, "## ") {
			for _, found := range regexp.MustCompile("`([A-Z]+ /[^`]*)`").FindAllStringSubmatch(line, -1) {
				named = append(named, found[1])
			}
		}
	}
	router, _ := web.Router(web.Parts{
		Webhook: func(*gin.Context) {}, Metrics: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler),
	}).(*gin.Engine)
	for _, route := range router.Routes() {
		if route.Method != http.MethodHead { // as GET
			routed = append(routed, route.Method+" "+parameter.ReplaceAllString(route.Path, "{$1}"))
		}
	}
	slices.Sort(named)
	slices.Sort(routed)
	assert.Equal(t, routed, named)
}

func TestThePageOfTheHTTPInterfaceNamesEveryCode(t *testing.T) {
	page, err := os.ReadFile("http.md")
	require.NoError(t, err)
	errors, err := os.ReadFile("errors.md")
	require.NoError(t, err)
	for _, heading := range regexp.MustCompile(`(?m)^## (\w+)$`).FindAllStringSubmatch(string(errors), -1) {
		assert.Contains(t, string(page), "`"+heading[1]+"`")
	}
	for _, code := range regexp.MustCompile("(?m)[45]\\d\\d((?:(?:,|;| with `Retry-After`)? `[a-z_]+`)+)").FindAllStringSubmatch(string(page), -1) {
		for _, name := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(code[1], -1) {
			assert.Contains(t, string(errors), "\n## "+name[1]+"\n")
		}
	}
}

func TestTheExamplesOfTheHTTPInterfaceAreWhatIsSaid(t *testing.T) {
	page, err := os.ReadFile("http.md")
	require.NoError(t, err)
	into := map[string]any{
		"accepted":  &struct{ Status, ID string }{},
		"receivers": &struct{ Receivers []delivery.Receiver }{},
		"render":    &web.RenderRequest{},
		"routes":    &struct{ Route routing.Node }{},
		"labels":    &struct{ Labels map[string]string }{},
		"answer":    &routing.Answer{},
		"rendered": &struct {
			Rendered []struct{ Integration, To, Body string }
		}{},
	}
	examples := regexp.MustCompile("(?s)```json (\\w+)\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	require.Len(t, examples, len(into))
	for _, example := range examples {
		require.Contains(t, into, example[1])
		decoder := json.NewDecoder(bytes.NewReader([]byte(example[2])))
		decoder.DisallowUnknownFields()
		require.NoError(t, decoder.Decode(into[example[1]]), example[1])
	}
}
