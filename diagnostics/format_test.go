package diagnostics

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		v    float64
		u    Unit
		want string
	}{
		{0, Short, "0"},
		{1204, Short, "1,204"},
		{999999, Short, "999,999"},
		{1234567, Short, "1.23 M"},
		{1e6, Short, "1 M"},
		{999999.9, Short, "1 M"},
		{2.5, Short, "2.5"},
		{12345.6, Short, "12,300"},
		{0.00001, Short, "< 0.001"},
		{-0.00001, Short, "0"},
		{-42, Short, "-42"},
		{1e30, Short, "1e+18 T"},
		{0, PercentUnit, "0 %"},
		{0.073, PercentUnit, "7.3 %"},
		{0.07349, PercentUnit, "7.35 %"},
		{0.00002, PercentUnit, "< 0.01 %"},
		{1, PercentUnit, "100 %"},
		{12.34, PercentUnit, "1,230 %"},
		{0, Seconds, "0 s"},
		{0.8, Seconds, "0.8 s"},
		{0.0999, Seconds, "99.9 ms"},
		{0.09999, Seconds, "0.1 s"},
		{0.0033333, Seconds, "3.33 ms"},
		{0.00045, Seconds, "450 µs"},
		{1e-9, Seconds, "< 1 µs"},
		{10, Seconds, "10 s"},
		{59.94, Seconds, "59.9 s"},
		{59.97, Seconds, "1 min"},
		{90, Seconds, "1 min 30 s"},
		{3599.6, Seconds, "1 h"},
		{3660, Seconds, "1 h 1 min"},
		{86399, Seconds, "1 d"},
		{4*86400 + 2*3600 + 60, Seconds, "4 d 2 h"},
		{1e18, Seconds, "11.6 T d"},
		{0, Bytes, "0 B"},
		{1023, Bytes, "1,020 B"},
		{412 << 20, Bytes, "412 MiB"},
		{1.5 * (1 << 30), Bytes, "1.5 GiB"},
		{1023.9 * 1024, Bytes, "1,020 KiB"},
		{31, PerSecond, "31 /s"},
		{0.313771, PerSecond, "0.314 /s"},
		{1240, Tokens, "1,240 tokens/s"},
		{76264.757, Tokens, "76,300 tokens/s"},
		{0.42, CurrencyUSD, "$0.42"},
		{12.5, CurrencyUSD, "$12.50"},
		{1204, CurrencyUSD, "$1,200"},
		{0.0042, CurrencyUSD, "$0.0042"},
		{-3, CurrencyUSD, "-$3.00"},
		{math.NaN(), Seconds, "not reported"},
		{math.Inf(1), Bytes, "not reported"},
		{math.Inf(-1), Short, "not reported"},
	} {
		assert.Equal(t, c.want, Format(c.v, c.u), "%v %s", c.v, c.u)
	}
}

func TestFormatVital(t *testing.T) {
	ten := 10.0
	for _, c := range []struct {
		v    Vital
		want string
	}{
		{Vital{Value: &ten, Unit: Seconds}, "10 s"},
		{Vital{Value: &ten, Unit: Seconds, Bound: ">"}, "> 10 s"},
		{Vital{Value: &ten, Unit: Seconds, Note: "since start"}, "10 s"},
		{Vital{Unit: Seconds}, "not reported"},
		{Vital{Unit: Seconds, Note: "not reported by this agent"}, "not reported"},
		{Vital{Unit: PercentUnit, Note: "no traffic"}, "no traffic"},
	} {
		assert.Equal(t, c.want, FormatVital(c.v))
	}
}

func FuzzFormat(f *testing.F) {
	f.Add(59.999, "s")
	f.Add(1e300, "bytes")
	f.Fuzz(func(t *testing.T, v float64, u string) {
		text := Format(v, Unit(u))
		assert.NotEmpty(t, text)
		assert.NotContains(t, text, "NaN")
		assert.NotContains(t, text, "Inf")
		assert.Less(t, len(text), 40)
	})
}
