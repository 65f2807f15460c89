package doctortest

import (
	"context"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// Names that [Resolve]'s server has answers for; names below them are like them.
const (
	UnknownName = "unknown.example" // there is no such host
	BrokenName  = "broken.example"  // the server fails
)

// Resolve makes this process ask a DNS server of the test's own until the test
// ends. Tests that use it cannot be parallel, though their parts can.
func Resolve(t *testing.T) {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go serveDNS(conn)
	before := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = before })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func serveDNS(conn net.PacketConn) {
	buf := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return // closed
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:n]) != nil || len(m.Questions) == 0 {
			continue
		}
		m.Response, m.Additionals, m.RCode = true, nil, dnsmessage.RCodeNameError
		if strings.Contains(m.Questions[0].Name.String(), BrokenName) {
			m.RCode = dnsmessage.RCodeServerFailure
		}
		if answer, err := m.Pack(); err == nil {
			_, _ = conn.WriteTo(answer, from)
		}
	}
}
