package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/delivery"
)

// fakeDeliveries keeps what it was asked.
type fakeDeliveries struct {
	asked    delivery.Query
	found    []delivery.Delivery
	replayed []string
	err      error
}

var _ Deliveries = (*fakeDeliveries)(nil)

func (f *fakeDeliveries) List(_ context.Context, q delivery.Query) ([]delivery.Delivery, error) {
	f.asked = q
	return f.found, f.err
}

func (f *fakeDeliveries) Show(_ context.Context, id string) (delivery.Delivery, error) {
	return delivery.Delivery{ID: id, Status: delivery.Dead}, f.err
}

func (f *fakeDeliveries) Trace(_ context.Context, id string) (delivery.Trace, error) {
	return delivery.Trace{ID: id, Deliveries: []delivery.Delivery{{ID: id + "-aa", Status: delivery.Sent}}}, f.err
}

func (f *fakeDeliveries) Replay(ctx context.Context, id string) error {
	f.replayed = append(f.replayed, id)
	return errors.Join(f.err, ctx.Err())
}

func ask(ctx context.Context, f *fakeDeliveries, method, target string) *httptest.ResponseRecorder {
	router := Router(Parts{Deliveries: f, Metrics: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler)})
	answer := httptest.NewRecorder()
	router.ServeHTTP(answer, httptest.NewRequestWithContext(ctx, method, target, nil))
	return answer
}

func TestDeliveriesAreAskedFor(t *testing.T) {
	before := time.Date(2026, 3, 14, 9, 26, 53, 500_000_000, time.FixedZone("", 3600))
	for target, want := range map[string]delivery.Query{
		"":                   {Limit: 100},
		"?status=sent":       {Status: delivery.Sent, Limit: 100},
		"?status=suppressed": {Status: delivery.Suppressed, Limit: 100},
		"?receiver=a%20b&status=dead&alertname=X&limit=1000&before=2026-03-14T09:26:53.5%2B01:00": {
			Receiver: "a b", Status: delivery.Dead, Alertname: "X", Limit: 1000, Before: before,
		},
		"?status=retrying&limit=1":                   {Status: delivery.Retrying, Limit: 1},
		"?before=2026-03-14T09:26:53.5%2B01:00,7-aa": {Limit: 100, Before: before, AfterID: "7-aa"},
		"?status=&before=&limit=":                    {Limit: 100},
	} {
		t.Run(target, func(t *testing.T) {
			f := &fakeDeliveries{}
			answer := ask(t.Context(), f, http.MethodGet, "/api/v1/deliveries"+target)

			require.Equal(t, http.StatusOK, answer.Code, answer.Body)
			assert.JSONEq(t, `{"deliveries":[]}`, answer.Body.String())
			assert.True(t, want.Before.Equal(f.asked.Before))
			f.asked.Before = want.Before
			assert.Equal(t, want, f.asked)
		})
	}
}

func TestWrongParametersAreExplained(t *testing.T) {
	for target, message := range map[string]string{
		"?status=gone":          `status is \"gone\", want one of pending, retrying, sent, dead and suppressed`,
		"?limit=0":              `limit is \"0\", want a number from 1 to 1000`,
		"?limit=1001":           `want a number from 1 to 1000`,
		"?limit=%zz":            `the parameters cannot be read`,
		"?limit=many":           `want a number from 1 to 1000`,
		"?before=yesterday":     `before is \"yesterday\", want a time like 2026-03-14T09:26:53Z`,
		"?receivers=x":          `there is no parameter \"receivers\"; there are receiver, status`,
		"?before=%1b%5b31mevil": `\\x1b[31mevil`,
	} {
		t.Run(target, func(t *testing.T) {
			answer := ask(t.Context(), &fakeDeliveries{}, http.MethodGet, "/api/v1/deliveries"+target)

			assert.Equal(t, http.StatusBadRequest, answer.Code)
			assert.Contains(t, answer.Body.String(), message)
			assertCode(t, answer, "bad_parameter")
		})
	}
}

func TestDeliveriesAreListed(t *testing.T) {
	f := &fakeDeliveries{found: []delivery.Delivery{
		{ID: "2-b", Status: delivery.Retrying, Accepted: time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)}, {ID: "1-a", Status: delivery.Dead},
	}}

	answer := ask(t.Context(), f, http.MethodGet, "/api/v1/deliveries")

	assert.JSONEq(t, `{"deliveries":[
		{"id":"2-b","status":"retrying","accepted":"2026-03-14T09:00:00Z","notifications":0,"attempts":0},
		{"id":"1-a","status":"dead","accepted":"0001-01-01T00:00:00Z","notifications":0,"attempts":0}]}`, answer.Body.String())
}

