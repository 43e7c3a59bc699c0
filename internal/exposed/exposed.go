package exposed

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/promql/parser"
)

//go:embed bodies/*.txt
var bodies embed.FS

// Sample is one line of a body.
type Sample struct {
	Labels labels.Labels
	Value  float64
}

// Series are the labels of all series that the bodies of a system have: of NAME.txt and, where there is one, of NAME-direct.txt, which is
// the same program by an exporter of its own. A system without a body is an error.
func Series(system string) ([]labels.Labels, error) {
	var all []labels.Labels
	for _, name := range []string{system, system + "-direct"} {
		body, err := fs.ReadFile(bodies, "bodies/"+name+".txt")
		if errors.Is(err, fs.ErrNotExist) && name != system {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("there is no body of %s: %w", system, err)
		}
		samples, err := Parse(body)
		if err != nil {
			return nil, fmt.Errorf("reading the body of %s: %w", name, err)
		}
		for _, s := range samples {
			all = append(all, s.Labels)
		}
	}
	return all, nil
}

// Names are the names of the series, each once.
func Names(series []labels.Labels) []string {
	var names []string
	for _, s := range series {
		names = append(names, s.Get(model.MetricNameLabel))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Parse reads a body in Prometheus's text format.
func Parse(body []byte) ([]Sample, error) {
	p, err := textparse.New(body, "text/plain", labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		return nil, err
	}
	var samples []Sample
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return samples, nil
		}
		if err != nil {
			return nil, err
		}
		if entry != textparse.EntrySeries {
			continue
		}
		var l labels.Labels
		p.Labels(&l)
		_, _, value := p.Series()
		samples = append(samples, Sample{l, value})
	}
}

// Unknown are the selectors of an expression that fit none of the series. Labels that Prometheus gives a target, job and instance, are
// not in a body and are left out of the comparison; so are the selectors of the names in but.
func Unknown(expr parser.Expr, series []labels.Labels, but ...string) []string {
	var unknown []string
	for _, selector := range parser.ExtractSelectors(expr) {
		if slices.ContainsFunc(selector, func(m *labels.Matcher) bool {
			return m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual && slices.Contains(but, m.Value)
		}) {
			continue
		}
		if !slices.ContainsFunc(series, func(s labels.Labels) bool { return fits(selector, s) }) {
			unknown = append(unknown, written(selector))
		}
	}
	return unknown
}

func fits(selector []*labels.Matcher, series labels.Labels) bool {
	for _, m := range selector {
		if m.Name != "job" && m.Name != "instance" && !m.Matches(series.Get(m.Name)) {
			return false
		}
	}
	return true
}

func written(selector []*labels.Matcher) string {
	var parts []string
	for _, m := range selector {
		parts = append(parts, m.String())
	}
	return "{" + strings.Join(parts, ",") + "}"
}
