package logsink

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// stamp is when a file was rotated, in its name: alerts.log becomes alerts-2026-03-01T09-14-05.000.log. The names sort by time.
const stamp = "2006-01-02T15-04-05.000"

// rotate renames the file when it has no room for so many bytes more; what is written then begins another one. A file that cannot
// be renamed goes on to grow: a line matters more than its place.
func (n *Notifier) rotate(path string, more int64) (rotated bool) {
	most := n.config.maxSize()
	info, err := os.Lstat(path)
	if most == 0 || err != nil || !info.Mode().IsRegular() || info.Size() == 0 || info.Size()+more <= most {
		return false
	}
	before, after := parts(path)
	for at := n.now().UTC(); ; at = at.Add(time.Millisecond) {
		name := before + at.Format(stamp) + after
		if _, err := os.Lstat(name); err == nil {
			continue // never over one that is there
		}
		return os.Rename(path, name) == nil
	}
}

// prune removes the oldest files of the past, so that keep are left; 0 keeps all. One that cannot be removed stays.
func prune(path string, keep int) {
	before, after := parts(path)
	entries, err := os.ReadDir(filepath.Dir(path))
	if keep == 0 || err != nil {
		return
	}
	var past []string
	for _, entry := range entries {
		name, ok := strings.CutPrefix(filepath.Join(filepath.Dir(path), entry.Name()), before)
		if !ok || !strings.HasSuffix(name, after) {
			continue
		}
		if _, err := time.Parse(stamp, strings.TrimSuffix(name, after)); err == nil {
			past = append(past, before+name)
		}
	}
	slices.Sort(past)
	for _, name := range past[:max(len(past)-keep, 0)] {
		_ = os.Remove(name)
	}
}

// parts are what stands before and after the stamp.
func parts(path string) (before, after string) {
	path = filepath.Clean(path)
	after = filepath.Ext(path)
	return strings.TrimSuffix(path, after) + "-", after
}
