package logsink

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// endsTorn is whether the file ends within a line: the disk was full, or the process died, in the middle of a write.
func endsTorn(f *os.File) (bool, error) {
	info, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("looking at the file: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return false, nil
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err != nil {
		return false, fmt.Errorf("reading the file's end: %w", err)
	}
	return last[0] != '\n', nil
}

// syncDir makes a new file's name durable: syncing the file does not.
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("opening the directory: %w", err)
	}
	defer dir.Close() //nolint:errcheck // nothing was written
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("syncing the directory: %w", err)
	}
	return nil
}

// flush puts on disk what was written. A pipe or a terminal has no disk.
func flush(f *os.File) error {
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}
