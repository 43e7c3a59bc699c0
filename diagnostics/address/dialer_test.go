package address

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// network is one in which names have addresses, and only some of these answer.
type network struct {
	names   map[string][]netip.Addr
	answers map[string]bool
	dialed  []string
}

func (n *network) dialer(allowed Allowed) Dialer {
	return Dialer{
		Allowed: allowed,
		Resolve: func(_ context.Context, _, host string) ([]netip.Addr, error) {
			if ips, ok := n.names[host]; ok {
				return ips, nil
			}
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		},
		Connect: func(ctx context.Context, _, address string) (net.Conn, error) {
			n.dialed = append(n.dialed, address)
			if !n.answers[address] {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			here, there := net.Pipe()
			there.Close()
			return here, nil
		},
	}
}

func ips(texts ...string) []netip.Addr {
	all := make([]netip.Addr, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParseAddr(text)
	}
	return all
}

func TestTheCheckedAddressIsTheDialedOne(t *testing.T) {
	n := &network{
		names:   map[string][]netip.Addr{"aster": ips("169.254.169.254", "::1", "10.0.0.7")},
		answers: map[string]bool{"10.0.0.7:8080": true},
	}
	conn, err := n.dialer(allow(t, "aster:8080")).DialContext(t.Context(), "tcp", "aster:8080")
	require.NoError(t, err)
	conn.Close()
	assert.Equal(t, []string{"10.0.0.7:8080"}, n.dialed, "the others are never dialed")
}

func TestANameThatIsReboundIsRefused(t *testing.T) {
	n := &network{names: map[string][]netip.Addr{"aster": ips("10.0.0.7")}, answers: map[string]bool{"10.0.0.7:8080": true}}
	d := n.dialer(allow(t, "aster:8080"))
	conn, err := d.DialContext(t.Context(), "tcp", "aster:8080")
	require.NoError(t, err)
	conn.Close()

	for _, to := range []string{"127.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "fd00:ec2::254"} {
		n.names["aster"] = ips(to)
		_, err = d.DialContext(t.Context(), "tcp", "aster:8080")
		var refused Refused
		require.ErrorAs(t, err, &refused, to)
		assert.NotContains(t, err.Error(), to)
	}
	assert.Len(t, n.dialed, 1)
}

func TestDialerRefusesBeforeItDials(t *testing.T) {
	n := &network{names: map[string][]netip.Addr{"outside": ips("11.0.0.1"), "nothing": nil}}
	d := n.dialer(allow(t, "10.0.0.0/8"))
	for address, why := range map[string]string{
		"outside:8080":   "outside:8080 leads to an address that is not in diagnostics.allowed_targets",
		"11.0.0.1:80":    "11.0.0.1:80 is not in diagnostics.allowed_targets",
		"[fe80::1%1]:80": "no host and port",
		"nowhere:80":     "no such host",
		"nothing:80":     "no such host",
		"aster":          "no host and port",
		"aster:99999":    "no host and port",
	} {
		_, err := d.DialContext(t.Context(), "tcp", address)
		require.ErrorContains(t, err, why, address)
	}
	assert.Empty(t, n.dialed)
}

// An address that does not answer leaves time for the next one.
func TestOneAddressDoesNotTakeAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{
			names:   map[string][]netip.Addr{"aster": ips("10.0.0.1", "10.0.0.2")},
			answers: map[string]bool{"10.0.0.2:80": true},
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		conn, err := n.dialer(allow(t, "aster:80")).DialContext(ctx, "tcp", "aster:80")
		require.NoError(t, err)
		conn.Close()

		n.answers = nil
		_, err = n.dialer(allow(t, "aster:80")).DialContext(ctx, "tcp", "aster:80")
		assert.True(t, errors.Is(err, context.DeadlineExceeded), err)
	})
}

func TestTheRealNetworkIsTheDefault(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()

	conn, err := Dialer{Allowed: allow(t, "127.0.0.0/8")}.DialContext(t.Context(), "tcp", listener.Addr().String())
	require.NoError(t, err)
	conn.Close()
	_, err = Dialer{Allowed: allow(t, "0.0.0.0/0")}.DialContext(t.Context(), "tcp", listener.Addr().String())
	require.ErrorContains(t, err, "target not allowed")
	_, err = Dialer{Allowed: allow(t, "*:*")}.DialContext(t.Context(), "tcp", "localhost:1")
	require.Error(t, err)
}
