package diagnostics

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/alertvitals/notifier/config/problem"
	"github.com/alertvitals/notifier/config/strict"
)

//go:embed profiles/*.yml
var profileFiles embed.FS

// embedded are the profiles that the program brings, in the order in which an agent is recognised: specific ones before
// general ones.
var embedded = mustEmbed(
	"aster-server", "agent-sdk", "opencode-article", "opencode-otel", "opencode", "claude-runner", "claude-code", "vllm", "litellm",
	"gen-ai", "go-runtime", "process",
)

// topics are what vitals and alerts can be about.
var topics = []string{"errors", "latency", "memory", "tokens", "cost", "capacity", "traffic", "runtime"}

// units are those that a vital can have.
var units = []Unit{Short, PercentUnit, Seconds, Bytes, PerSecond, Tokens, CurrencyUSD, USDPerHour, Text}

// mostProfiles and mostProfileBytes bound what user profiles may cost.
const (
	mostProfiles     = 200
	mostProfileBytes = 1 << 20
)

// mustEmbed reads embedded profiles. What is wrong with one is a mistake in this program, which its tests find.
func mustEmbed(names ...string) []*profile {
	var all []*profile
	for _, name := range names {
		text, err := profileFiles.ReadFile("profiles/" + name + ".yml")
		if err != nil {
			panic(err)
		}
		p, err := parseProfile(text)
		if err != nil {
			panic(fmt.Sprintf("profiles/%s.yml: %v", name, err))
		}
		all = append(all, p)
	}
	all, err := completed(all)
	if err != nil {
		panic(err)
	}
	return all
}

// profilesWith are the embedded profiles and the user's of the files that the patterns fit. A user's profile is looked at
// before the embedded ones, and one of an embedded one's name takes its place. The error says of every file what is wrong.
func profilesWith(patterns []string) ([]*profile, error) {
	if len(patterns) == 0 {
		return embedded, nil
	}
	var errs []error
	var specific, general []*profile
	count := 0
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: not a pattern of file names", pattern))
		case len(names) == 0 && !strings.ContainsAny(pattern, "*?["):
			errs = append(errs, fmt.Errorf("%s: there is no such file", pattern))
		}
		for _, name := range names {
			if count++; count > mostProfiles {
				return nil, fmt.Errorf("there are more than %d profiles", mostProfiles)
			}
			p, err := readProfile(name)
			switch {
			case err != nil:
				for line := range strings.SplitSeq(err.Error(), "\n") {
					errs = append(errs, fmt.Errorf("%s: %s", name, line))
				}
			case slices.ContainsFunc(slices.Concat(specific, general), func(other *profile) bool { return other.Name == p.Name }):
				errs = append(errs, fmt.Errorf("%s: there is another profile %q", name, p.Name))
			case p.General:
				general = append(general, p)
			default:
				specific = append(specific, p)
			}
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	all := slices.Clone(specific)
	for i, p := range embedded {
		if p.General && !embedded[i-1].General {
			all = append(all, general...)
		}
		if !slices.ContainsFunc(slices.Concat(specific, general), func(own *profile) bool { return own.Name == p.Name }) {
			all = append(all, p)
		}
	}
	return completed(all)
}

func readProfile(name string) (*profile, error) {
	// A pipe or a device may never end.
	switch info, err := os.Stat(name); {
	case err != nil:
		return nil, errors.New("the file cannot be read")
	case info.IsDir():
		return nil, errors.New("is a directory; write its files, as in " + filepath.Join(name, "*.yml"))
	case !info.Mode().IsRegular():
		return nil, errors.New("is no file that ends")
	case info.Size() > mostProfileBytes:
		return nil, errors.New("the file is larger than 1 MiB")
	}
	text, err := os.ReadFile(name)
	switch {
	case err != nil:
		return nil, errors.New("the file cannot be read")
	case len(bytes.TrimSpace(text)) == 0:
		return nil, errors.New("the file is empty")
	}
	return parseProfile(text)
}

var errIncludes = errors.New("includes one that there is not")

// completed checks what profiles say of each other.
func completed(all []*profile) ([]*profile, error) {
	for _, p := range all {
		for _, name := range p.Include {
			if profileNamed(all, name) == nil {
				return nil, fmt.Errorf("profile %q %w: %q", p.Name, errIncludes, name)
			}
		}
	}
	return all, nil
}

// parseProfile reads one profile. Everything that is wrong is said, a line for each, with its line in the file.
func parseProfile(text []byte) (*profile, error) {
	p := &profile{HealthPath: "/health", ReadyPath: "/ready", MetricsPath: "/metrics"}
	doc := strict.Read("", text, p, strict.Options{})
	var problems []problem.Problem
	for _, wrong := range p.compile() {
		problems = append(problems, problem.Problem{Path: strings.TrimPrefix(wrong.path, "$."), Msg: wrong.msg})
	}
	var wrong *strict.Error
	if !errors.As(doc.Err(problems), &wrong) {
		return p, nil
	}
	var lines []error
	for _, f := range wrong.Findings {
		lines = append(lines, fmt.Errorf("line %d: %s", f.Line, f.Msg))
	}
	return nil, errors.Join(lines...)
}

