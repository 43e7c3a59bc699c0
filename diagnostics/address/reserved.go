package address

import "net/netip"

// special are the addresses behind which no agent is expected, and things are that must not be asked.
// https://www.iana.org/assignments/iana-ipv4-special-registry and https://www.iana.org/assignments/iana-ipv6-special-registry;
// the private ranges, where agents are, are no part of it.
var special = prefixes(
	"0.0.0.0/8",          // this network: Linux connects to itself
	"127.0.0.0/8",        // loopback
	"169.254.0.0/16",     // link-local, with the metadata of most clouds at 169.254.169.254
	"192.0.0.0/24",       // protocol assignments, with Oracle's metadata at 192.0.0.192
	"224.0.0.0/4",        // multicast
	"240.0.0.0/4",        // reserved, and broadcast
	"100.100.100.200/32", // Alibaba Cloud's metadata: https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
	"168.63.129.16/32",   // Azure's platform: https://learn.microsoft.com/en-us/azure/virtual-network/what-is-ip-address-168-63-129-16
	"::/128",             // unspecified
	"::1/128",            // loopback
	"fe80::/10",          // link-local
	"fec0::/10",          // site-local, deprecated by RFC 3879
	"ff00::/8",           // multicast
	"100::/64",           // discard, RFC 6666
	"64:ff9b:1::/48",     // NAT64 with a local prefix, RFC 8215: where the IPv4 address stands is not known
	"fd00:ec2::23/128",   // the credentials of Amazon EKS: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-agent-setup.html
	"fd00:ec2::254/128",  // Amazon's metadata: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
	"fd20:ce::254/128",   // Google's metadata: https://cloud.google.com/compute/docs/metadata/querying-metadata
)

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// embedding are the prefixes of IPv6 within which an address stands for one of IPv4; at is the byte where that begins.
var embedding = []struct {
	prefix   netip.Prefix
	at       int
	inverted bool
}{
	{netip.MustParsePrefix("::ffff:0:0/96"), 12, false},   // IPv4-mapped, RFC 4291
	{netip.MustParsePrefix("::/96"), 12, false},           // IPv4-compatible, deprecated by RFC 4291
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12, false}, // IPv4-translated, RFC 2765
	{netip.MustParsePrefix("64:ff9b::/96"), 12, false},    // NAT64, RFC 6052
	{netip.MustParsePrefix("2002::/16"), 2, false},        // 6to4, RFC 3056
	{netip.MustParsePrefix("2001::/32"), 12, true},        // Teredo, RFC 4380
}

// reserved is whether ip has a special use, or stands for an IPv4 address that has one. within is the range of that use, which is
// ip alone for one that stands for another.
func reserved(ip netip.Addr) (within netip.Prefix, is bool) {
	for _, p := range special {
		if p.Contains(ip) {
			return p, true
		}
	}
	for _, e := range embedding {
		if !ip.Is6() || !contains6(e.prefix, ip) {
			continue
		}
		bytes := ip.As16()
		var inner [4]byte
		copy(inner[:], bytes[e.at:e.at+4])
		if e.inverted {
			for i := range inner {
				inner[i] = ^inner[i]
			}
		}
		if _, is := reserved(netip.AddrFrom4(inner)); is {
			return netip.PrefixFrom(ip, ip.BitLen()), true
		}
	}
	return netip.Prefix{}, false
}

// contains6 is Contains for IPv4-mapped addresses too, which netip takes for neither kind.
func contains6(p netip.Prefix, ip netip.Addr) bool {
	own, err := ip.WithZone("").Prefix(p.Bits())
	return err == nil && own == p
}
