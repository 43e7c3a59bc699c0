package problem

import "strings"

// Nearest is the one of known that somebody may have meant who wrote name, "" when none is near: at most a third of the letters
// are wrong, left out, too many, or swapped with their neighbour.
func Nearest(name string, known []string) string {
	best, nearest := max(1, len([]rune(name))/3)+1, ""
	for _, one := range known {
		if one == name || one == "" {
			continue
		}
		if d := distance([]rune(fold(name)), []rune(fold(one))); d < best {
			best, nearest = d, one
		}
	}
	return nearest
}

// fold leaves out what people mix up most.
func fold(name string) string { return strings.ReplaceAll(strings.ToLower(name), "-", "_") }

// distance is the optimal string alignment distance.
func distance(a, b []rune) int {
	if len(a) > 100 || len(b) > 100 {
		return 100
	}
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		now := make([]int, len(b)+1)
		now[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			now[j+1] = min(last[j+1]+1, now[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				now[j+1] = min(now[j+1], before[j-1]+1)
			}
		}
		before, last = last, now
	}
	return last[len(b)]
}
