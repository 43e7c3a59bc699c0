package address

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func parsed(t testing.TB, text string) *TargetTemplate {
	t.Helper()
	template, err := ParseTarget(text)
	require.NoError(t, err)
	return template
}

func TestALabelIsAHostAndPort(t *testing.T) {
	for instance, want := range map[string]string{
		"aster-0:8080":                 "http://aster-0:8080/base",
		"Aster-0.Agents.SVC:8080":      "http://aster-0.agents.svc:8080/base",
		"agent_one":                    "http://agent_one:80/base",
		"10.1.2.3:8080":                "http://10.1.2.3:8080/base",
		"[2001:db8::1]:8080":           "http://[2001:db8::1]:8080/base",
		"[2001:DB8:0:0::1]":            "http://[2001:db8::1]:80/base",
		"[::ffff:127.0.0.1]:80":        "http://127.0.0.1:80/base", // what it stands for is checked
		"a:65535":                      "http://a:65535/base",
		strings.Repeat("a", 63) + ":1": "http://" + strings.Repeat("a", 63) + ":1/base",
	} {
		t.Run(instance, func(t *testing.T) {
			target, err := parsed(t, "http://{{ .Labels.instance }}/base/").Of(map[string]string{"instance": instance})
			require.NoError(t, err)
			assert.Equal(t, want, target.URL())
		})
	}
}

// P7: whatever a label holds, the template's address stays what its author wrote.
func TestP7AHostileLabelLeadsNowhere(t *testing.T) {
	template := parsed(t, "http://{{ .Labels.instance }}/agents/{{ .Labels.agent }}")
	for name, instance := range map[string]string{
		"a user":                    "evil@aster:8080",
		"a password":                "evil:secret@aster:8080",
		"a path":                    "aster:8080/admin",
		"a path up":                 "aster/../",
		"a fragment":                "aster:8080#",
		"a query":                   "aster:8080?x=1",
		"a backslash":               `aster\@evil:80`,
		"CR and LF":                 "aster:80\r\nHost: evil",
		"a line":                    "aster:80\n",
		"a space":                   "aster :80",
		"NUL":                       "aster\x00:80",
		"NUL and our own mark":      "\x0061\x00",
		"unicode digits":            "aster:٨٠٨٠",
		"full-width digits":         "１２７.0.0.1:80",
		"a unicode name":            "ästēr:80",
		"an ideographic dot":        "127。0。0。1:80",
		"a decimal address":         "2130706433",
		"an octal address":          "0177.0.0.1",
		"a hexadecimal address":     "0x7f000001",
		"a hexadecimal part":        "127.0.0.0x1:80",
		"a short address":           "127.1",
		"an empty hexadecimal":      "0x",
		"leading zeros":             "010.0.0.1:80",
		"a dot at the end":          "aster.:8080",
		"a dot at the start":        ".aster:8080",
		"two dots":                  "aster..svc:80",
		"a zone":                    "[fe80::1%eth0]:80",
		"an escaped zone":           "[fe80::1%25eth0]:80",
		"IPv6 without brackets":     "::1",
		"IPv4 in brackets":          "[127.0.0.1]:80",
		"a bracket too many":        "[::1]]:80",
		"something after a bracket": "[::1]x:80",
		"no end":                    "[::1",
		"two ports":                 "aster:80:80",
		"port 0":                    "aster:0",
		"a large port":              "aster:65536",
		"a port with a sign":        "aster:+80",
		"a port with a zero":        "aster:080",
		"no port after the colon":   "aster:",
		"no host":                   ":8080",
		"an escape":                 "aster%2eevil:80",
		"another scheme":            "file:///etc/passwd",
		"nothing":                   "",
		"a long label":              strings.Repeat("a", 64) + ":80",
		"a long name":               strings.Repeat("a.", 127) + "a:80",
		"ten kilobytes":             strings.Repeat("a", 10<<10),
		"a hyphen first":            "-aster:80",
		"only dots":                 "..",
		"a template":                "{{ .Labels }}",
	} {
		t.Run(name, func(t *testing.T) {
			target, err := template.Of(map[string]string{"instance": instance, "agent": "a"})
			var refused Refused
			require.ErrorAs(t, err, &refused)
			assert.Zero(t, target)
			assert.True(t, strings.HasPrefix(err.Error(), "target not allowed: "), err)
			if len(instance) > 3 {
				assert.NotContains(t, err.Error(), instance, "what was smuggled in is not repeated")
			}
		})
	}
}

