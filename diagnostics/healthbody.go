package diagnostics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"mime"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alertvitals/notifier/diagnostics/jsonbody"
)

// Limits on what is kept of an answer: it goes in front of people.
const (
	maxWordRunes = 80
	maxFailing   = 8
)

// words are what health endpoints call their states, in lower case. Among them are those of Spring Boot
// (https://docs.spring.io/spring-boot/reference/actuator/endpoints.html#actuator.endpoints.health), of the draft of
// application/health+json (https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check-06) and of gRPC
// (https://github.com/grpc/grpc/blob/master/doc/health-checking.md).
var words = map[string]Verdict{
	"ok": Up, "okay": Up, "healthy": Up, "up": Up, "ready": Up, "pass": Up, "passing": Up, "passed": Up, "alive": Up, "live": Up,
	"serving": Up, "running": Up, "success": Up, "operational": Up, "available": Up, "connected": Up, "green": Up, "true": Up,
	"i'm alive": Up, "pong": Up, "imok": Up, "ollama is running": Up,
	// Of the OpenTelemetry Collector, of Prometheus, and of Qdrant and Kubernetes:
	// https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/healthcheckextension
	"server available": Up, "server not available": Down, "prometheus server is healthy": Up, "prometheus server is ready": Up,
	"healthz check passed": Up, "livez check passed": Up, "readyz check passed": Up,
	"healthz check failed": Down, "livez check failed": Down, "readyz check failed": Down,
	"degraded": Degraded, "warn": Degraded, "warning": Degraded, "partial": Degraded, "yellow": Degraded,
	"starting": Degraded, "initializing": Degraded, "initialising": Degraded, "loading": Degraded,
	"down": Down, "unhealthy": Down, "fail": Down, "failed": Down, "failing": Down, "error": Down, "critical": Down,
	"out_of_service": Down, "not ready": Down, "not_ready": Down, "notready": Down, "unavailable": Down, "stopped": Down,
	"stopping": Down, "shutting_down": Down, "shutting down": Down, "draining": Down, "terminating": Down, "disconnected": Down,
	"dead": Down, "not ok": Down, "not healthy": Down, "not live": Down, "not alive": Down, "not connected": Down,
	"not_serving": Down, "not serving": Down, "service_unknown": Down, "red": Down, "false": Down,
}

// The keys under which health bodies say their state, and under which they tell of their checks; the first that is there counts.
var (
	stateKeys = []string{"status", "state", "health", "healthy", "ready", "ok", "alive", "connected"}
	checkKeys = []string{"checks", "components", "details", "services", "dependencies", "entries"}
)

// errorKeys are the keys of what went wrong, codeKeys those of what some bodies repeat of the status code, or say in its place, where
// that is a number.
var (
	errorKeys = []string{"error", "errors"}
	codeKeys  = []string{"code", "status_code", "statusCode", "status"}
)

const (
	notesNothing = "says nothing of its health"
	notesError   = "tells of an error"
	notesBoth    = "says that it is well, and what sounds unwell"
	notesUnknown = "says a word that is not known"
)

// readHealth says what the answer of a health or readiness endpoint means, by the profile's own rules where it has some. Only
// known words for states and the names of checks are kept: the texts of errors leak addresses, paths and more.
func readHealth(got answer, rules healthRules) Check {
	check := Check{StatusCode: got.status}
	unclear := func(note string) Check {
		check.Verdict, check.Note = Unclear, note
		return check
	}
	switch {
	case got.status == 401, got.status == 403:
		return unclear("needs credentials")
	case got.status == 404, got.status == 410:
		check.Verdict = NotOffered
		return check
	case got.status == 429:
		return unclear("asked too often for its limit (429)")
	case got.status >= 300 && got.status < 400:
		return unclear("redirects elsewhere, which is not followed")
	case got.status < 200, got.status >= 400 && got.status < 500:
		return unclear(fmt.Sprintf("answered %d", got.status))
	case got.status >= 500:
		check.Verdict, check.Note = Down, fmt.Sprintf("answered %d", got.status)
	default:
		check.Verdict = Up
	}
	body := bytes.TrimSpace(bytes.TrimPrefix(got.body, []byte("\ufeff")))
	mediaType, _, _ := mime.ParseMediaType(got.contentType)
	isJSON := mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
	switch {
	case isPage(body, mediaType):
		check.doubt("answered an HTML page")
	case rules.JSON && (!isJSON || !json.Valid(body)):
		check.doubt("answered something else than JSON")
	case len(body) == 0:
		// An empty 200 is how some servers say that they are well.
	case json.Valid(body):
		check.readJSON(body, rules)
	case bytes.HasPrefix(body, []byte("[+]")), bytes.HasPrefix(body, []byte("[-]")):
		// A line for each check, and what they come to: https://kubernetes.io/docs/reference/using-api/health-checks/
		check.readText(string(body[bytes.LastIndexByte(body, '\n')+1:]))
	case body[0] == '{', body[0] == '[':
		check.doubt("answered broken JSON")
	default:
		check.readText(string(body))
	}
	return check
}

