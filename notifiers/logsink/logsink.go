package logsink

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/alertvitals/notifier/notifiers"
)

// Notifier is one log. It is safe for concurrent use.
type Notifier struct {
	config Config
	stream io.Writer // nil when the output is a file
	now    func() time.Time
	turn   chan struct{} // holds one token while nobody writes to this output
}

// turns are those of each output: while a reload replaces a sink, and when two receivers share a file, several write to it.
var turns sync.Map

func turnOf(c Config) chan struct{} {
	name := cmp.Or(c.Output, Stdout)
	if path, err := filepath.Abs(c.path()); err == nil && c.path() != "" {
		name = path
	}
	turn := make(chan struct{}, 1)
	turn <- struct{}{}
	shared, _ := turns.LoadOrStore(name, turn)
	turn, _ = shared.(chan struct{})
	return turn
}

var _ notifiers.Notifier = (*Notifier)(nil)

// New makes the sink. A file is opened, and made, at the first message. The error says what is wrong with the
// configuration.
func New(c Config) (*Notifier, error) {
	if problems := c.Validate(); len(problems) > 0 {
		return nil, fmt.Errorf("log: %s: %s", problems[0].Path, problems[0].Msg)
	}
	n := &Notifier{config: c, now: time.Now, turn: turnOf(c)}
	switch {
	case c.Output == Stderr:
		n.stream = os.Stderr
	case c.path() == "":
		n.stream = os.Stdout
	}
	return n, nil
}

// NewTo makes a sink that writes to w, whatever output c says.
func NewTo(w io.Writer, c Config) (*Notifier, error) {
	n, err := New(c)
	if err != nil {
		return nil, err
	}
	n.stream, n.turn = w, make(chan struct{}, 1)
	n.turn <- struct{}{}
	return n, nil
}

// Notify writes a line for each alert of the message, all at once. When it returns nil, they are on disk, where there is one. A full disk, a
// missing directory or a missing right is worth another try: an operator can mend each of them.
func (n *Notifier) Notify(ctx context.Context, m notifiers.Message) (notifiers.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return nil, &notifiers.Error{Reason: notifiers.Timeout, Err: fmt.Errorf("writing the log: %w", err)}
	}
	var text bytes.Buffer
	if err := encode(ctx, &text, n.config.Format, n.now(), m); err != nil {
		return nil, &notifiers.Error{Reason: notifiers.Rejected, Permanent: true, Err: fmt.Errorf("encoding the log: %w", err)}
	}
	select {
	case <-n.turn:
	case <-ctx.Done():
		return nil, &notifiers.Error{Reason: notifiers.Timeout, Err: fmt.Errorf("waiting for an earlier line: %w", ctx.Err())}
	}
	// A pipe that nobody reads blocks a write for ever; nothing can cut it off.
	written := make(chan error, 1)
	go func() {
		err := n.write(text.Bytes())
		n.turn <- struct{}{}
		written <- err
	}()
	select {
	case err := <-written:
		if err != nil {
			return nil, &notifiers.Error{Reason: notifiers.Server, Err: fmt.Errorf("writing the log: %w", err)}
		}
		return notifiers.Receipt{}, nil
	case <-ctx.Done():
		return nil, &notifiers.Error{Reason: notifiers.Timeout, Err: fmt.Errorf("nobody takes the log's lines: %w", ctx.Err())}
	}
}

func (n *Notifier) write(text []byte) error {
	if n.stream == nil {
		return n.writeFile(text)
	}
	if _, err := n.stream.Write(text); err != nil {
		return err
	}
	if f, ok := n.stream.(*os.File); ok { // it may be redirected to a file
		return flush(f)
	}
	return nil
}

func (n *Notifier) writeFile(text []byte) error {
	path := n.config.path()
	rotated := n.rotate(path, int64(len(text)))
	_, statErr := os.Stat(path)
	// Read too, to see whether the last line is whole.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o640) //nolint:gosec // a log shipper reads it by its group
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // what was written is synced by then
	torn, err := endsTorn(f)
	if err != nil {
		return err
	}
	if torn {
		text = append([]byte("\n"), text...)
	}
	if _, err := f.Write(text); err != nil {
		return err
	}
	if err := flush(f); err != nil {
		return err
	}
	if os.IsNotExist(statErr) {
		if err := syncDir(path); err != nil {
			return err
		}
	}
	if rotated {
		prune(path, n.config.maxFiles())
	}
	return nil
}
