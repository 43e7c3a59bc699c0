package diagnostics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits on what is kept of an answer: it goes in front of people.
const (
	maxWordRunes = 80
	maxFailing   = 8
)

// words are what health endpoints call their states, in lower case.
var words = map[string]Verdict{
	"ok": Up, "healthy": Up, "up": Up, "ready": Up, "pass": Up, "passing": Up, "passed": Up, "alive": Up, "live": Up,
	"serving": Up, "running": Up, "success": Up, "operational": Up, "available": Up, "connected": Up, "green": Up, "true": Up,
	"degraded": Degraded, "warn": Degraded, "warning": Degraded, "partial": Degraded, "yellow": Degraded,
	"down": Down, "unhealthy": Down, "fail": Down, "failed": Down, "failing": Down, "error": Down, "critical": Down,
	"out_of_service": Down, "not ready": Down, "not_ready": Down, "notready": Down, "unavailable": Down, "stopped": Down,
	"stopping": Down, "shutting_down": Down, "disconnected": Down, "dead": Down, "not ok": Down, "not healthy": Down, "not live": Down, "not alive": Down, "red": Down, "false": Down,
}

// readHealth says what the answer of a health or readiness endpoint means. Only the body's own words for states and the
// names of its checks are kept: the texts of errors leak paths and more.
func readHealth(got answer) Check {
	check := Check{StatusCode: got.status}
	switch got.status {
	case 401, 403:
		check.Verdict, check.Note = Unclear, "needs credentials"
		return check
	case 404, 410:
		check.Verdict = NotOffered
		return check
	}
	switch {
	case got.status >= 300 && got.status < 400:
		check.Verdict, check.Note = Unclear, "redirects elsewhere, which is not followed"
		return check
	case got.status >= 400 && got.status < 500:
		check.Verdict, check.Note = Unclear, fmt.Sprintf("answered %d", got.status)
		return check
	case got.status >= 500:
		check.Verdict, check.Note = Down, fmt.Sprintf("answered %d", got.status)
	default:
		check.Verdict = Up
	}
	body := bytes.TrimSpace(bytes.TrimPrefix(got.body, []byte("\ufeff")))
	mediaType, _, _ := mime.ParseMediaType(got.contentType)
	switch {
	case mediaType == "text/html" || bytes.HasPrefix(body, []byte("<")):
		if check.Verdict == Up {
			check.Verdict, check.Note = Unclear, "answered an HTML page"
		}
	case len(body) == 0:
		// An empty 200 is how some servers say that they are well.
	case json.Valid(body):
		readHealthJSON(body, &check)
	default:
		check.Says = word(string(body))
		switch {
		case check.Says == "" && check.Verdict == Up:
			check.Verdict, check.Note = Unclear, "answered something unreadable"
		default:
			check.Verdict = judge(check.Says, check.Verdict)
		}
	}
	if !plainWords.MatchString(check.Says) {
		check.Says = "" // an error's text leaks addresses with passwords, paths and more
	}
	if !versionWord.MatchString(check.Version) {
		check.Version = ""
	}
	return check
}

// versionWord is what a build is called: v1.2.3-rc.1+abc.
var versionWord = regexp.MustCompile(`^v?[0-9][0-9A-Za-z.+-]{0,39}$`)

// plainWords are what may be shown of a state: no address, path, name or number.
var plainWords = regexp.MustCompile(`^[\p{L} _'’.,!-]{1,40}$`)

// judge is what a state's word means, given what the status code said: a word can make it worse, and a 5xx milder, but
// only as far as degraded.
func judge(says string, byStatus Verdict) Verdict {
	lead := says // of "unhealthy: database unreachable"
	if i := strings.IndexAny(lead, ":;,("); i > 0 {
		lead = lead[:i]
	}
	verdict, known := words[strings.ToLower(strings.TrimRight(lead, ".! "))]
	if !known || (byStatus == Down && verdict == Up) {
		return byStatus
	}
	return verdict
}

// readHealthJSON reads the shapes of health bodies that agents and frameworks use: {"status": …, "checks": {…}},
// {"healthy": true}, Spring Boot's {"status": "UP", "components": {…}}, and a plain string.
func readHealthJSON(body []byte, check *Check) {
	var text string
	if json.Unmarshal(body, &text) == nil {
		check.Says = word(text)
		check.Verdict = judge(check.Says, check.Verdict)
		return
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil {
		if check.Verdict == Up {
			check.Verdict, check.Note = Unclear, "says nothing of its health"
		}
		return
	}
	says := ""
	for _, key := range []string{"status", "state", "health", "healthy", "ready", "ok", "connected"} {
		if says = stateOf(object[key]); says != "" {
			break
		}
	}
	for _, key := range []string{"checks", "components", "details"} {
		if check.Failing = failing(object[key]); len(check.Failing) > 0 {
			break
		}
	}
	_ = json.Unmarshal(object["version"], &check.Version)
	check.Version = word(check.Version)
	switch check.Says = says; {
	case says == "" && len(check.Failing) == 0:
		if check.Verdict == Up {
			check.Verdict, check.Note = Unclear, "says nothing of its health"
		}
		return
	case says != "" && check.Verdict == Up && words[strings.ToLower(says)] == "":
		check.Verdict, check.Note = Unclear, "says a word that is not known"
	}
	switch says {
	case "true":
		check.Says = "healthy"
	case "false":
		check.Says = "not healthy"
	}
	check.Verdict = judge(says, check.Verdict)
	if len(check.Failing) > 0 && (check.Verdict == Up || check.Verdict == Unclear) {
		check.Verdict, check.Note = Degraded, ""
	}
}

// stateOf is the word for the state that a JSON value holds: a string, a boolean, or an object with a status.
func stateOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return word(text)
	}
	var flag bool
	if json.Unmarshal(raw, &flag) == nil && !bytes.Equal(raw, []byte("null")) {
		return fmt.Sprint(flag)
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) == nil {
		for _, key := range []string{"status", "state", "healthy"} {
			if json.Unmarshal(object[key], &text) == nil {
				return word(text)
			}
			if json.Unmarshal(object[key], &flag) == nil {
				return fmt.Sprint(flag)
			}
		}
	}
	return ""
}

// failing names the checks that are not well, with their state: "store: unhealthy".
func failing(raw json.RawMessage) []string {
	states := map[string]string{}
	var object map[string]json.RawMessage
	var list []struct {
		Name   string `json:"name"`
		Status string `json:"status"`
	}
	if json.Unmarshal(raw, &object) == nil {
		for name, value := range object {
			states[name] = stateOf(value)
		}
	} else if json.Unmarshal(raw, &list) == nil {
		for _, check := range list {
			states[check.Name] = word(check.Status)
		}
	}
	var names []string
	for name, state := range states {
		// A word that is not known is no evidence against the check.
		if verdict := words[strings.ToLower(state)]; verdict != Degraded && verdict != Down {
			continue
		}
		if state == "false" {
			state = "failed"
		}
		if name = word(name); name != "" {
			names = append(names, name+": "+state)
		}
	}
	slices.Sort(names)
	if more := len(names) - maxFailing; more > 0 {
		names = append(names[:maxFailing], fmt.Sprintf("%d more", more))
	}
	return names
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
