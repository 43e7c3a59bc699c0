package otlpfake

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Collector keeps the spans that it is sent. Its zero value is ready for use.
type Collector struct {
	mu      sync.Mutex
	spans   []span
	changed chan struct{}
}

type span struct {
	*traces.Span

	// from is the service.instance.id of the process.
	from string
}

// ServeHTTP answers POST /v1/traces.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		http.Error(w, "post protobuf to /v1/traces", http.StatusNotFound)
		return
	}
	var sent collector.ExportTraceServiceRequest
	if err := decode(r, &sent); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range sent.GetResourceSpans() {
		from := ""
		for _, a := range resource.GetResource().GetAttributes() {
			if a.GetKey() == "service.instance.id" {
				from = a.GetValue().GetStringValue()
			}
		}
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, span{s, from})
			}
		}
	}
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

func decode(r *http.Request, into proto.Message) error {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return fmt.Errorf("unzipping spans: %w", err)
		}
		body = unzipped
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("reading spans: %w", err)
	}
	if err := proto.Unmarshal(data, into); err != nil {
		return fmt.Errorf("decoding spans: %w", err)
	}
	return nil
}

// Wait waits until what there is fits.
func (c *Collector) Wait(ctx context.Context, fits func(shown string) bool) error {
	for {
		c.mu.Lock()
		if c.changed == nil {
			c.changed = make(chan struct{})
		}
		changed := c.changed
		c.mu.Unlock()
		if fits(c.Show()) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for spans: %w", ctx.Err())
		}
	}
}

// Show is all traces, each as a tree: a line for each span with the process that it is of, its attributes, links and status.
func (c *Collector) Show() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	spans := slices.Clone(c.spans)
	slices.SortStableFunc(spans, func(a, b span) int { return cmp.Compare(a.GetStartTimeUnixNano(), b.GetStartTimeUnixNano()) })
	known := map[string]bool{}
	for _, s := range spans {
		known[string(s.GetSpanId())] = true
	}
	var text strings.Builder
	shown := map[string]bool{}
	for _, s := range spans {
		if id := string(s.GetTraceId()); !shown[id] {
			shown[id] = true
			fmt.Fprintf(&text, "trace %x\n", id)
			for _, root := range spans {
				if string(root.GetTraceId()) == id && !known[string(root.GetParentSpanId())] {
					show(&text, spans, root, 1)
				}
			}
		}
	}
	return text.String()
}

func show(text *strings.Builder, spans []span, s span, depth int) {
	fmt.Fprintf(text, "%s%s [%s]", strings.Repeat("  ", depth), s.GetName(), s.from)
	attributes := s.GetAttributes()
	slices.SortFunc(attributes, func(a, b *common.KeyValue) int { return strings.Compare(a.GetKey(), b.GetKey()) })
	for _, a := range attributes {
		fmt.Fprintf(text, " %s=%s", a.GetKey(), value(a.GetValue()))
	}
	for _, l := range s.GetLinks() {
		fmt.Fprintf(text, " link=%s/%s", hex.EncodeToString(l.GetTraceId()), hex.EncodeToString(l.GetSpanId()))
	}
	if s.GetStatus().GetCode() == traces.Status_STATUS_CODE_ERROR {
		fmt.Fprintf(text, " failed: %s", s.GetStatus().GetMessage())
	}
	for _, e := range s.GetEvents() {
		fmt.Fprintf(text, " event=%s%v", e.GetName(), e.GetAttributes())
	}
	text.WriteByte('\n')
	for _, child := range spans {
		if string(child.GetParentSpanId()) == string(s.GetSpanId()) && string(child.GetTraceId()) == string(s.GetTraceId()) {
			show(text, spans, child, depth+1)
		}
	}
}

func value(v *common.AnyValue) string {
	switch v := v.GetValue().(type) {
	case *common.AnyValue_StringValue:
		return v.StringValue
	case *common.AnyValue_IntValue:
		return fmt.Sprint(v.IntValue)
	case *common.AnyValue_BoolValue:
		return fmt.Sprint(v.BoolValue)
	default:
		return fmt.Sprint(v)
	}
}
