package rules

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	promrules "github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/strutil"

	"github.com/alertvitals/notifier/raise"
)

// outageTolerance is how long a stop may last after which a pending alert goes on where it was; Prometheus's default.
const outageTolerance = time.Hour

// shortestLease is for how long an alert is believed at least when its rule is evaluated no more; Prometheus's, too, are.
const shortestLease = 4 * time.Minute

// Samples is what rules read and write.
type Samples interface {
	storage.Queryable
	storage.Appendable
}

// Evaluator evaluates rules. Its methods may be called at the same time; Close comes last.
type Evaluator struct {
	manager *promrules.Manager
	loader  *loader
	hear    func(...raise.Alert)
	own     string
	cancel  context.CancelFunc
	stopped chan struct{}
	close   sync.Once

	evaluated, failed prometheus.Counter
}

// New evaluates nothing until Use says what. After each evaluation of a group of rules hear gets its alerts; it must not wait. The
// templates of rules see own, which is where people reach the notifier and may be nil, as the external URL.
func New(
	engine promql.QueryEngine, samples Samples, hear func(...raise.Alert), own *url.URL, logger *slog.Logger, reg prometheus.Registerer,
) *Evaluator {
	if own == nil {
		own = &url.URL{}
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &Evaluator{hear: hear, own: own.String(), loader: &loader{}, cancel: cancel, stopped: make(chan struct{})}
	e.evaluated = promauto.With(reg).NewCounter(prometheus.CounterOpts{
		Name: "notifier_rule_evaluations_total", Help: "Evaluations of the rules of rules_files.",
	})
	e.failed = promauto.With(reg).NewCounter(prometheus.CounterOpts{
		Name: "notifier_rule_evaluation_failures_total",
		Help: "Evaluations of the rules of rules_files that failed. What fired before still counts as firing.",
	})
	e.manager = promrules.NewManager(&promrules.ManagerOptions{
		QueryFunc: promrules.EngineQueryFunc(engine, samples),
		// What is to be told is read after each evaluation instead: that names what is pending, too.
		NotifyFunc:  func(context.Context, string, ...*promrules.Alert) {},
		ExternalURL: own,
		Context:     ctx,
		Appendable:  samples,
		Queryable:   samples,
		Logger:      slog.New(warnings{logger.Handler()}),
		// A pending alert goes on where it was before a restart, however short its `for` is: Prometheus begins anew when that is under
		// ten minutes, and what has fired would end and fire again.
		OutageTolerance: outageTolerance,
		ForGracePeriod:  0,
		ResendDelay:     time.Minute,
		GroupLoader:     e.loader,
		Parser:          ruleParser,
	})
	go func() {
		defer close(e.stopped)
		e.manager.Run()
	}()
	return e
}

// Use evaluates these files from now on, in place of those before: all or, with an error, none of them. Groups that are as before go on;
// of those that have changed, the alerts of rules with the same name and labels do.
func (e *Evaluator) Use(files Files, c Config) error {
	before := e.loader.set(files)
	err := e.manager.Update(time.Duration(c.WithDefaults().EvaluationInterval), files.names, labels.EmptyLabels(), e.own, e.evaluate)
	if err != nil {
		e.loader.set(before)
		return fmt.Errorf("putting the rules in use: %w", err)
	}
	return nil
}

// Close ends the evaluation.
func (e *Evaluator) Close() {
	e.close.Do(func() {
		e.cancel()
		e.manager.Stop()
		<-e.stopped
	})
}

// evaluate evaluates one group and says what has come of it.
func (e *Evaluator) evaluate(ctx context.Context, g *promrules.Group, at time.Time) {
	promrules.DefaultEvalIterationFunc(ctx, g, at)
	if ctx.Err() != nil {
		return // the end cuts evaluations off, which says nothing
	}
	var found []raise.Alert
	for _, rule := range g.Rules() {
		e.evaluated.Inc()
		if rule.Health() == promrules.HealthBad {
			e.failed.Inc()
		}
	}
	lease := max(4*g.Interval(), shortestLease)
	for _, rule := range g.AlertingRules() {
		link := strutil.TableLinkForExpression(rule.Query().String())
		rule.ForEachActiveAlert(func(a *promrules.Alert) {
			found = append(found, alertOf(a, link, lease))
		})
	}
	e.hear(found...)
}

func alertOf(a *promrules.Alert, link string, lease time.Duration) raise.Alert {
	found := raise.Alert{
		State: raise.Held, Labels: a.Labels.Map(), Annotations: a.Annotations.Map(),
		StartsAt: a.FiredAt.UTC(), GeneratorURL: link, Lease: lease,
	}
	switch a.State {
	case promrules.StateFiring:
		found.State = raise.Firing
	case promrules.StateInactive:
		found.State, found.EndsAt = raise.Resolved, a.ResolvedAt.UTC()
	default: // pending
	}
	return found
}

// loader gives the manager what was read and checked already, so that a file that changes meanwhile changes nothing.
type loader struct {
	mu    sync.Mutex
	files Files
}

func (l *loader) set(files Files) (before Files) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, l.files = l.files, files
	return before
}

// Load is part of promrules.GroupLoader.
func (l *loader) Load(name string, _ bool, _ model.ValidationScheme) (*rulefmt.RuleGroups, []error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if groups := l.files.groups[name]; groups != nil {
		return groups, nil
	}
	return nil, []error{errors.New("the rule file was not read")}
}

// Parse is part of promrules.GroupLoader.
func (*loader) Parse(query string) (parser.Expr, error) {
	return ruleParser.ParseExpr(query) //nolint:wrapcheck // it was parsed before
}

// warnings keeps to itself what the manager tells about its routine, and of the rest all that may hold labels of a series, which may be
// personal. Which rule it is about stays; the whole error of a template stands in what it should have made.
type warnings struct{ slog.Handler }

// Handle writes the record with its numbers and the words of its error.
func (h warnings) Handle(ctx context.Context, r slog.Record) error {
	told := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		switch {
		case a.Key == "err":
			told.AddAttrs(slog.String("err", withoutLabels(a.Value.String())))
		case a.Value.Kind() != slog.KindAny && a.Value.Kind() != slog.KindString:
			told.AddAttrs(a)
		}
		return true
	})
	return h.Handler.Handle(ctx, told) //nolint:wrapcheck // it is between two handlers
}

// inTemplate is where a template went wrong; what follows it may quote a value.
var inTemplate = regexp.MustCompile(`^.* executing ".*?" at <.*?>`)

// withoutLabels is what an error of Prometheus's says before it quotes a label: {name="value"}, or a value in a template.
func withoutLabels(text string) string {
	if where := inTemplate.FindString(text); where != "" {
		return where
	}
	if words, _, quotes := strings.Cut(text, "{"); quotes {
		return words + "{…}"
	}
	return text
}

func (h warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{h.Handler.WithAttrs(attrs)}
}

func (h warnings) WithGroup(name string) slog.Handler { return warnings{h.Handler.WithGroup(name)} }
