package diagnostics

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alertvitals/notifier/diagnostics/address"
)

const (
	// metricsAccept asks for the text format, and for names that fit into it: an escaping parameter would change them.
	metricsAccept = "text/plain;version=0.0.4;q=1,*/*;q=0.1"
	healthAccept  = "application/json, text/plain;q=0.9, */*;q=0.1"
	// maxHealthBytes is far more than a health body has.
	maxHealthBytes = 256 << 10
)

// probe asks a health or readiness endpoint. Waited is how long ctx lets it take.
func (a *agent) probe(ctx context.Context, path string, waited time.Duration) Check {
	began := time.Now()
	got, err := fetch(ctx, a.client, a.base+path, healthAccept, maxHealthBytes)
	check := readHealth(got, a.paths().Health)
	switch {
	case err != nil && got.status == 0, err != nil && !errors.Is(err, errTooLarge):
		check = Check{Verdict: silence(err), StatusCode: got.status, Note: explain(err, a.instance, waited)}
	case err != nil:
		check = Check{Verdict: Unclear, StatusCode: got.status, Note: explain(err, a.instance, waited)}
	}
	check.Path = path
	check.TookSeconds = time.Since(began).Seconds()
	return check
}

// silence is what it means for an agent that it gave no answer: nothing, when it was not asked.
func silence(err error) Verdict {
	if _, refused := errors.AsType[address.Refused](err); refused {
		return Unclear
	}
	return Down
}

// scraped is one try to read an agent's metrics.
type scraped struct {
	at   time.Time
	took time.Duration
	exposition
	// failed says why there are no metrics, in words for people; "" when there are.
	failed string
	// sources are what the agent's JSON endpoints gave; their samples are among the others.
	sources []sourced
}

// scrape reads the agent's metrics. Waited is how long ctx lets it take.
func (a *agent) scrape(ctx context.Context, at time.Time, waited time.Duration) scraped {
	began := time.Now()
	out := scraped{at: at}
	from := a.metricsURL()
	if from == "" {
		return out // all its samples come from elsewhere
	}
	got, err := fetch(ctx, a.client, from, metricsAccept, maxBodyBytes)
	switch {
	case errors.Is(err, errTooLarge):
		out.failed = "the answer is larger than " + Format(maxBodyBytes, Bytes)
	case err != nil:
		out.failed = explain(err, a.metricsHost, waited)
	case got.status == 401, got.status == 403:
		out.failed = "needs credentials"
	case got.status == 404:
		out.failed = "not offered (404)"
	case got.status >= 300 && got.status < 400:
		out.failed = "redirects elsewhere, which is not followed"
	case got.status != 200:
		out.failed = fmt.Sprintf("answered %d", got.status)
	default:
		out.exposition = readExposition(got.body, got.contentType, at)
		out.failed = out.why
	}
	out.took = time.Since(began)
	return out
}
