package main

import (
	"context"
	"errors"

	"github.com/alertvitals/notifier/delivery"
	"github.com/alertvitals/notifier/journal"
)

// records hands the journal's records to delivery, which knows the journal only by what it asks of it.
type records struct{ *journal.Journal }

var _ delivery.Journal = records{}

func (r records) Read(ctx context.Context, after uint64, fn func(delivery.Record) error) error {
	return r.Journal.Read(ctx, after, func(rec journal.Record) error { return fn(delivery.Record(rec)) })
}

func (r records) Get(ctx context.Context, seq uint64) (rec delivery.Record, ok bool, err error) {
	kept, err := r.Journal.Get(ctx, seq)
	if errors.Is(err, journal.ErrGone) {
		return delivery.Record{}, false, nil
	}
	return delivery.Record(kept), err == nil, err
}
