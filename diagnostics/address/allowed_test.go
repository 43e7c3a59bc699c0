package address

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func allow(t testing.TB, entries ...string) Allowed {
	t.Helper()
	allowed, problems := ParseAllowed(entries)
	require.Empty(t, problems)
	return allowed
}

func TestGlobsAndCIDRs(t *testing.T) {
	for _, c := range []struct {
		entry, host string
		port        uint16
		ip          string
		allowed     bool
	}{
		{"aster:8080", "aster", 8080, "10.0.0.1", true},
		{"ASTER:8080", "aster", 8080, "10.0.0.1", true},
		{"aster:8080", "aster", 8081, "10.0.0.1", false},
		{"aster:8080", "aster2", 8080, "10.0.0.1", false},
		{"aster:*", "aster", 1, "10.0.0.1", true},
		{"aster-*:8080", "aster-0", 8080, "10.0.0.1", true},
		{"aster-*:8080", "aster-", 8080, "10.0.0.1", true},
		{"aster-*:8080", "aster-.evil.example", 8080, "10.0.0.1", false},
		{"aster-*:8080", "xaster-0", 8080, "10.0.0.1", false},
		{"*.agents.svc:8080", "a.agents.svc", 8080, "10.0.0.1", true},
		{"*.agents.svc:8080", "a.b.agents.svc", 8080, "10.0.0.1", false},
		{"*.agents.svc:8080", "agents.svc", 8080, "10.0.0.1", false},
		{"*.agents.svc:8080", "a.agents.svcx", 8080, "10.0.0.1", false},
		{"a.agents.svc:8080", "axagents.svc", 8080, "10.0.0.1", false},
		{"*:8080", "aster", 8080, "10.0.0.1", true},
		{"*:8080", "aster.svc", 8080, "10.0.0.1", false},
		{"10.0.0.*:8080", "10.0.0.9", 8080, "10.0.0.9", true},
		{"10.0.0.9:8080", "10.0.0.9", 8080, "10.0.0.9", true},
		{"10.0.0.9:8080", "aster", 8080, "10.0.0.9", false}, // the address is listed, the name is not
		{"[2001:db8::1]:8080", "2001:db8::1", 8080, "2001:db8::1", true},
		{"[2001:db8::1]:8080", "2001:db8::2", 8080, "2001:db8::2", false},
		{"10.0.0.0/8", "10.255.0.1", 22, "10.255.0.1", true},
		{"10.0.0.0/8", "aster", 8080, "10.0.0.1", true},
		{"10.0.0.0/8", "aster", 8080, "11.0.0.1", false},
		{"10.0.0.0/8", "aster", 8080, "::ffff:10.0.0.1", true},
		{"2001:db8::/32", "aster", 8080, "2001:db8::1", true},
		{"0.0.0.0/0", "aster", 8080, "2001:db8::1", false},
	} {
		t.Run(c.entry+" "+c.host+" "+c.ip, func(t *testing.T) {
			err := allow(t, c.entry).permitsAt(c.host, c.port, netip.MustParseAddr(c.ip))
			assert.Equal(t, c.allowed, err == nil, "%v", err)
			if err != nil && c.host != c.ip {
				assert.NotContains(t, err.Error(), c.ip, "what a name stands for is not told")
			}
		})
	}
	assert.Error(t, Allowed{}.permitsAt("aster", 80, netip.MustParseAddr("10.0.0.1")), "nothing is allowed by default")
}

// everywhere lets in whatever has no special use.
var everywhere = []string{"0.0.0.0/0", "::/0", "*:8080", "*.*:8080", "*.*.*:8080", "*.*.*.*:8080"}

func TestSpecialAddressesAreNeverInAWiderEntry(t *testing.T) {
	for _, text := range []string{
		"127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.1.1", "169.254.170.2", "224.0.0.1", "239.1.1.1",
		"255.255.255.255", "240.0.0.1", "192.0.0.192", "100.100.100.200", "168.63.129.16",
		"::", "::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "fd00:ec2::23", "fd00:ec2::254", "fd20:ce::254", "100::1",
		"::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0", // IPv4-mapped
		"::127.0.0.1", "::169.254.169.254", // IPv4-compatible
		"::ffff:0:127.0.0.1",                       // IPv4-translated
		"64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", // NAT64
		"64:ff9b:1::1",                       // NAT64 with a local prefix
		"2002:7f00:1::", "2002:a9fe:a9fe::1", // 6to4
		"2001:0:4136:e378:8000:63bf:80ff:fffe", // Teredo of 127.0.0.1
	} {
		ip := netip.MustParseAddr(text)
		for _, host := range []string{"aster", "a.b", ip.Unmap().String()} {
			require.Error(t, allow(t, everywhere...).permitsAt(host, 8080, ip), "%s at %s", host, text)
		}
		itself := netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()).String()
		assert.NoError(t, allow(t, itself).permitsAt("aster", 8080, ip), "%s is listed", text)
	}
	for _, text := range []string{
		"10.0.0.1", "172.16.0.1", "192.168.1.1", "8.8.8.8", "100.64.0.1", "2001:db8::1", "fd00::1", "fd00:ec2::253",
		"::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::",
	} {
		assert.NoError(t, allow(t, everywhere...).permitsAt("aster", 8080, netip.MustParseAddr(text)), text)
	}
}

