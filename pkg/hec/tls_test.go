package hec

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// Each fault of a certificate is told by what mends it.
func TestCertificatesThatAreNotAccepted(t *testing.T) {
	now := time.Now()
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"authority": {x509.UnknownAuthorityError{}, "HEC_CA_FILE"},
		"other name": {x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"a"}}, Host: "b"},
			"use a name in HEC_URL"},
		"over":    {x509.CertificateInvalidError{Cert: &x509.Certificate{NotAfter: now.Add(-time.Hour)}, Reason: x509.Expired}, "renew the certificate"},
		"too new": {x509.CertificateInvalidError{Cert: &x509.Certificate{NotBefore: now.Add(time.Hour)}, Reason: x509.Expired}, "clock"},
		"others":  {x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.IncompatibleUsage}, ""},
	} {
		_, err := transportError("https://h", &tls.CertificateVerificationError{Err: tc.err})
		if !retry.IsPermanent(err) || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "HEC_CA_FILE") != (tc.want == "HEC_CA_FILE") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// No retry gives a client the certificate that it lacks.
func TestCertificateOfTheClientIsWanted(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS13}
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	c := newClient(t, Options{URLs: []string{srv.URL}, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}})
	b := fill(t, c, 1, nil)
	defer b.Release()
	if _, err := c.Send(t.Context(), b); !retry.IsPermanent(err) || !strings.Contains(err.Error(), "requireClientCert") || cause.Of(err) != cause.TLSFailed {
		t.Errorf("%v (%s)", err, cause.Of(err))
	}
}
