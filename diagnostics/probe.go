package diagnostics

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alertvitals/notifier/diagnostics/address"
	"github.com/alertvitals/notifier/diagnostics/exposition"
)

const (
	healthAccept = "application/json, text/plain;q=0.9, */*;q=0.1"
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

// maxBodyBytes is how much of a metrics body is read, decompressed. Agents that put a raw path or an id into a label grow without
// end.
const maxBodyBytes = 16 << 20

// scraped is one try to read an agent's metrics.
type scraped struct {
	at   time.Time
	took time.Duration
	exposition.Exposition
	// failed says why there are no metrics, in words for people; "" when there are.
	failed string
	// sources are what the agent's JSON endpoints gave; their samples are among the others.
	sources []sourced
	// answered is whether the agent itself said something about its metrics.
	answered bool
	// silent is whether whoever was asked for the metrics gave no answer at all.
	silent bool
	// leftOut is how many new series were not stored, as the agent has had too many.
	leftOut int
}

// current is how many samples are values of now.
func (s *scraped) current() int { return len(s.Samples) - s.Old }

// note is what is missing of a scrape that did not fail, in words for people.
func (s *scraped) note() string {
	if s.leftOut == 0 {
		return s.Note
	}
	note := Format(float64(s.leftOut), Short) + " new series are not kept: the agent has had too many"
	if s.Note != "" {
		note = s.Note + "; " + note
	}
	return note
}

// scrape reads the agent's metrics. Waited is how long ctx lets it take.
func (a *agent) scrape(ctx context.Context, at time.Time, waited time.Duration) scraped {
	began := time.Now()
	from := a.metricsURL()
	if from == "" {
		return scraped{at: at} // all its samples come from elsewhere
	}
	protobuf := a.format.protobuf()
	out := a.scrapeAs(ctx, at, waited, from, accept(protobuf))
	a.format.learn(protobuf, out)
	if protobuf && out.failed != "" && out.answered {
		out = a.scrapeAs(ctx, at, waited, from, accept(false))
	}
	out.took = time.Since(began)
	return out
}

func (a *agent) scrapeAs(ctx context.Context, at time.Time, waited time.Duration, from, accept string) scraped {
	got, err := fetch(ctx, a.client, from, accept, maxBodyBytes)
	out := scraped{at: at, answered: got.status == 200 || got.status >= 400 && got.status != 401 && got.status != 403}
	var broken unfinished
	cut := ""
	switch {
	case errors.Is(err, errTooLarge):
		cut = "the answer is larger than " + Format(maxBodyBytes, Bytes)
	case errors.As(err, &broken) && !broken.late() && len(got.body) > 0:
		cut = explain(err, a.metricsHost, waited)
	case err != nil:
		out.failed, out.answered = explain(err, a.metricsHost, waited), false
		out.silent = got.status == 0 && silence(err) == Down
		return out
	}
	switch {
	case got.status == 401, got.status == 403:
		out.failed = "needs credentials"
	case got.status == 404:
		out.failed = "not offered (404)"
	case got.status >= 300 && got.status < 400:
		out.failed = "redirects elsewhere, which is not followed"
	case got.status != 200:
		out.failed = fmt.Sprintf("answered %d", got.status)
	case cut != "":
		// What came is worth more than nothing, as long as it says that it is not all.
		out.Exposition = exposition.ReadCut(got.body, got.contentType, at, cut+"; the rest was not read")
		if len(out.Samples) == 0 {
			out.failed = cut
		}
	default:
		out.Exposition = exposition.Read(got.body, got.contentType, at)
		out.failed = out.Why
	}
	return out
}
