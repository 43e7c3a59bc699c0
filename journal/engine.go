package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	recordStream   = "webhooks"
	positionStream = "positions"
	stateStream    = "state"
	letterStream   = "letters"
	outcomeStream  = "outcomes"

	// maxMessage bounds a message of NATS, which warns beyond 8 MiB. maxRecord leaves room for the record's length.
	maxMessage = 8 << 20
	maxRecord  = maxMessage - 64
	// startTimeout bounds the start of the server; it reads an index, and every record only when that index is lost.
	startTimeout = time.Minute
)

// engine is one run of the NATS server and the connections to it. A stream of NATS that met a write error takes nothing
// more, so an engine lives until the first such error; then the next one takes its place (see mend.go).
type engine struct {
	opts   Options
	acks   *acks
	server *server.Server
	conn   *nats.Conn
	// reads is a connection of its own, so that a megabyte for a reader does not stand before an Append.
	reads *nats.Conn
	js    jetstream.JetStream

	records, positions, states, letters, outcomes jetstream.Stream

	// life ends with the first error that the engine does not get over, which is its cause, or with the journal.
	life context.Context //nolint:containedctx // it is the engine's own
	fail context.CancelCauseFunc
	// served is whether anything was stored.
	served atomic.Bool
}

// acks remembers the newest acknowledged message of each stream over all engines.
type acks struct {
	mu   sync.Mutex
	last map[string]uint64
}

func (a *acks) add(stream string, message uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last[stream] = max(a.last[stream], message)
}

func (a *acks) get(stream string) uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last[stream]
}

// startEngine starts an engine that ends with life at the latest. ctx bounds the start. Only the first engine of a
// process makes streams: a later one has to find what is there.
func startEngine(ctx, life context.Context, opts Options, acked *acks, first bool) (*engine, error) {
	safe := rescue{opts.Dir}
	if err := safe.prepare(); err != nil {
		return nil, err
	}
	newest, size := safe.newest()
	e := &engine{opts: opts, acks: acked}
	e.life, e.fail = context.WithCancelCause(life)
	err := e.start(ctx, safe, first)
	if err == nil {
		err = context.Cause(e.life)
	}
	if err != nil {
		e.stop()
		return nil, err
	}
	// NATS cuts off a file at the first byte that makes no sense to it, and says nothing.
	if now, gone := os.Stat(newest); gone == nil && now.Size() < size {
		opts.Logger.Error("The end of the journal's newest file could not be read and was cut off. After a crash that is a record which "+
			"nobody was told is safe; if the disk damaged the file, records that were accepted are lost",
			slog.String("file", newest), slog.Int64("bytes", size-now.Size()))
	}
	if err = safe.drop(); err != nil {
		opts.Logger.Warn("The journal's files keep their second names until the next start", slog.Any("err", err))
	}
	return e, nil
}

func (e *engine) start(ctx context.Context, safe rescue, first bool) (err error) {
	log := &serverLog{to: e.opts.Logger.With(slog.String("component", "nats")), broken: e.fail}
	e.server, err = server.NewServer(&server.Options{
		ServerName:             "notifier",
		DontListen:             true,
		NoSigs:                 true,
		JetStream:              true,
		StoreDir:               e.opts.Dir,
		SyncAlways:             true,
		DisableJetStreamBanner: true,
		MaxPayload:             maxMessage,
		// The records' own limit and MinFree bound the disk. NATS's default, 75 % of what is free at start, would
		// shrink with every restart.
		JetStreamMaxStore:  1 << 50,
		JetStreamMaxMemory: 64 << 20,
	})
	if err != nil {
		return fmt.Errorf("configuring NATS: %w", err)
	}
	e.server.SetLoggerV2(log, false, false, false)
	e.server.Start()
	if err = log.fatal(); err != nil {
		return fmt.Errorf("starting NATS: %w", err)
	}
	if !e.server.ReadyForConnections(startTimeout) || !e.server.JetStreamEnabled() {
		return errors.New("starting NATS: it did not get ready")
	}
	if err = safe.verify(); err != nil {
		return err
	}
	if e.conn, err = e.connect("journal"); err != nil {
		return err
	}
	if e.reads, err = e.connect("journal's readers"); err != nil {
		return err
	}
	if e.js, err = jetstream.New(e.conn, jetstream.WithDefaultTimeout(e.opts.Timeout)); err != nil {
		return fmt.Errorf("using JetStream: %w", err)
	}
	return e.findStreams(ctx, first)
}

