package logsink

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"github.com/alecthomas/units"

	"github.com/alertvitals/notifier/config/problem"
)

// The formats of a line.
const (
	JSON   = "json"
	Logfmt = "logfmt"
)

// The outputs that are not files.
const (
	Stdout = "stdout"
	Stderr = "stderr"
)

// Config is one entry of log_configs.
type Config struct {
	// Format is json or logfmt.
	Format string `yaml:"format,omitempty"`
	// Output is stdout, stderr or the path of a file.
	Output string `yaml:"output,omitempty"`
	// MaxSize is how large a file gets before it is renamed and another one begun, such as 10MB; 0 is no bound.
	MaxSize *units.Base2Bytes `yaml:"max_size,omitempty"`
	// MaxFiles is how many files of the past are kept; 0 is all of them.
	MaxFiles *int `yaml:"max_files,omitempty"`
	// SendResolved is whether a group that is over is written too.
	SendResolved *bool `yaml:"send_resolved,omitempty"`
}

// WithDefaults is c with the defaults in place of what it leaves out.
func (c Config) WithDefaults() Config {
	c.Format = cmp.Or(c.Format, JSON)
	c.Output = cmp.Or(c.Output, Stdout)
	if c.MaxSize == nil {
		c.MaxSize = new(100 * units.MiB)
	}
	if c.MaxFiles == nil {
		c.MaxFiles = new(10)
	}
	if c.SendResolved == nil {
		c.SendResolved = new(true)
	}
	return c
}

// SendsResolved is whether a group that is over is written too.
func (c Config) SendsResolved() bool { return *c.WithDefaults().SendResolved }

// LeadFrom is c with what lead makes of the path of a file, where the output is one.
func (c Config) LeadFrom(lead func(path string) string) Config {
	if c.path() != "" {
		c.Output = lead(c.Output)
	}
	return c
}

// Validate is what is wrong with the configuration.
func (c Config) Validate() []problem.Problem {
	var problems []problem.Problem
	if c.Format != "" && c.Format != JSON && c.Format != Logfmt {
		problems = append(problems, problem.Problem{Path: "format", Msg: fmt.Sprintf("%q is no format, want %s or %s", c.Format, JSON, Logfmt)})
	}
	if c.MaxSize != nil && *c.MaxSize < 0 {
		problems = append(problems, problem.Problem{Path: "max_size", Msg: "must not be negative; 0 is no bound"})
	}
	if c.MaxFiles != nil && *c.MaxFiles < 0 {
		problems = append(problems, problem.Problem{Path: "max_files", Msg: "must not be negative; 0 keeps all"})
	}
	if c.path() != "" {
		if info, err := os.Stat(c.Output); err == nil && info.IsDir() {
			problems = append(problems, problem.Problem{Path: "output", Msg: fmt.Sprintf("%s is a directory, want a file in it", c.Output)})
		} else if _, err := os.Stat(filepath.Dir(c.Output)); os.IsNotExist(err) {
			problems = append(problems, problem.Problem{Path: "output", Msg: fmt.Sprintf("the directory of %s does not exist; want %s, %s or a path", c.Output, Stdout, Stderr)})
		}
	}
	return problems
}

// path is the file's, "" when the output is not a file.
func (c Config) path() string {
	if c.Output == "" || c.Output == Stdout || c.Output == Stderr {
		return ""
	}
	return c.Output
}

// maxSize is in bytes, 0 for no bound.
func (c Config) maxSize() int64 {
	return int64(*c.WithDefaults().MaxSize)
}

// maxFiles is how many files of the past are kept, 0 for all.
func (c Config) maxFiles() int {
	return *c.WithDefaults().MaxFiles
}
