package address

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// Dialer connects to allowed targets only. It resolves a name itself and connects to the very addresses that it has checked, for
// each connection anew: a name that changes what it stands for (DNS rebinding) leads nowhere else.
type Dialer struct {
	Allowed Allowed
	// Resolve and Connect are the network's own unless they are given.
	Resolve func(ctx context.Context, network, host string) ([]netip.Addr, error)
	Connect func(ctx context.Context, network, address string) (net.Conn, error)
}

// DialContext is net.Dialer's. The error is Refused when none of the addresses is allowed.
func (d Dialer) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, noHostPort
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, noHostPort
	}
	ips, err := d.resolve(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("resolving a target's name: %w", err)
	}
	var refused error
	var allowed []netip.AddrPort
	for _, ip := range ips {
		ip = ip.Unmap()
		if err := d.Allowed.permitsAt(host, uint16(port), ip); err != nil {
			refused = err
			continue
		}
		allowed = append(allowed, netip.AddrPortFrom(ip, uint16(port)))
	}
	if len(allowed) == 0 {
		if refused == nil {
			refused = &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		}
		return nil, refused
	}
	return d.connect(ctx, allowed)
}

func (d Dialer) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}, nil
	}
	if d.Resolve != nil {
		return d.Resolve(ctx, "ip", host)
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// connect tries one address after the other. Each has its share of the time that is left, so that one that does not answer
// leaves some to the others, as in net.Dialer.
func (d Dialer) connect(ctx context.Context, to []netip.AddrPort) (net.Conn, error) {
	dial := d.Connect
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	var errs error
	for i, one := range to {
		limited, cancel := ctx, context.CancelFunc(func() {})
		if deadline, ok := ctx.Deadline(); ok {
			limited, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(len(to)-i))
		}
		conn, err := dial(limited, "tcp", one.String())
		cancel()
		if err == nil {
			return conn, nil
		}
		errs = errors.Join(errs, err)
	}
	return nil, fmt.Errorf("connecting to a target: %w", errs)
}
