package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/alertvitals/notifier/diagnostics"
	"github.com/alertvitals/notifier/web/apierror"
)

// mostToRender bounds what POST /api/v1/render takes, in bytes: a webhook's payload and some words.
const mostToRender = 4<<20 + 64<<10

// RenderRequest is what POST /api/v1/render takes.
type RenderRequest struct {
	// Receiver is the receiver's name.
	Receiver string `json:"receiver"`
	// Payload is one of Alertmanager's webhook; without one an example is rendered.
	Payload json.RawMessage `json:"payload,omitempty"`
	// Agent is whose vitals, as they are now, the messages have; "" is nobody's. Instance says which of several it is, as
	// host:port.
	Agent    string `json:"agent,omitempty"`
	Instance string `json:"instance,omitempty"`
}

// Rendered is one request, mail or text that would be sent.
type Rendered struct {
	// Integration is who would send it: "slack".
	Integration string `json:"integration"`
	// To says where it would go: "POST /api/chat.postMessage (application/json)", "to ops@example.com". It holds no secret.
	To string `json:"to"`
	// Body is what would be sent, byte by byte.
	Body []byte `json:"-"`
}

// MarshalJSON has the body as text, or else as base64.
func (r Rendered) MarshalJSON() ([]byte, error) {
	type plain Rendered
	shown := struct {
		plain

		Text   string `json:"body,omitempty"`
		Base64 []byte `json:"body_base64,omitempty"`
	}{plain: plain(r), Text: string(r.Body)}
	if !utf8.Valid(r.Body) {
		shown.Text, shown.Base64 = "", r.Body
	}
	return json.Marshal(shown)
}

// NotRendered is why a RenderRequest makes nothing, in words for whoever asked.
type NotRendered struct {
	// NoReceiver is whether there is no such receiver; else the payload is wrong.
	NoReceiver bool
	Why        string
}

func (e *NotRendered) Error() string { return e.Why }

// ErrRendering says that too much is being rendered at once.
var ErrRendering = errors.New("something else is being rendered; ask again")

func (p Parts) render(c *gin.Context) {
	if _, err := parameters(c); err != nil {
		apierror.Write(c, http.StatusBadRequest, "bad_parameter", err.Error())
		return
	}
	var asked RenderRequest
	if err := readJSON(http.MaxBytesReader(c.Writer, c.Request.Body, mostToRender), &asked); err != nil {
		apierror.Write(c, http.StatusBadRequest, "bad_request", err.Error())
		return
	}
	all, err := p.Render(c.Request.Context(), asked)
	var none *diagnostics.NoAgentError
	var not *NotRendered
	switch {
	case errors.As(err, &none):
		p.notLookedAt(c, err)
	case errors.As(err, &not) && not.NoReceiver:
		apierror.Write(c, http.StatusNotFound, "not_found", not.Why)
	case errors.As(err, &not):
		apierror.Write(c, http.StatusBadRequest, "not_a_payload", not.Why)
	case errors.Is(err, ErrRendering):
		c.Header("Retry-After", "1")
		apierror.Write(c, http.StatusServiceUnavailable, "busy", err.Error())
	case err != nil:
		p.Logger.Error("Request failed", "path", c.FullPath(), "err", err)
		apierror.Write(c, http.StatusInternalServerError, "internal", "this could not be rendered; the log says why")
	default:
		c.JSON(http.StatusOK, gin.H{"rendered": all})
	}
}

// readJSON reads one value of JSON without unknown fields; its error is for whoever wrote it.
func readJSON(body io.Reader, into any) error {
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil {
		if _, more := decoder.Token(); more != io.EOF {
			return errors.New("there is something behind the JSON; send one object")
		}
		return nil
	}
	var tooLarge *http.MaxBytesError
	var wrong *json.UnmarshalTypeError
	switch name, isUnknown := strings.CutPrefix(err.Error(), "json: unknown field "); {
	case errors.Is(err, io.EOF):
		return errors.New("the body is empty; send a JSON object")
	case errors.As(err, &tooLarge):
		return fmt.Errorf("the body is over %d KiB", tooLarge.Limit>>10)
	case errors.As(err, &wrong):
		return fmt.Errorf("%s has the wrong type", wrong.Field)
	case isUnknown:
		return fmt.Errorf("there is no field %.40s", name)
	default:
		return errors.New("the body is not JSON")
	}
}