func TestSpecialAddressesThatAreListed(t *testing.T) {
	for _, c := range []struct {
		entry, host, ip string
		allowed         bool
	}{
		{"127.0.0.0/8", "127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1/32", "agent", "127.0.0.1", true},
		{"127.0.0.1:8080", "127.0.0.1", "127.0.0.1", true},
		{"[::1]:8080", "::1", "::1", true},
		{"127.0.0.*:8080", "127.0.0.1", "127.0.0.1", false},
		{"localhost:8080", "localhost", "127.0.0.1", true},
		{"localhost:*", "localhost", "::1", true},
		{"localhost:8080", "localhost", "169.254.169.254", false},
		{"local*:8080", "localhost", "127.0.0.1", false},
		{"aster:8080", "aster", "127.0.0.1", false}, // DNS rebinding
		{"169.254.0.0/16", "meta", "169.254.169.254", true},
		{"128.0.0.0/1", "meta", "169.254.169.254", false},
		{"::1/128", "aster", "::1", true},
		{"::/0", "aster", "::1", false},
		{"127.0.0.1/32", "aster", "64:ff9b::127.0.0.1", false},
	} {
		t.Run(c.entry+" "+c.host+" "+c.ip, func(t *testing.T) {
			err := allow(t, c.entry).permitsAt(c.host, 8080, netip.MustParseAddr(c.ip))
			assert.Equal(t, c.allowed, err == nil, "%v", err)
		})
	}
}

func TestPermitsBeforeANameIsResolved(t *testing.T) {
	to := func(instance string) Target {
		target, err := parsed(t, "http://{{ .Labels.instance }}").Of(map[string]string{"instance": instance})
		require.NoError(t, err)
		return target
	}
	assert.EqualError(t, Allowed{}.Permits(to("aster:8080")), "target not allowed: aster:8080 is not in diagnostics.allowed_targets")
	assert.Error(t, allow(t, "aster:8080").Permits(to("evil:8080")))
	assert.NoError(t, allow(t, "aster:8080").Permits(to("aster:8080")))
	assert.NoError(t, allow(t, "10.0.0.0/8").Permits(to("aster:8080")), "it may be in there")
	assert.Error(t, allow(t, "10.0.0.0/8").Permits(to("11.0.0.1:8080")))
	assert.Error(t, allow(t, "0.0.0.0/0").Permits(to("[::ffff:169.254.169.254]:80")))
	assert.NoError(t, allow(t, "10.0.0.0/8").Permits(to("[::ffff:10.0.0.1]:80")))
}

func FuzzAllowed(f *testing.F) {
	for _, entry := range append([]string{"aster-*:8080", "[2001:db8::1]:1", "localhost:80", "10.0.0.0/8", "::/0"}, everywhere...) {
		f.Add(entry, "aster-0", uint16(8080), []byte{127, 0, 0, 1})
	}
	f.Add("*:*", "x", uint16(1), netip.MustParseAddr("64:ff9b::127.0.0.1").AsSlice())
	f.Fuzz(func(t *testing.T, entry, host string, port uint16, raw []byte) {
		allowed, problems := ParseAllowed([]string{entry})
		ip, ok := netip.AddrFromSlice(raw)
		if len(problems) > 0 || !ok {
			for _, p := range problems {
				require.NotEmpty(t, p.Msg)
			}
			return
		}
		if allowed.permitsAt(host, port, ip) != nil {
			return
		}
		// What is let in was asked for: by name, or by a range; and a special address by one of its own.
		require.True(t, allowed.names(host, port) || allowed.contains(ip.Unmap()))
		if ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() || ip.Unmap().IsLoopback() {
			within, is := reserved(ip.Unmap())
			require.True(t, is)
			require.True(t, allowed.lists(host, port, ip.Unmap(), within))
		}
	})
}
