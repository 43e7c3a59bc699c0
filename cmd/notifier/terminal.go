package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// isTerminal is whether w shows colours: it is a terminal, and nobody asked for none. https://no-color.org
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))
}
