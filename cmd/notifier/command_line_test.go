package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every command has examples, and each of them is one.
func TestEveryExampleOfTheHelpIsACommand(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("client.yml", nil, 0o600))
	for _, cmd := range newCommandLine(io.Discard).app.Model().FlattenedCommands() {
		if cmd.Name == "help" {
			continue
		}
		t.Run(cmd.FullCommand, func(t *testing.T) {
			examples := 0
			for line := range strings.SplitSeq(cmd.HelpLong, "\n") {
				if !strings.HasPrefix(line, "  ") {
					assert.NotContains(t, line, "\t")
					continue
				}
				words := exampleWords(line)
				require.Equal(t, "notifier", words[0], line)
				command, err := newCommandLine(io.Discard).parse(words[1:])
				require.NoError(t, err, line)
				assert.Equal(t, cmd.FullCommand, command, line)
				assert.LessOrEqual(t, len(line), 100, line)
				examples++
			}
			assert.Positive(t, examples, "an example says more than a description")
		})
	}
}

// exampleWords are the words of a command up to a pipe or a redirection.
func exampleWords(line string) (words []string) {
	for _, word := range strings.Fields(line) {
		if word == "|" || word == "<" || word == ">" {
			return words
		}
		words = append(words, strings.Trim(word, "'"))
	}
	return words
}

func TestHelpIsWhole(t *testing.T) {
	var every func(cmds []*kingpin.CmdModel, check func(where, help string))
	every = func(cmds []*kingpin.CmdModel, check func(where, help string)) {
		for _, cmd := range cmds {
			check(cmd.FullCommand, cmd.Help)
			for _, f := range cmd.Flags {
				check(cmd.FullCommand+" --"+f.Name, f.Help)
			}
			for _, a := range cmd.Args {
				check(cmd.FullCommand+" "+a.Name, a.Help)
			}
			every(cmd.Commands, check)
		}
	}
	every(newCommandLine(io.Discard).app.Model().Commands, func(where, help string) {
		ours := !strings.Contains(where, "--web.listen-address") && !strings.Contains(where, "--web.config.file")
		if ours {
			assert.True(t, strings.HasSuffix(help, "."), "%s: %s", where, help)
		}
		for _, r := range help {
			assert.Less(t, r, rune(0x80), "%s: the manual page is ASCII", where)
		}
	})
}

func TestColoursAreForTerminals(t *testing.T) {
	assert.False(t, isTerminal(&bytes.Buffer{}))
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer file.Close()
	assert.False(t, isTerminal(file))
	null, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer null.Close()
	assert.False(t, isTerminal(null), "a device, but no terminal")
}
