package journal

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// makeDir makes a directory and those above it. The error is worded for whoever chose the path.
func makeDir(dir string) error {
	err := os.MkdirAll(dir, 0o700)
	wrong, ok := errors.AsType[*os.PathError](err)
	switch {
	case ok && errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%s is a file; want a directory", wrong.Path)
	case ok && errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%s may not be made by the user that runs this, %d; give that user the directory above it", wrong.Path, os.Getuid())
	default:
		return err
	}
}

// lockFile takes an exclusive lock that the kernel gives back when the process ends, however it ends.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the journal's lock: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		_ = f.Close()
		return nil, fmt.Errorf("the journal's lock %s is taken: is another notifier running on this directory?", name)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("locking %s: %w", name, err)
	}
	return f, nil
}

// freeBytes is how much an ordinary user may still write to the file system that dir is on.
func freeBytes(dir string) (uint64, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, err
	}
	return fs.Bavail * uint64(fs.Bsize), nil
}