func TestAFullAnswerSaysWhereTheNextOneBegins(t *testing.T) {
	at := time.Date(2026, 3, 14, 9, 0, 0, 123456789, time.UTC)
	f := &fakeDeliveries{found: []delivery.Delivery{{ID: "3-c", Accepted: at}, {ID: "4-d", Accepted: at}}}

	answer := ask(t.Context(), f, http.MethodGet, "/api/v1/deliveries?limit=2")

	var got struct{ Next string }
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &got))
	answer = ask(t.Context(), f, http.MethodGet, "/api/v1/deliveries?limit=3&before="+url.QueryEscape(got.Next))
	assert.Equal(t, delivery.Query{Limit: 3, Before: at, AfterID: "4-d"}, f.asked)
	assert.NotContains(t, answer.Body.String(), "next", "this is all")
}

func TestOneDeliveryIsShownAndReplayed(t *testing.T) {
	f := &fakeDeliveries{}

	answer := ask(t.Context(), f, http.MethodGet, "/api/v1/deliveries/7-aa")
	assert.Equal(t, http.StatusOK, answer.Code)
	assert.Contains(t, answer.Body.String(), `"id":"7-aa"`)

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	answer = ask(gone, f, http.MethodPost, "/api/v1/deliveries/7-aa/replay")
	assert.Equal(t, http.StatusAccepted, answer.Code, "whoever asked may leave")
	assert.JSONEq(t, `{"status":"accepted"}`, answer.Body.String())
	assert.Equal(t, []string{"7-aa"}, f.replayed)
}

func TestAWebhooksIDShowsAllThatCameOfIt(t *testing.T) {
	answer := ask(t.Context(), &fakeDeliveries{}, http.MethodGet, "/api/v1/deliveries/4711")
	assert.Equal(t, http.StatusOK, answer.Code)
	assert.JSONEq(t, `{"id":"4711","deliveries":[
		{"id":"4711-aa","status":"sent","notifications":0,"attempts":0,"accepted":"0001-01-01T00:00:00Z"}]}`, answer.Body.String())
}

func TestDeliveriesFailWithAReason(t *testing.T) {
	for _, tc := range []struct {
		err    error
		status int
		code   string
	}{
		{delivery.ErrNotFound, 404, "not_found"},
		{fmt.Errorf("replaying: %w", delivery.ErrNotDead), 409, "not_dead"},
		{delivery.ErrGoneIntegration, 409, "gone_integration"},
		{delivery.ErrReplayed, 409, "replayed"},
		{delivery.ErrGoneRecords, 409, "gone"},
		{delivery.ErrWebhook, 400, "bad_parameter"},
		{fmt.Errorf("replaying: %w: secret", delivery.ErrUnreadable), 409, "unreadable"},
		{errors.New("disk secret"), 503, "journal_unavailable"},
	} {
		for _, request := range [][2]string{
			{"GET", "/api/v1/deliveries"},
			{"GET", "/api/v1/deliveries/1-a"},
			{"GET", "/api/v1/deliveries/1"},
			{"POST", "/api/v1/deliveries/1-a/replay"},
		} {
			t.Run(tc.code+" "+request[1], func(t *testing.T) {
				answer := ask(t.Context(), &fakeDeliveries{err: tc.err}, request[0], request[1])

				assert.Equal(t, tc.status, answer.Code)
				assert.NotContains(t, answer.Body.String(), "secret")
				assertCode(t, answer, tc.code)
			})
		}
	}
}

func TestPageOfAnotherSiteChangesNothing(t *testing.T) {
	f := &fakeDeliveries{}
	router := Router(Parts{Deliveries: f, Metrics: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler)})
	for header, status := range map[string]int{"cross-site": 403, "same-origin": 202, "": 202} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/deliveries/1-a/replay", nil)
		if header != "" {
			request.Header.Set("Sec-Fetch-Site", header)
		}
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, request)
		assert.Equal(t, status, answer.Code, header)
		if status == http.StatusForbidden {
			assertCode(t, answer, "cross_origin")
		}
	}
	assert.Len(t, f.replayed, 2)
}

// assertCode is that an answer has a code that docs/errors.md explains.
func assertCode(t *testing.T, answer *httptest.ResponseRecorder, code string) {
	t.Helper()
	explained, err := os.ReadFile("../docs/errors.md")
	require.NoError(t, err)
	assert.Contains(t, answer.Body.String(), `"code":"`+code+`"`)
	assert.Contains(t, string(explained), "\n## "+code+"\n", "every code is explained")
}

func FuzzReadQuery(f *testing.F) {
	f.Add("receiver=a&status=dead&limit=5&before=2026-03-14T09:26:53Z")
	f.Add("limit=-1")
	f.Add("before=2026-13-40T99:99:99%2B99:99")
	gin.SetMode(gin.TestMode)
	f.Fuzz(func(t *testing.T, raw string) {
		c, _ := gin.CreateTestContext(httptest.NewRecorder())
		c.Request = &http.Request{URL: &url.URL{RawQuery: raw}}
		q, err := readQuery(c)
		if err != nil {
			require.LessOrEqual(t, len(err.Error()), 500, "what was sent is not repeated at length")
			return
		}
		require.Positive(t, q.Limit)
		require.LessOrEqual(t, q.Limit, MaxLimit)
	})
}
