package smtpfake

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"

	gosmtp "github.com/emersion/go-smtp"
)

// Step is a moment of a session.
type Step string

// The steps of a session. Body is the first line of a mail, End the dot that ends it.
const (
	Greeting Step = "greeting"
	EHLO     Step = "EHLO"
	STARTTLS Step = "STARTTLS"
	Auth     Step = "AUTH"
	MailFrom Step = "MAIL"
	Rcpt     Step = "RCPT"
	Data     Step = "DATA"
	Body     Step = "body"
	End      Step = "end"
	Quit     Step = "QUIT"
)

// Reply is an answer of the server.
type Reply struct {
	Code int
	// Text is what stands behind it, an enhanced code first if there is one.
	Text string
}

func (r Reply) error() error {
	return &gosmtp.SMTPError{Code: r.Code, EnhancedCode: gosmtp.NoEnhancedCode, Message: r.Text}
}

// Failure is what goes wrong at a step: one of an answer, silence and a broken connection.
type Failure struct {
	Reply Reply
	// Hang gives no answer until Release or the end of the connection, Drop breaks the connection instead of answering.
	Hang, Drop bool
	// Taken is, at End, whether the mail is taken nonetheless: only the answer is lost.
	Taken bool
}

type failure struct {
	Failure

	step Step
	hung chan struct{}
}

// Fail makes the next n sessions that come to the step fail there, those that are encrypted excepted. What it returns is closed
// when the first of them hangs.
func (s *Server) Fail(n int, at Step, f Failure) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	hung := make(chan struct{})
	s.failures = append(s.failures, slices.Repeat([]failure{{f, at, hung}}, n)...)
	return hung
}

// Release lets all that hangs go on, and forgets the failures that are still due.
func (s *Server) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = nil
	close(s.released)
	s.released = make(chan struct{})
}

// due is the failure of the step, which is then over; ok is false when there is none.
func (s *Server) due(at Step) (f failure, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.failures, func(f failure) bool { return f.step == at })
	if i < 0 {
		return failure{}, false
	}
	f = s.failures[i]
	s.failures = slices.Delete(s.failures, i, i+1)
	return f, true
}

func (s *Server) peek(at Step) (Failure, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.failures, func(f failure) bool { return f.step == at })
	if i < 0 {
		return Failure{}, false
	}
	return s.failures[i].Failure, true
}

// tapListener lets a tap see what each client says.
type tapListener struct {
	net.Listener

	server *Server
}

func (l tapListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.server.mu.Lock()
	l.server.sessions++
	l.server.mu.Unlock()
	return &tap{Conn: conn, server: l.server, in: bufio.NewReader(conn), closed: make(chan struct{})}, nil
}

// tap reads a connection line by line, as long as it is not encrypted, and fails where it is asked to.
type tap struct {
	net.Conn

	server    *Server
	in        *bufio.Reader
	left      []byte // of a line that was read and not handed on
	greeted   bool
	inMail    bool // between DATA and the dot
	begun     bool // the mail's first line came
	encrypted bool
	mute      bool // the next answer is lost
	closed    chan struct{}
	once      sync.Once
}

func (t *tap) Close() error {
	t.once.Do(func() { close(t.closed) })
	return t.Conn.Close()
}

func (t *tap) Write(p []byte) (int, error) {
	if !t.greeted {
		t.greeted = true
		if f, ok := t.server.due(Greeting); ok {
			if f.Reply == (Reply{}) {
				return 0, t.suffer(f)
			}
			p = fmt.Appendf(nil, "%d %s\r\n", f.Reply.Code, f.Reply.Text)
		}
	}
	if t.mute {
		_ = t.Close()
		return 0, io.ErrClosedPipe
	}
	if t.inMail && bytes.HasPrefix(p, []byte("5")) {
		t.inMail = false // DATA was refused
	}
	return t.Conn.Write(p)
}

// suffer hangs or drops.
func (t *tap) suffer(f failure) error {
	if f.Hang {
		t.server.mu.Lock()
		released := t.server.released
		select {
		case <-f.hung:
		default:
			close(f.hung)
		}
		t.server.mu.Unlock()
		gone := make(chan struct{})
		go func() { // a client that leaves
			defer close(gone)
			_, _ = io.Copy(io.Discard, t.in)
		}()
		select {
		case <-released:
		case <-gone:
		case <-t.closed:
		}
		_ = t.Close()
		<-gone
		return io.EOF
	}
	_ = t.Close()
	return io.EOF
}

func (t *tap) Read(p []byte) (int, error) {
	if t.encrypted && len(t.left) == 0 {
		return t.in.Read(p)
	}
	for len(t.left) == 0 {
		line, err := t.in.ReadBytes('\n')
		if err != nil {
			return 0, err
		}
		step := t.step(line)
		if step == End {
			if f, ok := t.server.peek(End); ok && f.Reply != (Reply{}) {
				t.left = line // the session answers, when it has the mail
				break
			}
		}
		f, ok := t.server.due(step)
		switch {
		case !ok:
			t.left = line
		case f.Taken:
			t.mute, t.left = true, line
		case f.Reply == (Reply{}):
			return 0, t.suffer(f)
		default:
			t.inMail = false
			if _, err := fmt.Fprintf(t.Conn, "%d %s\r\n", f.Reply.Code, f.Reply.Text); err != nil {
				return 0, err
			}
		}
	}
	n := copy(p, t.left)
	t.left = t.left[n:]
	return n, nil
}

func (t *tap) step(line []byte) Step {
	if t.inMail {
		if string(line) == ".\r\n" {
			t.inMail = false
			return End
		}
		if !t.begun {
			t.begun = true
			return Body
		}
		return ""
	}
	word, _, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
	switch step := Step(strings.ToUpper(word)); step {
	case Data:
		t.inMail, t.begun = true, false
		return step
	case STARTTLS:
		if _, fails := t.server.peek(STARTTLS); !fails && t.server.options.STARTTLS {
			t.encrypted = true
			t.left = line
		}
		return step
	default:
		return step
	}
}
