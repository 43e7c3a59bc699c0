package secretfile

import (
	"bytes"
	"fmt"
	"os"
	"unicode"
	"unicode/utf8"
)

// Read is the password, token or address that the file holds: one line of text. Editors of Windows begin a file with a byte order
// mark and end its lines with CRLF; neither is part of the secret.
func Read(file string) (string, error) {
	content, err := Bytes(file)
	if err != nil {
		return "", err
	}
	switch {
	case !utf8.Valid(content) || bytes.IndexByte(content, 0) >= 0:
		return "", fmt.Errorf("%s is not UTF-8; save the file as UTF-8", file)
	case bytes.ContainsAny(content, "\r\n"):
		return "", fmt.Errorf("%s has several lines; want the secret alone", file)
	case bytes.ContainsFunc(content, unicode.IsControl):
		return "", fmt.Errorf("%s has a control character in it; want the secret alone", file)
	}
	return string(content), nil
}

// Bytes is like Read for a key that may be any bytes.
func Bytes(file string) ([]byte, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file, and the caller says whose it is
	}
	content = bytes.TrimSpace(bytes.TrimPrefix(content, []byte("\ufeff")))
	if len(content) == 0 {
		return nil, fmt.Errorf("%s is empty", file)
	}
	return content, nil
}
