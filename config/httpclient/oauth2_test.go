package httpclient

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	commoncfg "github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The race detector would find what the library does without it.
func TestRequestsThatFetchATokenComeOneAfterTheOther(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"access_token": "t", "token_type": "bearer", "expires_in": 3600}`))
			return
		}
		assert.Equal(t, "Bearer t", r.Header.Get("Authorization"))
	}))
	defer server.Close()
	c := &Config{OAuth2: &commoncfg.OAuth2{ClientID: "i", ClientSecret: "s", TokenURL: server.URL + "/token"}}
	require.Empty(t, c.Validate())
	common := c.Common()
	require.NoError(t, common.Validate())
	client, err := commoncfg.NewClientFromConfig(common, "test")
	require.NoError(t, err)
	c.OneAtATime(client)
	defer client.CloseIdleConnections()

	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			resp, err := client.Get(server.URL)
			if assert.NoError(t, err) {
				_ = resp.Body.Close()
			}
		})
	}
	all.Wait()
}

func TestAClientWithoutOAuth2StaysAsItIs(t *testing.T) {
	client := &http.Client{}
	(*Config)(nil).OneAtATime(client)
	(&Config{}).OneAtATime(client)
	assert.Nil(t, client.Transport)
}
