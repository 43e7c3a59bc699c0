package address

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/alertvitals/notifier/config/problem"
)

// Allowed is where a label may lead. Its zero value is nowhere.
type Allowed struct {
	globs []glob
	nets  []netip.Prefix
}

// glob is a "host:port" with * in it.
type glob struct {
	host *regexp.Regexp
	// ip is valid when the host is an address without *; name is set when it is a name without.
	ip   netip.Addr
	name string
	// port is 0 when any will do.
	port uint16
}

// globChars are what the host of a glob, if it is no IPv6 address, is made of.
var globChars = regexp.MustCompile(`^[0-9a-z_.*-]+$`)

// ParseAllowed reads diagnostics.allowed_targets: "host:port", where * stands for any characters but dots (and as the port for
// any port), and CIDRs. The problems' paths are indexes.
func ParseAllowed(entries []string) (Allowed, []problem.Problem) {
	var allowed Allowed
	var problems []problem.Problem
	for i, entry := range entries {
		wrong := func(msg string) {
			problems = append(problems, problem.Problem{Path: fmt.Sprintf("[%d]", i), Msg: msg})
		}
		if strings.Contains(entry, "/") {
			prefix, err := netip.ParsePrefix(entry)
			switch {
			case strings.Contains(entry, "://"):
				wrong("is an address; write host:port, as in aster-*:8080")
			case err != nil:
				wrong("is not a CIDR like 10.0.0.0/8")
			case prefix.Addr().Is4In6():
				wrong("write it as the CIDR of IPv4 that it is")
			case prefix.Masked() != prefix:
				wrong("has bits beyond its length; write " + prefix.Masked().String())
			default:
				allowed.nets = append(allowed.nets, prefix)
			}
			continue
		}
		g, ok := parseGlob(strings.ToLower(entry))
		if !ok {
			wrong("is neither host:port, as in aster-*:8080, [2001:db8::1]:8080 or *.agents.svc:*, nor a CIDR like 10.0.0.0/8")
			continue
		}
		allowed.globs = append(allowed.globs, g)
	}
	return allowed, problems
}

func parseGlob(entry string) (g glob, ok bool) {
	colon := strings.LastIndexByte(entry, ':')
	if colon < 0 {
		return g, false
	}
	host, port := entry[:colon], entry[colon+1:]
	if port != "*" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || !portNo.MatchString(port) {
			return g, false
		}
		g.port = uint16(n)
	}
	if inner, bracketed := strings.CutPrefix(host, "["); bracketed {
		ip, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		g.ip = ip.Unmap()
		return g, err == nil && ip.Is6() && ip.Zone() == "" && strings.HasSuffix(host, "]")
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		g.ip = ip
		return g, ip.Is4()
	}
	switch {
	case !globChars.MatchString(host):
		return g, false
	case !strings.Contains(host, "*"):
		g.name = host
		return g, isHost(host)
	}
	// A dot is never part of what * stands for: aster-*:8080 must not let aster-.evil.example in.
	pattern := strings.ReplaceAll(regexp.QuoteMeta(host), `\*`, `[^.]*`)
	g.host = regexp.MustCompile(`^` + pattern + `$`)
	return g, true
}

func (g glob) matches(host string, port uint16) bool {
	switch {
	case g.port != 0 && g.port != port:
		return false
	case g.ip.IsValid():
		ip, err := netip.ParseAddr(host)
		return err == nil && ip == g.ip
	case g.host != nil:
		return g.host.MatchString(host)
	}
	return g.name == host
}

// names is whether a glob lets the host in by what it is called.
func (a Allowed) names(host string, port uint16) bool {
	for _, g := range a.globs {
		if g.matches(host, port) {
			return true
		}
	}
	return false
}

func (a Allowed) contains(ip netip.Addr) bool {
	for _, n := range a.nets {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}

// Permits is nil when the target may be asked, as far as that can be told before its name is resolved; else it is Refused.
func (a Allowed) Permits(t Target) error {
	if ip, err := netip.ParseAddr(t.host); err == nil {
		return a.permitsAt(t.host, t.port, ip)
	}
	// With a CIDR it is the address behind the name that decides; see Dialer.
	if a.names(t.host, t.port) || len(a.nets) > 0 {
		return nil
	}
	return notListed(t)
}

func notListed(t Target) error {
	return Refused(t.HostPort() + " is not in diagnostics.allowed_targets")
}

// permitsAt is nil when host, which is at ip, may be connected to.
func (a Allowed) permitsAt(host string, port uint16, ip netip.Addr) error {
	t := Target{host: host, port: port}
	ip = ip.Unmap()
	if ip.Zone() != "" {
		return noHostPort
	}
	if !a.names(host, port) && !a.contains(ip) {
		if host == ip.String() {
			return notListed(t)
		}
		return Refused(t.HostPort() + " leads to an address that is not in diagnostics.allowed_targets")
	}
	if within, special := reserved(ip); special && !a.lists(host, port, ip, within) {
		return Refused(t.HostPort() + " leads to a loopback, link-local, metadata or reserved address, which diagnostics.allowed_targets would have to list by itself")
	}
	return nil
}

// lists is whether an address with a special use is listed as such: by a CIDR that has nothing beside that use, by its own
// host:port, or by localhost:port. One that only happens to be in 0.0.0.0/0, or behind an allowed name, is not.
func (a Allowed) lists(host string, port uint16, ip netip.Addr, within netip.Prefix) bool {
	for _, n := range a.nets {
		if n.Contains(ip) && n.Bits() >= within.Bits() {
			return true
		}
	}
	for _, g := range a.globs {
		if g.matches(host, port) && (g.ip == ip || g.name == "localhost" && ip.IsLoopback()) {
			return true
		}
	}
	return false
}
