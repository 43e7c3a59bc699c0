package address

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"text/template"

	amtemplate "github.com/prometheus/alertmanager/template"
)

// Refused says in words for people why an address is not asked. It repeats nothing that a label could have smuggled in.
type Refused string

func (r Refused) Error() string { return "target not allowed: " + string(r) }

// Target is where a template led.
type Target struct {
	scheme string
	// host is a name in lower case, or an IP address in its usual form and without brackets.
	host string
	port uint16
	// path is empty or begins with a slash; it is escaped.
	path string
}

// HostPort is as in "aster-0:8080" and "[2001:db8::1]:8080".
func (t Target) HostPort() string { return net.JoinHostPort(t.host, strconv.Itoa(int(t.port))) }

// Path is empty, or what follows host and port.
func (t Target) Path() string { return t.path }

// URL is the whole address, without a slash at its end.
func (t Target) URL() string { return t.scheme + "://" + t.HostPort() + t.path }

// TargetTemplate makes a Target out of labels.
type TargetTemplate struct {
	scheme string
	text   *template.Template
}

// ParseTarget reads an address whose host, port or path come from labels: 'http://{{ .Labels.instance }}'. Its errors are for
// the person who wrote it.
func ParseTarget(text string) (*TargetTemplate, error) {
	t, err := parseTemplate(text)
	if err != nil {
		return nil, err
	}
	scheme := schemeOf(opening(t))
	if scheme == "" {
		return nil, errors.New("must begin with http:// or https://, before anything that comes from a label")
	}
	for _, literal := range literals(t.Root) {
		switch {
		case strings.Contains(literal, "@"):
			return nil, errors.New("must not hold a user or password: nothing secret is sent where a label leads")
		case strings.ContainsAny(literal, "?#"):
			return nil, errors.New("must not have a query or a fragment")
		}
	}
	if _, err := execute(t, targetData{Labels: sample}); err != nil {
		return nil, errors.New("cannot be filled in: " + parseReason(err, ".Labels"))
	}
	return &TargetTemplate{scheme, t}, nil
}

// targetData is what the template of a target sees. An address depends on nothing but the labels.
type targetData struct{ Labels amtemplate.KV }

// sample are labels that most alerts have, to try a template with.
var sample = amtemplate.KV{"instance": "agent.example:8080", "job": "agent", "alertname": "HighErrorRate"}

// longestValue is more than a host and port have, in bytes.
const longestValue = 512

// Of is where labels lead, or Refused.
func (t *TargetTemplate) Of(labels map[string]string) (Target, error) {
	pieces, err := execute(t.text, targetData{Labels: labels})
	if err != nil {
		return Target{}, Refused("the alert's labels do not fit into the agent's url")
	}
	var authority, path strings.Builder
	rest := len(t.scheme + "://") // of the scheme, which stands in the first piece
	inPath := false
	for _, p := range pieces {
		if !p.value {
			text := p.text[min(rest, len(p.text)):]
			rest = 0
			if slash := strings.IndexByte(text, '/'); !inPath && slash >= 0 {
				authority.WriteString(text[:slash])
				text, inPath = text[slash:], true
			}
			if inPath {
				path.WriteString(encode(text))
			} else {
				authority.WriteString(text)
			}
			continue
		}
		switch {
		case p.text == "":
			return Target{}, Refused("the alert has no label that says where the agent is")
		case len(p.text) > longestValue:
			return Target{}, Refused("a label that should say where to find the agent is too long")
		case inPath:
			path.WriteString(escape(p.text))
		case !hostChars.MatchString(p.text):
			return Target{}, Refused("a label that should say where to find the agent holds no host and port")
		default:
			authority.WriteString(p.text)
		}
	}
	target := Target{scheme: t.scheme, path: strings.TrimRight(path.String(), "/")}
	if target.host, target.port, err = parseAuthority(authority.String(), t.scheme); err != nil {
		return Target{}, err
	}
	if climbs(target.path) {
		return Target{}, Refused("a label leads to another path")
	}
	return target, nil
}

// climbs is whether a path has a segment that leads up, or one that leads nowhere.
func climbs(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if plain, err := url.PathUnescape(segment); err != nil || plain == "." || plain == ".." {
			return true
		}
	}
	return strings.Contains(path, "//")
}

var (
	// hostChars are those that a host and port are made of: no percent sign, so no zone of IPv6 either.
	hostChars = regexp.MustCompile(`^[0-9A-Za-z._:\[\]-]+$`)
	// hostLabel is a part of a host's name. Underscores are no part of a host's name by RFC 1123, but of names that
	// docker compose gives.
	hostLabel = regexp.MustCompile(`^[0-9a-z_]([0-9a-z_-]{0,61}[0-9a-z_])?$`)
	// numeric is what browsers and inet_aton read as a number, and so as an IPv4 address: https://url.spec.whatwg.org/#ends-in-a-number-checker.
	numeric = regexp.MustCompile(`^([0-9]+|0x[0-9a-f]*)$`)
	portNo  = regexp.MustCompile(`^[1-9][0-9]{0,4}$`)
)

const noHostPort = Refused("the alert's labels give no host and port")

// parseAuthority reads host and port; without a port it is the scheme's.
func parseAuthority(text, scheme string) (host string, port uint16, err error) {
	portText := map[string]string{"http": "80", "https": "443"}[scheme]
	if rest, ok := strings.CutPrefix(text, "["); ok {
		inner, after, found := strings.Cut(rest, "]")
		ip, parseErr := netip.ParseAddr(inner)
		if !found || parseErr != nil || !ip.Is6() || ip.Zone() != "" {
			return "", 0, noHostPort
		}
		host = ip.Unmap().String()
		if after != "" {
			if portText, ok = strings.CutPrefix(after, ":"); !ok {
				return "", 0, noHostPort
			}
		}
	} else {
		var given string
		var ok bool
		if host, given, ok = strings.Cut(strings.ToLower(text), ":"); ok {
			portText = given
		}
		if !isHost(host) {
			return "", 0, noHostPort
		}
	}
	n, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || !portNo.MatchString(portText) {
		return "", 0, noHostPort
	}
	return host, uint16(n), nil
}

// isHost is whether text, in lower case, is a host's name or an IPv4 address in its usual form: neither octal, nor decimal, nor
// with a dot at its end.
func isHost(text string) bool {
	if ip, err := netip.ParseAddr(text); err == nil {
		return ip.Is4()
	}
	if len(text) > 253 {
		return false
	}
	labels := strings.Split(text, ".")
	for _, label := range labels {
		if !hostLabel.MatchString(label) {
			return false
		}
	}
	return !numeric.MatchString(labels[len(labels)-1])
}