// profileError is what is wrong with one part of a profile.
type profileError struct {
	// path leads to the part, as in "$.vitals[2].expr".
	path string
	msg  string
}

func (e *profileError) Error() string { return e.path + ": " + e.msg }

var profileName = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,60}$`)

// compile checks the profile and parses its expressions. It says everything that is wrong.
func (p *profile) compile() []*profileError {
	var all []*profileError
	wrong := func(path, msg string) { all = append(all, &profileError{path, msg}) }
	if !profileName.MatchString(p.Name) || p.Name == profileAuto {
		wrong("$.name", "a profile needs a name of small letters, digits, '-', '_' and '.', other than \"auto\"")
	}
	if len(p.Recognise) == 0 && p.RecogniseHealth.Path == "" {
		wrong("$.recognise", "needs at least one name of a metric by which an agent is recognised, or recognise_health")
	}
	for _, path := range []struct{ key, is string }{
		{"health_path", p.HealthPath}, {"ready_path", p.ReadyPath}, {"metrics_path", p.MetricsPath},
	} {
		if path.is != "" && !strings.HasPrefix(path.is, "/") {
			wrong("$."+path.key, "must begin with / (or be empty: do not ask)")
		}
	}
	var err error
	if p.recognise, err = regexp.Compile("^(?:" + strings.Join(p.Recognise, "|") + ")$"); err != nil {
		wrong("$.recognise", "not names or regular expressions of names")
	}
	if err := p.Health.validate(); err != nil {
		wrong("$.health", err.Error())
	}
	for i, endpoint := range p.JSON {
		if err := endpoint.validate(); err != nil {
			wrong(fmt.Sprintf("$.json[%d]", i), err.Error())
		}
	}
	for i := range p.Vitals {
		if err := p.Vitals[i].compile(); err != nil {
			wrong(fmt.Sprintf("$.vitals[%d].%s", i, err.path), err.msg)
		}
		if slices.ContainsFunc(p.Vitals[:i], func(v vitalSpec) bool { return v.Name == p.Vitals[i].Name }) {
			wrong(fmt.Sprintf("$.vitals[%d].name", i), fmt.Sprintf("there is another vital %q", p.Vitals[i].Name))
		}
	}
	for i := range p.Tables {
		if err := p.Tables[i].compile(); err != nil {
			wrong(fmt.Sprintf("$.tables[%d].%s", i, err.path), err.msg)
		}
	}
	share(p.expressions())
	return all
}

// expressions are those that are evaluated for a snapshot.
func (p *profile) expressions() []*expression {
	var all []*expression
	for _, v := range p.Vitals {
		all = append(all, v.when)
		for _, w := range v.ways {
			if w.histogram == nil { // its buckets serve all of its quantiles
				all = append(all, w.current, w.sinceStart)
			}
		}
	}
	for _, t := range p.Tables {
		for _, r := range t.rankings {
			all = append(all, r.expr, r.of, r.sinceStart, r.ofSinceStart)
		}
	}
	return slices.DeleteFunc(all, func(e *expression) bool { return e == nil })
}

// compile checks the vital and parses its expressions; the path of an error begins at the vital.
func (v *vitalSpec) compile() *profileError {
	if problem := v.check(); problem != nil {
		return problem
	}
	var err error
	if v.when, err = parseExpression(v.When); err != nil {
		return &profileError{"when", err.Error()}
	}
	if v.warn, err = parseThreshold(v.Warn); err != nil {
		return &profileError{"warn", err.Error()}
	}
	if v.crit, err = parseThreshold(v.Crit); err != nil {
		return &profileError{"crit", err.Error()}
	}
	if len(v.Histogram) > 0 {
		if v.ways, err = histogramWays(v.Histogram, v.Quantile, v.Scale); err != nil {
			return &profileError{"histogram", err.Error()}
		}
		return nil
	}
	for i := range max(len(v.Expr), len(v.SinceStart)) {
		var w way
		if w.current, err = parseExpression(v.Expr.at(i)); err != nil {
			return &profileError{"expr", err.Error()}
		}
		if w.sinceStart, err = parseExpression(v.SinceStart.at(i)); err != nil {
			return &profileError{"since_start", err.Error()}
		}
		if w.current != nil || w.sinceStart != nil {
			v.ways = append(v.ways, w)
		}
	}
	return nil
}

// check is what is wrong with the vital besides its expressions.
func (v *vitalSpec) check() *profileError {
	switch {
	case strings.TrimSpace(v.Name) == "":
		return &profileError{"name", "a vital needs a name"}
	case !slices.Contains(units, v.Unit):
		return &profileError{"unit", fmt.Sprintf("there is no unit %q; there are: %s", v.Unit, unitNames())}
	case (v.Label != "") != (v.Unit == Text):
		return &profileError{"label", "unit string and label belong together"}
	case len(v.Histogram) > 0 && (len(v.Expr)+len(v.SinceStart) > 0 || v.Quantile <= 0 || v.Quantile >= 1):
		return &profileError{"histogram", "goes with a quantile between 0 and 1 (0.95), in place of expr and since_start"}
	case len(v.Histogram) == 0 && (v.Quantile != 0 || v.Scale != 0):
		return &profileError{"quantile", "quantile and scale go with a histogram"}
	case len(v.Expr)+len(v.SinceStart)+len(v.Histogram) == 0 && v.Absent == "":
		return &profileError{"expr", "a vital needs an expr, or since_start, or a histogram, or it must say why it is absent"}
	case v.When != "" && v.Note == "":
		return &profileError{"when", "says when a note stands there: write the note, too"}
	case v.NeverSet && (len(v.Expr) == 0 || strings.Contains(strings.Join(v.Expr, " "), "$__")):
		return &profileError{"never_set", "is for an expr of gauges"}
	}
	if v.asked {
		return nil // it is shown for every alert
	}
	return wrongTopics(v.Topics)
}

func wrongTopics(of []string) *profileError {
	if len(of) == 0 {
		return &profileError{"topics", "needs at least one topic of: " + strings.Join(topics, ", ")}
	}
	for _, topic := range of {
		if !slices.Contains(topics, topic) {
			return &profileError{"topics", fmt.Sprintf("there is no topic %q; there are: %s", topic, strings.Join(topics, ", "))}
		}
	}
	return nil
}

// unitNames are those of numbers.
func unitNames() string {
	var names []string
	for _, u := range units {
		if u != Text {
			names = append(names, string(u))
		}
	}
	return strings.Join(names, ", ")
}

// compile checks the table and parses its expressions; the path of an error begins at the table.
func (t *tableSpec) compile() *profileError {
	switch {
	case strings.TrimSpace(t.Name) == "":
		return &profileError{"name", "a table needs a name"}
	case !slices.Contains(units, t.Unit) || t.Unit == Text:
		return &profileError{"unit", fmt.Sprintf("a table has no unit %q; there are: %s", t.Unit, unitNames())}
	case len(t.By) == 0:
		return &profileError{"by", "a table needs the labels by which its rows are named"}
	case len(t.Expr)+len(t.SinceStart) == 0:
		return &profileError{"expr", "a table needs an expr or since_start"}
	}
	for i := range max(len(t.Expr), len(t.SinceStart)) {
		var r ranking
		for _, part := range []struct {
			key  string
			text string
			to   **expression
		}{
			{"expr", t.Expr.at(i), &r.expr},
			{"of", t.Of.at(i), &r.of},
			{"since_start", t.SinceStart.at(i), &r.sinceStart},
			{"of_since_start", t.OfSinceStart.at(i), &r.ofSinceStart},
		} {
			var err error
			if *part.to, err = parseExpression(part.text); err != nil {
				return &profileError{part.key, err.Error()}
			}
		}
		t.rankings = append(t.rankings, r)
	}
	return wrongTopics(t.Topics)
}

// profileNamed is nil when there is none of that name.
func profileNamed(all []*profile, name string) *profile {
	if i := slices.IndexFunc(all, func(p *profile) bool { return p.Name == name }); i >= 0 {
		return all[i]
	}
	return nil
}

func profileNames(all []*profile) []string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	return names
}

// fitting are the profiles of the kinds that an agent may be that reports metrics of these names.
func fitting(all []*profile, names []string) []*profile {
	var fit []*profile
	for _, p := range all {
		if p.fits(names) {
			fit = append(fit, p)
		}
	}
	return fit
}

// kinds are the profiles by which an agent is read that these fit: the one that it is configured to have, or the first that fits;
// those that this one includes; and the general ones that fit too. It is empty when none fits.
func kinds(all []*profile, configured *profile, fit []*profile) []*profile {
	var chosen []*profile
	var add func(p *profile, depth int)
	add = func(p *profile, depth int) {
		if p == nil || depth > len(all) || slices.Contains(chosen, p) {
			return
		}
		chosen = append(chosen, p)
		for _, name := range p.Include {
			add(profileNamed(all, name), depth+1)
		}
	}
	add(configured, 0)
	for _, p := range fit {
		if len(chosen) == 0 || p.General {
			add(p, 0)
		}
	}
	return chosen
}