// isPage is whether a body is a web page. Some frameworks call plain words HTML too; those have no tag.
func isPage(body []byte, mediaType string) bool {
	if bytes.HasPrefix(body, []byte("<")) {
		return true
	}
	html := mediaType == "text/html" || mediaType == "application/xhtml+xml"
	return html && bytes.ContainsRune(body, '<')
}

// doubt says that the answer tells nothing of the agent's health; a status code that says enough stands.
func (c *Check) doubt(note string) {
	if c.Verdict == Up {
		c.Verdict, c.Note = Unclear, note
	}
}

// worsen is a verdict from another part of the answer.
func (c *Check) worsen(to Verdict, note string) {
	badness := []Verdict{Up, Unclear, Degraded, Down}
	if slices.Index(badness, to) > slices.Index(badness, c.Verdict) {
		c.Verdict, c.Note = to, note
	}
}

// say takes the word for a state. A word can make worse what the status code said, and a 5xx milder, but only as far as
// degraded. It is false when the word is not known.
func (c *Check) say(text string) bool {
	lead := leadOf(text)
	verdict := verdictOf(stateAlone(lead))
	if verdict == "" {
		return false
	}
	c.Says = lead
	if c.Verdict != Down || verdict != Up {
		c.Verdict = verdict
	}
	return true
}

// verdictOf is what a state means; "" when that is not known.
func verdictOf(state string) Verdict {
	parts := fraction.FindStringSubmatch(state)
	if parts == nil {
		return words[strings.ToLower(state)]
	}
	// Without leading zeros, which are not matched, the shorter number is the smaller.
	ready, of := parts[1], parts[2]
	switch {
	case ready == of:
		return Up
	case ready == "0":
		return Down
	case len(ready) < len(of) || len(ready) == len(of) && ready < of:
		return Degraded
	}
	return ""
}

// fraction is a state such as "2/3" or "2/3 ready": so many of so many are ready. Elsewhere than in a state, so many may as well be taken.
var fraction = regexp.MustCompile(`^(0|[1-9][0-9]{0,5}) ?/ ?([1-9][0-9]{0,5})(?i: (?:ready|healthy|up|alive|available|running|ok))?$`)

// leadOf is the state in "unhealthy: database unreachable".
func leadOf(text string) string {
	if i := strings.IndexAny(text, ":;,("); i > 0 {
		text = text[:i]
	}
	return strings.TrimSpace(text)
}

// stateAlone is a state without what ends a sentence.
func stateAlone(state string) string { return strings.TrimRight(state, ".! ") }

func (c *Check) readText(text string) {
	first := word(text)
	switch {
	case first == "":
		c.doubt("answered something unreadable")
	case fraction.MatchString(stateAlone(leadOf(first))), !c.say(first):
		// Not shown: it may be the text of an error.
		c.doubt("says something that is not known")
	case c.Verdict == Up && soundsUnwell(strings.TrimPrefix(strings.TrimSpace(text), leadOf(first))):
		c.doubt(notesBoth)
	}
}

// soundsUnwell is whether a text has a word for a state that is not well, as in "OK: database down" and "healthy: false".
func soundsUnwell(text string) bool {
	notLetter := func(r rune) bool { return !unicode.IsLetter(r) && r != '_' }
	return slices.ContainsFunc(strings.FieldsFunc(strings.ToLower(text), notLetter), func(word string) bool {
		verdict := words[word]
		return verdict == Degraded || verdict == Down
	})
}