func TestP7ALabelIsOneSegmentOfAPath(t *testing.T) {
	template := parsed(t, "https://agents:8443/of/{{ .Labels.agent }}/x")
	for agent, want := range map[string]string{
		"a b":         "/of/a%20b/x",
		"a/b":         "/of/a%2Fb/x",
		"?x=1#y":      "/of/%3Fx%3D1%23y/x",
		"%2e%2e":      "/of/%252e%252e/x",
		"ä":           "/of/%C3%A4/x",
		"a\r\nb":      "/of/a%0D%0Ab/x",
		`\..\`:        "/of/%5C..%5C/x",
		"@evil":       "/of/%40evil/x",
		"..":          "",
		".":           "",
		"":            "",
		"..\x00":      "/of/..%00/x",
		"\xff":        "/of/%FF/x",
		"{{ 1 }}":     "/of/%7B%7B%201%20%7D%7D/x",
		"a;b,c&d=e+f": "/of/a%3Bb%2Cc%26d%3De%2Bf/x",
	} {
		t.Run(agent, func(t *testing.T) {
			target, err := template.Of(map[string]string{"agent": agent})
			if want == "" {
				assert.ErrorContains(t, err, "target not allowed: ")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, "https://agents:8443"+want, target.URL())
		})
	}
}

func TestTargetTemplates(t *testing.T) {
	labels := map[string]string{"instance": "10.0.0.7:9100", "pod": "aster-0"}
	for text, want := range map[string]string{
		"http://{{ .Labels.instance }}":                                                 "http://10.0.0.7:9100",
		"https://{{ .Labels.pod }}.agents.svc:8080/a":                                   "https://aster-0.agents.svc:8080/a",
		`http://{{ reReplaceAll ":[0-9]+$" "" .Labels.instance }}:8080`:                 "http://10.0.0.7:8080",
		`http://{{ .Labels.instance | reReplaceAll ":.*" ":1" }}`:                       "http://10.0.0.7:1",
		`http://{{ if .Labels.pod }}{{ .Labels.pod }}{{ else }}x{{ end }}:8080`:         "http://aster-0:8080",
		`{{ $host := reReplaceAll ":.*" "" .Labels.instance -}} http://{{ $host }}:1`:   "http://10.0.0.7:1",
		`http://{{ template "host" . }}:1{{ define "host" }}{{ .Labels.pod }}{{ end }}`: "http://aster-0:1",
	} {
		t.Run(text, func(t *testing.T) {
			target, err := parsed(t, text).Of(labels)
			require.NoError(t, err)
			assert.Equal(t, want, target.URL())
		})
	}
	for text, why := range map[string]string{
		"http://{{ .Labels.instance":                          "is not a template: unclosed action",
		"http://{{ nope .Labels.instance }}":                  `is not a template: function "nope" not defined`,
		"{{ .Labels.url }}":                                   "must begin with http",
		"{{ if .Labels.x }}http{{ else }}ftp{{ end }}://x":    "must begin with http",
		"ftp://{{ .Labels.instance }}":                        "must begin with http",
		"http://{{ .Labels.instance }}/?a=b":                  "query",
		"http://{{ .Labels.instance }}/{{ if true }}#{{end}}": "fragment",
		"http://u@{{ .Labels.instance }}":                     "user or password",
		"http://{{ .Label }}":                                 "there is no .Label; there is .Labels",
		"http://{{ .StartsAt }}":                              "there is no .StartsAt; there is .Labels",
		"http://\x00{{ .Labels.instance }}":                   "no address has",
		`http://a/{{ printf "%70000s" "x" }}`:                 "more than an address",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := ParseTarget(text)
			require.ErrorContains(t, err, why)
		})
	}
}

func FuzzTarget(f *testing.F) {
	f.Add("aster-0:8080", "a")
	f.Add("[::ffff:127.0.0.1]:80", "..")
	f.Add("evil@host", "%2e%2e")
	f.Add("2130706433", "a/../b")
	f.Add("\x0061\x00", "\r\n")
	template, err := ParseTarget("http://{{ .Labels.instance }}/of/{{ .Labels.agent }}")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, instance, agent string) {
		target, err := template.Of(map[string]string{"instance": instance, "agent": agent})
		if err != nil {
			require.ErrorContains(t, err, "target not allowed: ")
			return
		}
		u, err := url.Parse(target.URL())
		require.NoError(t, err)
		require.Equal(t, "http", u.Scheme)
		require.Nil(t, u.User)
		require.Empty(t, u.RawQuery+u.Fragment)
		require.Equal(t, target.HostPort(), u.Host)
		require.Equal(t, "/of/"+agent, u.Path)
		require.Equal(t, u.Path, u.JoinPath().Path, "it is clean")
		require.NotContains(t, target.URL(), "\n")
		// Nothing but the usual form of an address is an address.
		if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
			require.Equal(t, ip.Unmap().String(), u.Hostname())
		}
	})
}
