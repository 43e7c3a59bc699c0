package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	recordStream  = "webhooks"
	recordSubject = "webhooks"
	stateStream   = "state"

	// maxRecord is above the webhook's limit of 4 MiB. NATS warns beyond 8 MiB.
	maxRecord = 8 << 20
	// startTimeout bounds the start of the server; it reads an index, and every record only when that index is lost.
	startTimeout = time.Minute
)

// Journal is an open journal. Its methods are safe for concurrent use.
type Journal struct {
	opts    Options
	lock    *os.File
	server  *server.Server
	conn    *nats.Conn
	js      jetstream.JetStream
	records jetstream.Stream
	states  jetstream.Stream
	// unanswered is when NATS last left an Append without an answer (UnixNano), 0 once another Append was answered.
	unanswered atomic.Int64
}

// Open opens the journal in opts.Dir, or makes it there. It fails when another process has the directory open, or when
// the directory cannot be written. ctx bounds the opening only.
func Open(ctx context.Context, opts Options) (*Journal, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	if err = os.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the journal's directory: %w", err)
	}
	j := &Journal{opts: opts}
	if j.lock, err = lockFile(filepath.Join(opts.Dir, "lock")); err != nil {
		return nil, err
	}
	if err = j.start(ctx); err != nil {
		j.Close()
		return nil, fmt.Errorf("opening the journal in %s: %w", opts.Dir, err)
	}
	return j, nil
}

func (j *Journal) start(ctx context.Context) (err error) {
	log := &serverLog{to: j.opts.Logger.With(slog.String("component", "nats"))}
	j.server, err = server.NewServer(&server.Options{
		ServerName:             "notifier",
		DontListen:             true,
		NoSigs:                 true,
		JetStream:              true,
		StoreDir:               j.opts.Dir,
		SyncAlways:             true,
		DisableJetStreamBanner: true,
		MaxPayload:             maxRecord,
		// The records' own limit and MinFree bound the disk. NATS's default, 75 % of what is free at start, would
		// shrink with every restart.
		JetStreamMaxStore:  1 << 50,
		JetStreamMaxMemory: 64 << 20,
	})
	if err != nil {
		return fmt.Errorf("configuring NATS: %w", err)
	}
	j.server.SetLoggerV2(log, false, false, false)
	j.server.Start()
	if err = log.fatal(); err != nil {
		return fmt.Errorf("starting NATS: %w", err)
	}
	if !j.server.ReadyForConnections(startTimeout) || !j.server.JetStreamEnabled() {
		return errors.New("starting NATS: it did not get ready")
	}
	j.conn, err = nats.Connect("", nats.InProcessServer(j.server), nats.Name("journal"),
		nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
	if err != nil {
		return fmt.Errorf("connecting to NATS in the process: %w", err)
	}
	if j.js, err = jetstream.New(j.conn, jetstream.WithDefaultTimeout(j.opts.Timeout)); err != nil {
		return fmt.Errorf("using JetStream: %w", err)
	}
	return j.makeStreams(ctx)
}

func (j *Journal) makeStreams(ctx context.Context) (err error) {
	j.records, err = j.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:      recordStream,
		Subjects:  []string{recordSubject},
		Storage:   jetstream.FileStorage,
		Retention: jetstream.LimitsPolicy,
		MaxAge:    j.opts.MaxAge,
		MaxBytes:  j.opts.MaxBytes,
		// What was accepted stays: a full journal refuses new records, it does not forget old ones.
		Discard: jetstream.DiscardNew,
	})
	if err != nil {
		return fmt.Errorf("making the stream of records: %w", err)
	}
	j.states, err = j.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:              stateStream,
		Subjects:          []string{stateSubjects, positionSubjects, probeSubject},
		Storage:           jetstream.FileStorage,
		Retention:         jetstream.LimitsPolicy,
		MaxMsgsPerSubject: 1,
	})
	if err != nil {
		return fmt.Errorf("making the stream of states: %w", err)
	}
	return nil
}

// Append stores one record and returns its sequence number once the record is on disk. Numbers only grow; they may leave
// gaps. Any error means that the record may be lost. It may also have been stored (the answer came too late), so a caller
// that tries again may store it twice.
func (j *Journal) Append(ctx context.Context, data []byte) (uint64, error) {
	if err := j.enoughFree(j.opts.MinFree); err != nil {
		return 0, fmt.Errorf("appending to the journal: %w", err)
	}
	ack, err := j.js.Publish(ctx, recordSubject, data, jetstream.WithRetryAttempts(0))
	if errors.Is(err, context.DeadlineExceeded) {
		j.unanswered.Store(time.Now().UnixNano())
	}
	if err != nil {
		return 0, fmt.Errorf("appending to the journal: %w", err)
	}
	j.unanswered.Store(0)
	return ack.Sequence, nil
}

func (j *Journal) enoughFree(want uint64) error {
	free, err := freeBytes(j.opts.Dir)
	if err != nil {
		return fmt.Errorf("asking for the free space on disk: %w", err)
	}
	if free < want {
		return fmt.Errorf("%d MiB are free on the disk, want at least %d MiB", free>>20, want>>20)
	}
	return nil
}

// Last is the sequence number of the newest record, 0 when there never was one.
func (j *Journal) Last(ctx context.Context) (uint64, error) {
	info, err := j.records.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("asking the journal for its newest record: %w", err)
	}
	return info.State.LastSeq, nil
}

// Check says whether the journal can be written now, by writing a few bytes beside the records. It costs one fsync.
func (j *Journal) Check(ctx context.Context) error {
	if err := j.enoughFree(j.opts.MinFree); err != nil {
		return fmt.Errorf("checking the journal: %w", err)
	}
	// NATS gives no answer about a stream that met a write error, and takes nothing more for it until the next start.
	if at := j.unanswered.Load(); at != 0 && time.Since(time.Unix(0, at)) < time.Minute {
		return errors.New("checking the journal: the disk did not take the newest record; when this stays so, restart")
	}
	info, err := j.records.Info(ctx)
	if err != nil {
		return fmt.Errorf("checking the journal: %w", err)
	}
	if used := info.State.Bytes; used+min(maxRecord, uint64(j.opts.MaxBytes)/2) > uint64(j.opts.MaxBytes) {
		return fmt.Errorf("checking the journal: its %d MiB are full", j.opts.MaxBytes>>20)
	}
	if _, err := j.js.Publish(ctx, probeSubject, nil, jetstream.WithRetryAttempts(0)); err != nil {
		return fmt.Errorf("checking the journal: %w", err)
	}
	return nil
}

// Close ends every Read and closes the journal. What Append acknowledged is safe with or without it.
func (j *Journal) Close() {
	if j.conn != nil {
		j.conn.Close()
	}
	if j.server != nil {
		j.server.Shutdown()
		j.server.WaitForShutdown()
	}
	if j.lock != nil {
		_ = j.lock.Close() // closing gives the lock back
	}
}
