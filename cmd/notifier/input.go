package main

import (
	"fmt"
	"io"
	"os"
)

const (
	// standardInput is what the input that a shell gives is called; a command line calls it -.
	standardInput = "<stdin>"
	// inputSize bounds what is read of it; a configuration and a payload are far smaller.
	inputSize = 8 << 20
)

// readInput is the content of a file, or of the standard input when path says so.
func readInput(path string, stdin io.Reader) ([]byte, error) {
	if path != standardInput && path != "-" {
		return os.ReadFile(path)
	}
	content, err := io.ReadAll(io.LimitReader(stdin, inputSize+1))
	if err == nil && len(content) > inputSize {
		return nil, fmt.Errorf("standard input has more than %d MiB", inputSize>>20)
	}
	return content, err
}
