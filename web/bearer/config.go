package bearer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	commoncfg "github.com/prometheus/common/config"

	"github.com/alertvitals/notifier/config/problem"
)

// Config is the `web` key of the configuration. Each token opens; two of them let senders change from one to the other. Its
// zero value lets everybody in.
type Config struct {
	// BearerTokens are tokens of which one has to come with every request that may change something, as docs/security.md tells: two of
	// them let senders change from one to the other. With none, and no file, everybody is let in.
	BearerTokens []commoncfg.Secret `yaml:"bearer_tokens"`
	// BearerTokensFile is a file with more of them, one on a line, read at each use. Empty lines and those that begin with # are left
	// out.
	BearerTokensFile string `yaml:"bearer_tokens_file"`
}

const (
	// shortest is the least number of characters of a token.
	shortest = 16
	// largestFile bounds the file of tokens, in bytes.
	largestFile = 64 << 10
)

// syntax is what a token may be made of: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
var syntax = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// wrongToken is what keeps a text from being a token, "" when nothing does. The text is not in it.
func wrongToken(text string) string {
	switch {
	case len(text) < shortest:
		return fmt.Sprintf("a token needs at least %d characters, so that nobody can guess it: openssl rand -hex 32 makes one", shortest)
	case !syntax.MatchString(text):
		return "a token has only letters, digits and -._~+/ (and = at its end)"
	default:
		return ""
	}
}

// Validate is what is wrong with c, without what is in the file.
func (c Config) Validate() []problem.Problem {
	var problems []problem.Problem
	for i, token := range c.BearerTokens {
		if wrong := wrongToken(string(token)); wrong != "" {
			problems = append(problems, problem.Problem{Path: fmt.Sprintf("bearer_tokens[%d]", i), Msg: wrong})
		}
	}
	return problems
}

// Guards is whether a token is asked for.
func (c Config) Guards() bool { return len(c.BearerTokens) > 0 || c.BearerTokensFile != "" }

// Check reads the file, if there is one. Its error says what is wrong with it, and holds no token.
func (c Config) Check() error {
	_, err := c.tokens()
	return err
}

// tokens are all that open.
func (c Config) tokens() ([]string, error) {
	var all []string
	for _, token := range c.BearerTokens {
		all = append(all, string(token))
	}
	if c.BearerTokensFile == "" {
		return all, nil
	}
	file, err := os.Open(c.BearerTokensFile)
	if err != nil {
		return nil, fmt.Errorf("reading web.bearer_tokens_file: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, largestFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading web.bearer_tokens_file: %w", err)
	case len(text) > largestFile: // a part of a token must not open
		return nil, fmt.Errorf("reading web.bearer_tokens_file: %s has more than %d KiB; that is no list of tokens", c.BearerTokensFile, largestFile>>10)
	}
	found := false
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // some editors begin a file with it
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		token := strings.TrimSpace(lines.Text())
		if token == "" || strings.HasPrefix(token, "#") {
			continue
		}
		if wrong := wrongToken(token); wrong != "" {
			return nil, fmt.Errorf("reading web.bearer_tokens_file: line %d of %s: %s", n, c.BearerTokensFile, wrong)
		}
		found = true
		all = append(all, token)
	}
	if err := lines.Err(); err != nil { // a line of 64 KiB
		return nil, fmt.Errorf("reading web.bearer_tokens_file: %w", err)
	}
	if !found {
		return nil, errors.New("reading web.bearer_tokens_file: " + c.BearerTokensFile + " holds no token; write one on a line")
	}
	return all, nil
}