// connect makes a connection that does not come back by itself: one that is lost is a reason to start again.
func (e *engine) connect(name string) (*nats.Conn, error) {
	conn, err := nats.Connect("", nats.InProcessServer(e.server), nats.Name(name), nats.NoReconnect(),
		nats.SyncQueueLen(2*fetchMessages), // it is allocated for each subscription; by default it takes 4 MiB
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { // by default it prints
			e.opts.Logger.Debug("The connection to NATS has trouble", slog.Any("err", err))
		}))
	if err != nil {
		return nil, fmt.Errorf("connecting to NATS in the process: %w", err)
	}
	return conn, nil
}

func (e *engine) findStreams(ctx context.Context, first bool) (err error) {
	// A stream of states that an older notifier made holds the positions' subjects, so it has to let go of them first.
	for _, s := range []struct {
		stream *jetstream.Stream
		config jetstream.StreamConfig
	}{
		{&e.states, jetstream.StreamConfig{
			Name: stateStream, Subjects: []string{stateSubjects, probeSubject}, MaxAge: e.opts.StateAge, MaxMsgsPerSubject: 1,
		}},
		{&e.positions, jetstream.StreamConfig{
			Name: positionStream, Subjects: []string{positionSubjects}, MaxMsgsPerSubject: 1,
		}},
		{&e.letters, jetstream.StreamConfig{
			Name: letterStream, Subjects: []string{letterSubjects}, MaxAge: e.opts.LetterAge, MaxMsgsPerSubject: 1,
		}},
		{&e.outcomes, jetstream.StreamConfig{
			Name: outcomeStream, Subjects: []string{outcomeSubject}, MaxAge: e.opts.OutcomeAge, MaxBytes: e.opts.OutcomeBytes,
			MaxMsgs: e.opts.OutcomeMessages,
			// They are for people who ask later: the oldest make room.
			Discard:     jetstream.DiscardOld,
			AllowDirect: true,
		}},
		{&e.records, jetstream.StreamConfig{
			Name: recordStream, Subjects: []string{recordSubject}, MaxAge: e.opts.MaxAge, MaxBytes: e.opts.MaxBytes,
			// What was accepted stays: a full journal refuses new records, it does not forget old ones.
			Discard:     jetstream.DiscardNew,
			AllowDirect: true, // how readers read
		}},
	} {
		if first {
			*s.stream, err = e.js.CreateOrUpdateStream(ctx, s.config)
		} else {
			*s.stream, err = e.js.Stream(ctx, s.config.Name)
		}
		if err != nil {
			return fmt.Errorf("opening the stream %q: %w", s.config.Name, err)
		}
		have := (*s.stream).CachedInfo().State.LastSeq
		if want := e.acks.get(s.config.Name); have < want {
			return fmt.Errorf("the stream %q came back with %d messages, %d were acknowledged", s.config.Name, have, want)
		}
	}
	return nil
}

// publish stores one message, and returns its number once it is on disk. It has no context, because a caller who gives up
// must not look like a store that does not answer.
func (e *engine) publish(subject string, data []byte) (uint64, error) {
	ctx, cancel := context.WithTimeout(e.life, e.opts.Timeout)
	defer cancel()
	ack, err := e.js.Publish(ctx, subject, data, jetstream.WithRetryAttempts(0))
	if err != nil {
		if !answered(err) {
			e.fail(fmt.Errorf("NATS did not answer: %w", err))
		}
		return 0, e.explain(err)
	}
	e.acks.add(ack.Stream, ack.Sequence)
	e.served.Store(true)
	return ack.Sequence, nil
}

// answered is whether err is NATS's answer about a message: it works, and the message was not stored.
func answered(err error) bool {
	var answer *jetstream.APIError
	return errors.As(err, &answer)
}

// bound makes ctx end with the engine, and after Options.Timeout when it has no deadline.
func (e *engine) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	cancelDeadline := func() {}
	if _, ok := ctx.Deadline(); !ok {
		ctx, cancelDeadline = context.WithTimeout(ctx, e.opts.Timeout)
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(e.life, cancel)
	return ctx, func() { stop(); cancel(); cancelDeadline() }
}

// explain is why a question failed: because the engine ended, when it did. A server that has no JetStream any more, as
// after an EACCES, is a reason to end it.
func (e *engine) explain(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrConnectionClosed) ||
		errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
		e.fail(fmt.Errorf("NATS is not there: %w", err))
	}
	if cause := context.Cause(e.life); cause != nil {
		return cause
	}
	return err
}

// stop ends the engine. What it acknowledged is safe with or without it.
func (e *engine) stop() {
	e.fail(errClosed)
	for _, conn := range []*nats.Conn{e.conn, e.reads} {
		if conn != nil {
			conn.Close()
		}
	}
	if e.server != nil {
		e.server.Shutdown()
		e.server.WaitForShutdown()
	}
}
