package logging

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// Interval is the time in which records of a kind are counted.
	Interval = 10 * time.Second
	// First is how many of them are written at once in that time.
	First = 50
	// mostKinds bounds how many kinds are told apart at once; all beyond are of one kind. The kinds of the program itself are some
	// hundred for each receiver.
	mostKinds = 4096
)

// source are the attributes that tell kinds apart, beside level and message: where a record comes from and why it was written. Those
// that name a single request, delivery or error are not among them.
var source = map[string]bool{
	"component": true, "receiver": true, "integration": true, "cursor": true, "agent": true, "code": true, "reason": true,
	"name": true, "alert": true, // a rule
}

// Sampled is a handler that lets records of a kind through First at a time, and the newest of the others after Interval, with their
// number as "suppressed". Records below slog.LevelInfo are not counted: who asks for them wants all.
//
// It holds a record for up to Interval; Flush lets it go.
type Sampled struct {
	next  slog.Handler
	kinds *kinds
	// prefix is what the attributes that all records of this handler have say about their kind.
	prefix string
	// grouped is whether attributes are those of a group, which says nothing about the kind.
	grouped bool
}

// NewSampled is a Sampled in front of next. leftOut is called for each record that is left out, unless it is nil.
func NewSampled(next slog.Handler, leftOut func()) *Sampled {
	if leftOut == nil {
		leftOut = func() {}
	}
	return &Sampled{next: next, kinds: &kinds{leftOut: leftOut, open: map[string]*window{}}}
}

// Enabled is whether next wants records of that level.
func (s *Sampled) Enabled(ctx context.Context, level slog.Level) bool {
	return s.next.Enabled(ctx, level)
}

// WithAttrs is a handler whose kinds are counted together with those of s.
func (s *Sampled) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *s
	with.next = s.next.WithAttrs(attrs)
	if !s.grouped {
		var kind strings.Builder
		kind.WriteString(s.prefix)
		for _, a := range attrs {
			add(&kind, a)
		}
		with.prefix = kind.String()
	}
	return &with
}

// WithGroup is a handler whose kinds are counted together with those of s.
func (s *Sampled) WithGroup(name string) slog.Handler {
	with := *s
	with.next, with.grouped = s.next.WithGroup(name), s.grouped || name != ""
	return &with
}

// Handle writes a record, or holds it, or leaves it out.
func (s *Sampled) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelInfo || s.kinds.let(s.kind(r), s.next, r) {
		return s.next.Handle(ctx, r)
	}
	return nil
}

// Flush writes what is held.
func (s *Sampled) Flush() { s.kinds.flush() }

func (s *Sampled) kind(r slog.Record) string {
	var kind strings.Builder
	kind.WriteString(r.Level.String())
	kind.WriteByte(0)
	kind.WriteString(r.Message)
	kind.WriteString(s.prefix)
	if !s.grouped {
		r.Attrs(func(a slog.Attr) bool { add(&kind, a); return true })
	}
	return kind.String()
}

func add(kind *strings.Builder, a slog.Attr) {
	if source[a.Key] {
		kind.WriteByte(0)
		kind.WriteString(a.Value.Resolve().String())
	}
}

// kinds are the records of the last interval, by kind.
type kinds struct {
	leftOut func()

	mu   sync.Mutex
	open map[string]*window
}

// window is an interval of one kind.
type window struct {
	end     *time.Timer
	written int
	// held is the newest record that was not written; leftOut is how many came before it.
	held    *slog.Record
	to      slog.Handler
	leftOut int
}

// let is whether a record is written now. One that is not is held for the end of its window.
func (k *kinds) let(kind string, to slog.Handler, r slog.Record) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	w, known := k.open[kind]
	if !known && len(k.open) >= mostKinds {
		kind = ""
		w, known = k.open[kind]
	}
	if !known {
		w = &window{}
		w.end = time.AfterFunc(Interval, func() { k.close(kind, w) })
		k.open[kind] = w
	}
	if w.written < First {
		w.written++
		return true
	}
	if w.held != nil {
		w.leftOut++
		k.leftOut()
	}
	held := r.Clone()
	w.held, w.to = &held, to
	return false
}

// close ends a window.
func (k *kinds) close(kind string, w *window) {
	k.mu.Lock()
	if k.open[kind] == w {
		delete(k.open, kind)
	}
	held, to, leftOut := w.held, w.to, w.leftOut
	w.held = nil
	k.mu.Unlock()
	if held == nil {
		return
	}
	if leftOut > 0 {
		held.AddAttrs(slog.Int("suppressed", leftOut))
	}
	_ = to.Handle(context.Background(), *held) // nobody is there who could be told
}

func (k *kinds) flush() {
	type open struct {
		kind string
		*window
	}
	k.mu.Lock()
	var all []open
	for kind, w := range k.open {
		w.end.Stop()
		all = append(all, open{kind, w})
	}
	k.mu.Unlock()
	slices.SortFunc(all, func(a, b open) int { return strings.Compare(a.kind, b.kind) })
	for _, w := range all {
		k.close(w.kind, w.window)
	}
}
