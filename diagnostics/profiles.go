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

	"github.com/goccy/go-yaml"
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
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
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

// parseProfile reads one profile. What is wrong is said with its line.
func parseProfile(text []byte) (p *profile, err error) {
	defer func() {
		// The library panics on some things that no profile has, such as a list that is only a tag.
		if recover() != nil {
			p, err = nil, errors.New("this cannot be read as YAML: take out tags (!), anchors (&) and aliases (*)")
		}
	}()
	p = &profile{HealthPath: "/health", ReadyPath: "/ready", MetricsPath: "/metrics"}
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(p); err != nil {
		return nil, fmt.Errorf("reading the YAML: %w", shortYAML(err))
	}
	if err := p.compile(); err != nil {
		return nil, fmt.Errorf("line %d: %w", err.line(text), err)
	}
	return p, nil
}

// shortYAML is a YAML error on one line: where, and what.
func shortYAML(err error) error {
	first, _, _ := strings.Cut(strings.TrimSpace(yaml.FormatError(err, false, false)), "\n")
	return errors.New(first)
}

// profileError is what is wrong with one part of a profile.
type profileError struct {
	// path leads to the part, as in "$.vitals[2].expr".
	path string
	msg  string
}

func (e *profileError) Error() string { return strings.TrimPrefix(e.path, "$.") + ": " + e.msg }

// line is where the part stands, 1 when it is missing.
func (e *profileError) line(source []byte) int {
	for at := e.path; at != "" && at != "$"; at = at[:max(strings.LastIndexAny(at, ".["), 0)] {
		path, err := yaml.PathString(at)
		if err != nil {
			continue
		}
		if node, err := path.ReadNode(bytes.NewReader(source)); err == nil && node != nil {
			return node.GetToken().Position.Line
		}
	}
	return 1
}

var profileName = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,60}$`)

// compile checks the profile and parses its expressions.
func (p *profile) compile() *profileError {
	switch {
	case !profileName.MatchString(p.Name) || p.Name == profileAuto:
		return &profileError{"$.name", "a profile needs a name of small letters, digits, '-', '_' and '.', other than \"auto\""}
	case len(p.Recognise) == 0 && p.RecogniseHealth.Path == "":
		return &profileError{"$.recognise", "needs at least one name of a metric by which an agent is recognised, or recognise_health"}
	}
	for name, path := range map[string]string{"health_path": p.HealthPath, "ready_path": p.ReadyPath, "metrics_path": p.MetricsPath} {
		if path != "" && !strings.HasPrefix(path, "/") {
			return &profileError{"$." + name, "must begin with / (or be empty: do not ask)"}
		}
	}
	var err error
	if p.recognise, err = regexp.Compile("^(?:" + strings.Join(p.Recognise, "|") + ")$"); err != nil {
		return &profileError{"$.recognise", "not names or regular expressions of names"}
	}
	if err := p.Health.validate(); err != nil {
		return &profileError{"$.health", err.Error()}
	}
	for i, endpoint := range p.JSON {
		if err := endpoint.validate(); err != nil {
			return &profileError{fmt.Sprintf("$.json[%d]", i), err.Error()}
		}
	}
	for i := range p.Vitals {
		if err := p.Vitals[i].compile(); err != nil {
			return &profileError{fmt.Sprintf("$.vitals[%d].%s", i, err.path), err.msg}
		}
		if slices.ContainsFunc(p.Vitals[:i], func(v vitalSpec) bool { return v.Name == p.Vitals[i].Name }) {
			return &profileError{fmt.Sprintf("$.vitals[%d].name", i), fmt.Sprintf("there is another vital %q", p.Vitals[i].Name)}
		}
	}
	for i := range p.Tables {
		if err := p.Tables[i].compile(); err != nil {
			return &profileError{fmt.Sprintf("$.tables[%d].%s", i, err.path), err.msg}
		}
	}
	return nil
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
	case (v.When == "") != (v.Note == ""):
		return &profileError{"when", "when and note belong together"}
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
