package opencode

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/alertvitals/notifier/diagnostics/jsonbody"
)

// The names of the samples.
const (
	// RepliesName counts the models' replies that ended, by result: ok or failed.
	RepliesName = "opencode_recent_replies"
	// ErrorsName counts the failed ones by the kind of error and its HTTP status, such as "APIError 529".
	ErrorsName = "opencode_recent_errors"
	// SecondsName is how long the replies took that did not fail, by quantile: 0.5, 0.95 and 0.99. There is none without a reply.
	SecondsName = "opencode_recent_reply_seconds"
	// ToolsName counts the calls of tools that ended, by tool and result.
	ToolsName = "opencode_recent_tool_calls"
)

// Names are those of all samples.
func Names() []string { return []string{RepliesName, ErrorsName, SecondsName, ToolsName} }

// mostKinds bounds how many kinds of errors, and how many tools, have samples of their own; the others are "other".
const mostKinds = 20

// aborted is the error of a reply that its user stopped: it says nothing of the model.
const aborted = "MessageAbortedError"

var (
	errorKind = regexp.MustCompile(`^[A-Za-z]{1,40}$`)
	toolName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)
)

// message is one of a session, as far as it is read: https://opencode.ai/docs/server/#messages.
type message struct {
	Info struct {
		Role string `json:"role"`
		Time struct {
			Created   float64 `json:"created"` // in ms, as are all times
			Completed float64 `json:"completed"`
		} `json:"time"`
		Error *struct {
			Name string `json:"name"`
			Data struct {
				StatusCode float64 `json:"statusCode"`
			} `json:"data"`
		} `json:"error"`
	} `json:"info"`
	Parts []struct {
		Type  string `json:"type"`
		Tool  string `json:"tool"`
		State struct {
			Status string `json:"status"`
		} `json:"state"`
	} `json:"parts"`
}

// Replies are what the models of some sessions answered since a time.
type Replies struct {
	since   time.Time
	replies map[string]float64 // by result
	errors  map[string]float64
	tools   map[[2]string]float64 // by tool and result
	known   []string              // tools that have samples of their own
	seconds []float64
}

// NewReplies counts what begins at since or later.
func NewReplies(since time.Time) *Replies {
	return &Replies{
		since: since, replies: map[string]float64{"ok": 0, "failed": 0}, errors: map[string]float64{}, tools: map[[2]string]float64{},
	}
}

// Add counts the messages of one session, an answer of /session/ID/message. It is an error when the body is something else.
func (r *Replies) Add(body []byte) error {
	var messages []message
	if err := json.Unmarshal(body, &messages); err != nil {
		return errors.New("not a list of messages") // the error of the decoder repeats parts of the body
	}
	for _, m := range messages {
		if m.Info.Role == "assistant" && m.Info.Time.Created >= float64(r.since.UnixMilli()) {
			r.add(m)
		}
	}
	return nil
}

func (r *Replies) add(m message) {
	switch its := m.Info; {
	case its.Error != nil && its.Error.Name == aborted:
	case its.Error != nil:
		r.replies["failed"]++
		kind := its.Error.Name
		if !errorKind.MatchString(kind) {
			kind = "other"
		}
		if status := its.Error.Data.StatusCode; status >= 100 && status < 600 && status == math.Trunc(status) {
			kind = fmt.Sprintf("%s %.0f", kind, status)
		}
		if _, known := r.errors[kind]; !known && len(r.errors) >= mostKinds {
			kind = "other"
		}
		r.errors[kind]++
	case its.Time.Completed >= its.Time.Created:
		r.replies["ok"]++
		r.seconds = append(r.seconds, (its.Time.Completed-its.Time.Created)/1000)
	}
	for _, part := range m.Parts {
		result := map[string]string{"completed": "ok", "error": "failed"}[part.State.Status]
		if part.Type == "tool" && result != "" {
			r.tools[[2]string{r.tool(part.Tool), result}]++
		}
	}
}

// tool is the name under which a tool is counted.
func (r *Replies) tool(name string) string {
	switch {
	case slices.Contains(r.known, name):
	case len(r.known) >= mostKinds || !toolName.MatchString(name):
		return "other"
	default:
		r.known = append(r.known, name)
	}
	return name
}

// Samples are the numbers of all that was added.
func (r *Replies) Samples() []jsonbody.Sample {
	var all []jsonbody.Sample
	for result, n := range r.replies {
		all = append(all, jsonbody.Sample{Name: RepliesName, Labels: map[string]string{"result": result}, Value: n})
	}
	for kind, n := range r.errors {
		all = append(all, jsonbody.Sample{Name: ErrorsName, Labels: map[string]string{"error": kind}, Value: n})
	}
	for of, n := range r.tools {
		all = append(all, jsonbody.Sample{Name: ToolsName, Labels: map[string]string{"tool": of[0], "result": of[1]}, Value: n})
	}
	slices.Sort(r.seconds)
	for label, q := range map[string]float64{"0.5": 0.5, "0.95": 0.95, "0.99": 0.99} {
		if n := len(r.seconds); n > 0 {
			at := int(math.Ceil(q*float64(n))) - 1 // the nearest rank: a time that a reply really took
			all = append(all, jsonbody.Sample{Name: SecondsName, Labels: map[string]string{"quantile": label}, Value: r.seconds[at]})
		}
	}
	return all
}