// loneWord is what may be shown of a state that is not known.
var loneWord = regexp.MustCompile(`^\p{L}{1,12}(_\p{L}{1,12}){0,2}$`)

// readJSON reads the shapes of health bodies that agents and frameworks use: {"status": …, "checks": {…}}, {"healthy": true},
// Spring Boot's {"status": "UP", "components": {…}}, application/health+json's lists of checks, {"data": {"status": …}}, and
// a plain string.
func (c *Check) readJSON(body []byte, rules healthRules) {
	var text string
	if json.Unmarshal(body, &text) == nil && body[0] == '"' {
		c.readText(text)
		return
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil {
		c.doubt(notesNothing)
		return
	}
	c.Version = versionOf(body, rules)
	outer, state := object, stateIn(object)
	// "success" around data is said of the request alone: https://github.com/omniti-labs/jsend
	if state == "" || strings.EqualFold(state, "success") {
		var wrapped map[string]json.RawMessage
		if json.Unmarshal(object["data"], &wrapped) == nil {
			if inner := stateIn(wrapped); inner != "" {
				object, state = wrapped, inner
			}
		}
	}
	for _, key := range checkKeys {
		if c.Failing = failing(object[key]); len(c.Failing) > 0 {
			break
		}
	}
	switch {
	case state == "" && len(c.Failing) == 0:
		c.doubt(notesNothing)
	case state == "": // its checks speak
	case !c.say(state):
		c.doubt(notesUnknown)
		if loneWord.MatchString(state) {
			c.Says = state
		}
	case c.Verdict == Up && soundsUnwell(strings.TrimPrefix(state, leadOf(state))):
		c.doubt(notesBoth)
	}
	switch c.Says {
	case "true":
		c.Says = "healthy"
	case "false":
		c.Says = "not healthy"
	}
	if len(c.Failing) > 0 {
		c.worsen(Degraded, "")
	}
	c.takeBack(object)
	c.takeBack(outer)
	c.apply(body, rules)
}

// takeBack makes milder what the first word said where another field says the opposite: {"status": "ok", "connected": false}. A code
// speaks where no word does, too: {"status": 503}.
func (c *Check) takeBack(object map[string]json.RawMessage) {
	for _, key := range codeKeys {
		var number json.Number
		if json.Unmarshal(object[key], &number) != nil {
			continue
		}
		if code, err := number.Float64(); err == nil && code >= 400 && code < 600 && code == math.Trunc(code) {
			c.worsen(Degraded, fmt.Sprintf("tells of the code %.0f", code))
		}
	}
	if c.Verdict != Up {
		return
	}
	for _, key := range append([]string{"success"}, stateKeys...) {
		state := leadOf(stateOf(object[key]))
		if verdict := verdictOf(state); verdict == Degraded || verdict == Down {
			c.Failing = append(c.Failing, key+": "+state)
			c.worsen(Degraded, "")
		}
	}
	for _, key := range errorKeys {
		if tellsOfErrors(object[key]) {
			c.worsen(Degraded, notesError)
		}
	}
}

// tellsOfErrors is whether the value of a field for errors has one. An object has where one of its values is one: that of no error has
// the code 0 and no message.
func tellsOfErrors(raw json.RawMessage) bool {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		return tellsOfError(raw)
	}
	for _, value := range object {
		if tellsOfError(value) {
			return true
		}
	}
	return false
}

// tellsOfError is whether a value is a text, a list or an object that is not empty. A number may count errors of days ago.
func tellsOfError(raw json.RawMessage) bool {
	var text string
	var list []json.RawMessage
	var object map[string]json.RawMessage
	switch {
	case json.Unmarshal(raw, &text) == nil:
		return !slices.Contains(noErrors, strings.ToLower(strings.TrimSpace(text)))
	case json.Unmarshal(raw, &list) == nil:
		return len(list) > 0
	case json.Unmarshal(raw, &object) == nil:
		return len(object) > 0
	}
	return string(raw) == "true"
}

// noErrors is what stands in fields for errors where there is none.
var noErrors = []string{"", "-", "none", "null", "nil", "n/a", "false", "no", "no error", "no errors", "ok"}

// versionWord is what a build is called: v1.2.3-rc.1+abc.
var versionWord = regexp.MustCompile(`^v?[0-9][0-9A-Za-z.+-]{0,39}$`)

