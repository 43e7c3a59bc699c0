package journal

import (
	"context"
	"fmt"
)

// Stats are how full the journal is.
type Stats struct {
	// Bytes is what the records take on disk, of MaxBytes at most.
	Bytes, MaxBytes uint64
	// FreeBytes is what is free on the disk; below MinFree nothing is accepted.
	FreeBytes, MinFree uint64
	// Queue is how many records wait for the disk.
	Queue int
}

// Stats asks for them. It fails while the store is started again after a write error.
func (j *Journal) Stats(ctx context.Context) (s Stats, err error) {
	state, err := j.recordsInfo(ctx)
	if err != nil {
		return Stats{}, fmt.Errorf("asking the journal for its size: %w", err)
	}
	free, err := freeBytes(rescue{j.opts.Dir}.messages())
	if err != nil {
		return Stats{}, fmt.Errorf("asking for the free space on disk: %w", err)
	}
	return Stats{
		Bytes: state.Bytes, MaxBytes: uint64(j.opts.MaxBytes), FreeBytes: free, MinFree: j.opts.MinFree, Queue: j.queue.len(),
	}, nil
}
