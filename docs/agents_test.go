package docs

import (
	"encoding/json"
	"net/url"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/config"
	"github.com/alertvitals/notifier/diagnostics/address"
)

// The examples are pasted: each is a whole configuration, and each of its links leads where it says.
func TestTheExamplesOfAgentsWork(t *testing.T) {
	page, err := os.ReadFile("agents.md")
	require.NoError(t, err)
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	require.Len(t, examples, 3)
	filled := map[string]*url.URL{}
	now := time.Date(2026, 3, 14, 9, 41, 0, 0, time.UTC)
	labels := map[string]string{"job": `as"ter`, "instance": "aster-0:8080"}
	data := address.NewLinkData(labels, now.Add(-27*time.Minute), time.Time{}, now)
	for _, example := range examples {
		cfg, err := config.Load("agents.md", []byte(example[1]))
		require.NoError(t, err)
		for _, link := range cfg.Agents[0].Links {
			template, err := address.ParseLink(link.Value.(string))
			require.NoError(t, err)
			u, err := url.Parse(template.Of(data))
			require.NoError(t, err)
			filled[link.Key.(string)] = u
		}
	}
	require.Len(t, filled, 3)

	var panes map[string]struct {
		Datasource string
		Queries    []struct{ RefID, Expr string }
		Range      struct{ From, To string }
	}
	require.NoError(t, json.Unmarshal([]byte(filled["Logs"].Query().Get("panes")), &panes))
	assert.Equal(t, `{job="as\"ter", instance="aster-0:8080"}`, panes["a"].Queries[0].Expr)
	assert.Equal(t, "1773478740000", panes["a"].Range.From)
	assert.Equal(t, "1773481260000", panes["a"].Range.To)

	traces := filled["Traces"].Query()
	assert.Equal(t, []string{"jaeger.example.com", `as"ter`, "1773478740000000", `{"error":"true"}`},
		[]string{filled["Traces"].Host, traces.Get("service"), traces.Get("start"), traces.Get("tags")})
	dashboard := filled["Dashboard"].Query()
	assert.Equal(t, []string{"aster-0:8080", "1773478740000"}, []string{dashboard.Get("var-instance"), dashboard.Get("from")})
}
