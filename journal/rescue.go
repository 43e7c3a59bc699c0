package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// NATS deletes a stream's directory when it cannot read it at its start, be it for a moment's EIO or for want of room for
// a tombstone (nats-server 2.15, stream.go: setupStore fails, stop(true, false) removes all). So every file gets a second
// name beforehand, a hard link, which costs no space. The link stays until the start is known to have gone well.
type rescue struct{ dir string }

func (r rescue) streams() string { return filepath.Join(r.dir, "jetstream", "$G", "streams") }
func (r rescue) kept() string    { return filepath.Join(r.dir, "rescue") }

// messages is the directory of the records' files, which NATS calls 1.blk, 2.blk and so on.
func (r rescue) messages() string { return filepath.Join(r.streams(), recordStream, "msgs") }

// newest is the records' newest file and its size in bytes; "" when there is none.
func (r rescue) newest() (file string, size int64) {
	files, _ := filepath.Glob(filepath.Join(r.messages(), "*.blk")) // it fails on a wrong pattern only
	number := -1
	for _, name := range files {
		n, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(name), ".blk"))
		if info, gone := os.Stat(name); err == nil && gone == nil && n > number {
			number, file, size = n, name, info.Size()
		}
	}
	return file, size
}

// prepare brings back what the start before this one lost, and gives each file its second name.
func (r rescue) prepare() error {
	if _, err := os.Stat(r.kept()); err == nil {
		if err = linkMissing(r.kept(), r.streams()); err != nil {
			return fmt.Errorf("bringing the journal's files back: %w", err)
		}
	}
	if err := r.drop(); err != nil {
		return err
	}
	half := r.kept() + ".tmp"
	if err := os.RemoveAll(half); err != nil {
		return fmt.Errorf("keeping the journal's files safe: %w", err)
	}
	if _, err := os.Stat(r.streams()); errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil // the first start of all, or not a journal: NATS says what is wrong with it
	}
	err := linkMissing(r.streams(), half)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EOPNOTSUPP) {
		return os.RemoveAll(half) // a file system without hard links has to do without
	}
	if err != nil {
		return fmt.Errorf("keeping the journal's files safe: %w", err)
	}
	if err = os.Rename(half, r.kept()); err != nil {
		return fmt.Errorf("keeping the journal's files safe: %w", err)
	}
	return nil
}

// verify says whether NATS deleted a stream while it started.
func (r rescue) verify() error {
	kept, err := os.ReadDir(r.kept())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for what NATS deleted: %w", err)
	}
	for _, stream := range kept {
		const meta = "meta.inf"
		if _, err = os.Stat(filepath.Join(r.kept(), stream.Name(), meta)); err != nil {
			continue // it was half made when a process before this one died
		}
		if _, err = os.Stat(filepath.Join(r.streams(), stream.Name(), meta)); err != nil {
			return fmt.Errorf("NATS could not read the stream %q; its files are kept for the next start", stream.Name())
		}
	}
	return nil
}

// drop removes the second names. The rename comes first, so that a kill leaves all of them or none.
func (r rescue) drop() error {
	old := r.kept() + ".old"
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("dropping the second names of the journal's files: %w", err)
	}
	err := os.Rename(r.kept(), old)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = os.RemoveAll(old)
	}
	if err != nil {
		return fmt.Errorf("dropping the second names of the journal's files: %w", err)
	}
	return nil
}

// linkMissing gives every file under from that is missing under to a name there.
func linkMissing(from, to string) error {
	return filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		err = os.Link(name, filepath.Join(to, rel)) //nolint:gosec // the directory is the journal's own, mode 0700
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return err
	})
}
