package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
)

// SetLetter stores the letter called id in place of the one before; it is on disk when SetLetter returns nil. A letter is
// kept for Options.LetterAge after that.
func (j *Journal) SetLetter(ctx context.Context, id string, value []byte) error {
	if err := j.put(ctx, letterSubject(id), sealLetter(id, value)); err != nil {
		return fmt.Errorf("storing letter %q: %w", id, err)
	}
	return nil
}

// Letter is what SetLetter last stored as id. ok is false when there is no such letter.
func (j *Journal) Letter(ctx context.Context, id string) (value []byte, ok bool, err error) {
	sealed, ok, err := j.value(ctx, letterStream, letterSubject(id))
	if err == nil && ok {
		_, value, err = openLetter(sealed)
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading letter %q: %w", id, err)
	}
	return value, ok, nil
}

// Letters calls fn for every letter, in the order in which they were stored, and returns fn's error when it returns one.
// A letter that is stored again meanwhile comes once more.
func (j *Journal) Letters(ctx context.Context, fn func(id string, value []byte) error) error {
	e, err := j.engine()
	if err != nil {
		return fmt.Errorf("reading the letters: %w", err)
	}
	err = e.each(ctx, e.letters, letterSubjects, func(sealed []byte) error {
		id, value, broken := openLetter(sealed)
		if broken != nil {
			return broken
		}
		if stop := fn(id, value); stop != nil {
			return &stopError{stop}
		}
		return nil
	})
	var stop *stopError
	if errors.As(err, &stop) {
		return stop.err
	}
	if err != nil {
		return fmt.Errorf("reading the letters: %w", err)
	}
	return nil
}

// DropLetter removes the letter called id. It is no error when there is none.
func (j *Journal) DropLetter(ctx context.Context, id string) error {
	if err := j.drop(ctx, letterStream, letterSubject(id)); err != nil {
		return fmt.Errorf("dropping letter %q: %w", id, err)
	}
	return nil
}

func letterSubject(id string) string { return "letter." + token(id) }

// sealLetter puts the id before the value: its length (a varint), its bytes.
func sealLetter(id string, value []byte) []byte {
	sealed := binary.AppendUvarint(nil, uint64(len(id)))
	sealed = append(sealed, id...)
	return append(sealed, value...)
}

func openLetter(sealed []byte) (id string, value []byte, err error) {
	size, n := binary.Uvarint(sealed)
	if n <= 0 || size > uint64(len(sealed)-n) {
		return "", nil, errors.New("a letter is cut off")
	}
	end := n + int(size)
	return string(sealed[n:end]), sealed[end:], nil
}
