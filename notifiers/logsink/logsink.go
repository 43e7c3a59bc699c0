package logsink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/alertvitals/notifier/notifiers"
)

// Notifier is one log. It is safe for concurrent use.
type Notifier struct {
	config Config
	stream io.Writer // nil when the output is a file
	now    func() time.Time
	turn   chan struct{} // holds one token while nobody writes
}

var _ notifiers.Notifier = (*Notifier)(nil)

// New makes the sink. A file is opened, and made, at the first message. The error says what is wrong with the
// configuration.
func New(c Config) (*Notifier, error) {
	if problems := c.Validate(); len(problems) > 0 {
		return nil, fmt.Errorf("log: %s: %s", problems[0].Path, problems[0].Msg)
	}
	n := &Notifier{config: c, now: time.Now, turn: make(chan struct{}, 1)}
	n.turn <- struct{}{}
	switch {
	case c.Output == Stderr:
		n.stream = os.Stderr
	case c.path() == "":
		n.stream = os.Stdout
	}
	return n, nil
}

// Notify writes a line for each alert of the message, all at once. When it returns nil, a file is synced. A full disk, a
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
	if n.stream != nil {
		_, err := n.stream.Write(text)
		return err
	}
	path := n.config.path()
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
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // a pipe or a terminal cannot be synced
		return err
	}
	if os.IsNotExist(statErr) {
		return syncDir(path)
	}
	return nil
}
