package diagnostics

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// notReported are the words for a number that is not there.
const notReported = "not reported"

// Format is a value in words for people: "1,204", "7.3 %", "412 MiB", "0.8 s", "31 /s", "4 d 2 h", "$0.42". It has at most
// three significant digits, but counts below a million stand in full. A value that is no number is "not reported".
func Format(v float64, u Unit) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return notReported
	}
	if v < 0 {
		if text := Format(-v, u); !strings.HasPrefix(text, "<") {
			return "-" + text
		}
		v = 0 // so little below nothing that three digits do not show it
	}
	switch u {
	case PercentUnit:
		if v > 0 && v < 0.0001 {
			return "< 0.01 %"
		}
		return number(v*100) + " %"
	case Seconds:
		return formatSeconds(v)
	case Bytes:
		return formatBytes(v)
	case PerSecond:
		return number(v) + " /s"
	case Tokens:
		return number(v) + " tokens/s"
	case CurrencyUSD:
		return formatUSD(v)
	case USDPerHour:
		return formatUSD(v) + " /h"
	}
	if v < 1e6 && v == math.Trunc(v) {
		return group(strconv.FormatFloat(v, 'f', 0, 64))
	}
	return number(v)
}

// FormatVital is the vital's value in words, with its bound: "7.3 %", "> 10 s"; or why there is none: "no traffic",
// "not reported".
func FormatVital(v Vital) string {
	switch {
	case v.Text != "":
		return v.Text
	case v.Value == nil && (v.Note == "" || strings.HasPrefix(v.Note, notReported)):
		return notReported
	case v.Value == nil:
		return v.Note
	}
	return formatBound(v.Bound, *v.Value, v.Unit)
}

// FormatBefore is what the vital was before, in words with its bound: "0.2 %", "> 10 s", "v1.2"; "" when that is not known.
func FormatBefore(v Vital) string {
	switch {
	case v.BeforeText != "":
		return v.BeforeText
	case v.Before != nil:
		return formatBound(v.BeforeBound, *v.Before, v.Unit)
	}
	return ""
}

func formatBound(bound string, v float64, u Unit) string {
	text := Format(v, u)
	if bound == "" || strings.HasPrefix(text, "<") {
		return text
	}
	return bound + " " + text
}

// number is v, not negative, with three significant digits: "0.0012", "7.3", "1,240", "76,300", "1.23 M".
func number(v float64) string {
	if v > 0 && v < 0.0005 {
		return "< 0.001"
	}
	for _, scale := range []struct {
		size float64
		name string
	}{{1e12, " T"}, {1e9, " G"}, {1e6, " M"}} {
		if round3(v) >= scale.size {
			return digits3(v/scale.size) + scale.name
		}
	}
	return digits3(v)
}

// round3 is v rounded to three significant digits.
func round3(v float64) float64 {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'e', 2, 64), 64)
	return rounded
}

func digits3(v float64) string {
	v = round3(v)
	if v >= 1e6 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	whole, fraction, _ := strings.Cut(strconv.FormatFloat(v, 'f', -1, 64), ".")
	if fraction == "" {
		return group(whole)
	}
	return group(whole) + "." + fraction
}

// group puts a comma between the thousands of a whole number.
func group(whole string) string {
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return whole
}

func formatBytes(v float64) string {
	names := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	i := 0
	for round3(v) >= 1024 && i < len(names)-1 {
		v /= 1024
		i++
	}
	return digits3(v) + " " + names[i]
}

// formatUSD shows cents, and below a cent what there is.
func formatUSD(v float64) string {
	switch {
	case v == 0:
		return "$0"
	case v < 0.0005:
		return "< $0.001"
	case v < 0.01:
		return "$" + digits3(v)
	case v < 100:
		return "$" + strconv.FormatFloat(v, 'f', 2, 64)
	}
	return "$" + number(v)
}

// formatSeconds is a time span in its two largest units: "0.8 s", "12 ms", "1 min 30 s", "4 d 2 h".
func formatSeconds(v float64) string {
	switch {
	case v == 0:
		return "0 s"
	case v < 1e-6:
		return "< 1 µs"
	case round3(v*1e6) < 1000:
		return digits3(v*1e6) + " µs"
	case round3(v*1e3) < 100:
		return digits3(v*1e3) + " ms"
	case round3(v) < 60:
		return digits3(v) + " s"
	case v > 1e9: // thirty years: nobody measures it, and a duration cannot hold it
		return number(v/86400) + " d"
	}
	d := time.Duration(v * float64(time.Second))
	parts := []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	for i, part := range parts[:len(parts)-1] {
		small := parts[i+1]
		if d = d.Round(small.size); d < part.size {
			d = time.Duration(v * float64(time.Second))
			continue
		}
		text := fmt.Sprintf("%d %s", d/part.size, part.name)
		if rest := d % part.size / small.size; rest > 0 {
			text += fmt.Sprintf(" %d %s", rest, small.name)
		}
		return text
	}
	return digits3(v) + " s"
}