// versionOf is what a body says of the build; "" when that is not what a build is called. In application/health+json
// "version" is that of the interface, and "releaseId" that of the build.
func versionOf(body []byte, rules healthRules) string {
	value, err := jsonbody.Decode(body)
	if err != nil {
		return ""
	}
	for _, path := range []string{rules.Version, "releaseId", "version"} {
		at, _ := jsonbody.At(value, path)
		if text, isText := at.(string); isText && versionWord.MatchString(text) {
			return text
		}
	}
	return ""
}

func stateIn(object map[string]json.RawMessage) string {
	for _, key := range stateKeys {
		if says := stateOf(object[key]); says != "" {
			return says
		}
	}
	return ""
}

// stateOf is the word for the state that a JSON value holds: a string, a boolean, an object with a status, or the worst of a
// list of those.
func stateOf(raw json.RawMessage) string {
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return word(text)
	}
	var flag bool
	if json.Unmarshal(raw, &flag) == nil {
		return fmt.Sprint(flag)
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) == nil {
		for _, key := range []string{"status", "state", "healthy", "ok"} {
			if json.Unmarshal(object[key], &text) == nil && text != "" {
				return word(text)
			}
			if json.Unmarshal(object[key], &flag) == nil && string(object[key]) != "null" {
				return fmt.Sprint(flag)
			}
		}
		return ""
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return ""
	}
	worst, says := Check{Verdict: Up}, ""
	for _, one := range list {
		if len(one) == 0 || one[0] != '{' {
			continue
		}
		text = stateOf(one)
		verdict := words[strings.ToLower(leadOf(text))]
		if says == "" {
			says = text
		}
		if before := worst.Verdict; verdict != "" {
			if worst.worsen(verdict, ""); worst.Verdict != before {
				says = text
			}
		}
	}
	return says
}

// failing names the checks that are not well, with their state: "store: unhealthy".
func failing(raw json.RawMessage) []string {
	states := map[string]string{}
	var object map[string]json.RawMessage
	var list []json.RawMessage
	var checks []map[string]json.RawMessage
	if json.Unmarshal(raw, &object) == nil {
		for name, value := range object {
			states[name] = stateOf(value)
		}
	} else if json.Unmarshal(raw, &list) == nil && json.Unmarshal(raw, &checks) == nil {
		for i, check := range checks {
			var name string
			if json.Unmarshal(check["name"], &name) != nil {
				name = ""
			}
			if state := stateOf(list[i]); states[name] == "" || words[strings.ToLower(leadOf(state))] != Up {
				states[name] = state
			}
		}
	}
	var names []string
	for name, state := range states {
		state = leadOf(state)
		// A word that is not known is no evidence against the check.
		if verdict := words[strings.ToLower(state)]; verdict != Degraded && verdict != Down {
			continue
		}
		if state == "false" {
			state = "failed"
		}
		names = append(names, checkName(name)+": "+state)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if more := len(names) - maxFailing; more > 0 {
		names = append(names[:maxFailing], fmt.Sprintf("%d more", more))
	}
	return names
}

var (
	// plainName is the name of a check: no address, path or sentence.
	plainName = regexp.MustCompile(`^\p{L}[\p{L}0-9 _:-]{0,39}$`)
	// tokenLike is what keys and identifiers look like: many digits, or a word that nobody says.
	tokenLike = regexp.MustCompile(`[0-9]{5}|[0-9][\p{L}]+[0-9][\p{L}]+[0-9]|[\p{L}0-9]{25}`)
)

// checkName is a check's name where that is one, since some programs name their checks by what they check.
func checkName(name string) string {
	if plainName.MatchString(name) && !tokenLike.MatchString(name) {
		return name
	}
	return "a check"
}

// word is the first line of an untrusted text, fit to be shown: valid UTF-8, printable, of at most 80 characters.
func word(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	if len(text) > 4*maxWordRunes {
		text = text[:4*maxWordRunes]
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError || !unicode.IsPrint(r) && !unicode.IsSpace(r):
			return -1
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, text)
	text = strings.TrimSpace(text)
	if runes := []rune(text); len(runes) > maxWordRunes {
		text = string(runes[:maxWordRunes-1]) + "…"
	}
	return text
}
