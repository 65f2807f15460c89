// Package doctortest has servers that fail in all the ways in which what a
// function needs can fail, to see whether its doctor tells them apart.
package doctortest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/doctor"
)

// Trouble is a place at which a service is not reached.
type Trouble struct {
	Name string // of the case
	URL  string
	Code cause.Code // what is behind it
}

// Network returns places that fail before any answer comes. It needs [Resolve].
func Network(t *testing.T) []Trouble {
	t.Helper()
	now := time.Now()
	list := []Trouble{
		{"", "https://" + UnknownName, cause.NameUnknown},
		{"", "https://" + BrokenName, cause.DNSFailed},
		{"", "http://" + closed(t), cause.ConnectionRefused},
		{"", "http://" + raw(t, silent), cause.Timeout},
		{"", "http://" + raw(t, hangUp), cause.ConnectionBroken},
		{"", secure(t, "127.0.0.1", now.Add(-time.Hour), now.Add(time.Hour)), cause.AuthorityUnknown},
		{"", secure(t, "127.0.0.1", now.Add(-2*time.Hour), now.Add(-time.Hour)), cause.CertificateOver},
		{"", secure(t, "127.0.0.1", now.Add(time.Hour), now.Add(2*time.Hour)), cause.CertificateEarly},
		{"", secure(t, "another.example", now.Add(-time.Hour), now.Add(time.Hour)), cause.WrongHostName},
		{"", strings.Replace(status(t, http.StatusOK), "http:", "https:", 1), cause.NotTLS},
	}
	for i := range list {
		list[i].Name = string(list[i].Code)
	}
	return list
}

// Answers returns places that answer everything with a status.
func Answers(t *testing.T, codes map[int]cause.Code) (list []Trouble) {
	t.Helper()
	for n, code := range codes {
		list = append(list, Trouble{fmt.Sprint("status ", n), status(t, n), code})
	}
	return list
}

// status serves one answer to everything, with a body that is no service's own,
// and returns the base URL.
func status(t *testing.T, n int) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(n)
		_, _ = fmt.Fprint(w, "no service's own answer")
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// Each runs a test in each of the places, all at once: they do little but wait.
func Each(t *testing.T, list []Trouble, test func(*testing.T, Trouble)) {
	t.Helper()
	var all sync.WaitGroup
	for _, at := range list {
		all.Go(func() { t.Run(at.Name, func(t *testing.T) { test(t, at) }) })
	}
	all.Wait()
}

// Find returns the check of that name, and fails the test if there is none.
func Find(t *testing.T, checks []doctor.Check, name string) doctor.Check {
	t.Helper()
	for _, c := range checks {
		if strings.HasPrefix(c.Name, name) {
			return c
		}
	}
	t.Fatalf("no check %q in %+v", name, checks)
	return doctor.Check{}
}

// Want fails the test unless the check failed with that code, and its fix names
// what to change and nothing of what not.
func Want(t *testing.T, c doctor.Check, code cause.Code, change string, not ...string) {
	t.Helper()
	if c.Code != code {
		t.Errorf("%s: %s, want %s: %v", c.Name, c.Code, code, c.Problem)
	}
	if !strings.Contains(c.Fix, change) {
		t.Errorf("%s: %v; the fix does not name %s: %s", c.Name, c.Problem, change, c.Fix)
	}
	for _, name := range not {
		if strings.Contains(c.Fix, name) {
			t.Errorf("%s: %v; the fix names %s: %s", c.Name, c.Problem, name, c.Fix)
		}
	}
}

// Blames names what the fix of a trouble has to be about: the variable that
// leads to the service, unless it is about something else.
func (f Trouble) Blames(variable string) string {
	switch f.Code {
	case cause.AuthorityUnknown:
		return "authority"
	case cause.CertificateOver:
		return "renew"
	case cause.CertificateEarly:
		return "clock"
	case cause.DNSFailed:
		return "mend DNS"
	}
	return variable
}

// closed returns an address at which nothing listens.
func closed(t *testing.T) string {
	t.Helper()
	l := listen(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// raw serves each connection by itself and returns the address.
func raw(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l := listen(t)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			go serve(c)
		}
	}()
	return l.Addr().String()
}

// silent takes a request, and never answers.
func silent(c net.Conn) {
	_, _ = io.Copy(io.Discard, c)
	_ = c.Close()
}

// hangUp reads a request and ends the connection.
func hangUp(c net.Conn) {
	_, _ = c.Read(make([]byte, 4096))
	_ = c.Close()
}

// secure serves TLS with a certificate that signs itself, and returns the URL.
func secure(t *testing.T, name string, from, to time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: to}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}
