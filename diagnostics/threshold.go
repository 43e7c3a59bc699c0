package diagnostics

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// threshold is a limit and on which side of it values are bad.
type threshold struct {
	op    string
	limit float64
}

// parseThreshold reads one such as "> 0.05"; "" is none.
func parseThreshold(text string) (threshold, error) {
	if text == "" {
		return threshold{}, nil
	}
	op, number, _ := strings.Cut(text, " ")
	limit, err := strconv.ParseFloat(number, 64)
	if err != nil || !finite(limit) || !slices.Contains([]string{">", ">=", "<", "<="}, op) {
		return threshold{}, fmt.Errorf("%q is not a threshold like \"> 0.05\"", text)
	}
	return threshold{op, limit}, nil
}

func (t threshold) beyond(v float64) bool {
	switch t.op {
	case ">":
		return v > t.limit
	case ">=":
		return v >= t.limit
	case "<":
		return v < t.limit
	case "<=":
		return v <= t.limit
	}
	return false
}
