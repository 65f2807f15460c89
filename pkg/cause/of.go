package cause

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"google.golang.org/api/googleapi"

	"github.com/siemfeed/siemfeed/pkg/proxy"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// Of returns what is behind err: [Unknown] where nothing tells, and "" for nil.
func Of(err error) Code {
	if err == nil {
		return ""
	}
	// That there was no time for another try says less than why there had to be.
	var cut *retry.CutError
	if errors.As(err, &cut) && cut.Last != nil {
		return Of(cut.Last)
	}
	for _, tell := range []func(error) Code{ofClient, ofAnswer, ofProxy, ofTLS, ofDNS, ofConnection, ofTime} {
		if c := tell(err); c != "" {
			return c
		}
	}
	return Unknown
}

func ofClient(err error) Code {
	var known Known
	for errors.As(err, &known) {
		if c := known.Cause(); c != "" {
			return c
		}
		if err = errors.Unwrap(known); err == nil {
			break
		}
	}
	return ""
}

// ofAnswer is about errors of clients that are not ours.
func ofAnswer(err error) Code {
	var google *googleapi.Error
	var amazon interface{ HTTPStatusCode() int }
	var op *net.OpError
	switch {
	case errors.As(err, &google):
		return OfStatus(google.Code)
	case errors.As(err, &amazon) && amazon.HTTPStatusCode() != 0:
		return OfStatus(amazon.HTTPStatusCode())
	case errors.As(err, &op): // what follows is about files
		return ""
	case errors.Is(err, fs.ErrPermission):
		return PermissionDenied
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return NotFound
	}
	return ""
}

// OfStatus returns what is behind an HTTP status of which no more is known, and
// "" for a success.
func OfStatus(status int) Code {
	switch {
	case status == http.StatusUnauthorized:
		return CredentialsRefused
	case status == http.StatusForbidden:
		return PermissionDenied
	case status == http.StatusNotFound, status == http.StatusGone:
		return NotFound
	case status == http.StatusProxyAuthRequired:
		return ProxyRefused
	case status == http.StatusRequestTimeout:
		return Timeout
	case status == http.StatusTooManyRequests:
		return Throttled
	case status >= 500:
		return ServerFailed
	case status >= 400:
		return RequestRefused
	case status >= 300:
		return Redirected
	}
	return ""
}

func ofProxy(err error) Code {
	var refused *proxy.RefusedError
	var op *net.OpError
	switch {
	case errors.As(err, &refused):
		return ProxyRefused
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return ProxyUnreachable
	}
	return ""
}

func ofTLS(err error) Code {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		alert     tls.AlertError
		record    tls.RecordHeaderError
		op        *net.OpError
	)
	switch {
	case errors.As(err, &authority):
		return AuthorityUnknown
	case errors.As(err, &host):
		return WrongHostName
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if invalid.Cert != nil && time.Now().Before(invalid.Cert.NotBefore) {
			return CertificateEarly
		}
		return CertificateOver
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record):
		return NotTLS
	case errors.As(err, &verify), errors.As(err, &invalid), errors.As(err, &alert),
		errors.As(err, &op) && op.Op == "remote error": // the other side's alert, see crypto/tls
		return TLSFailed
	}
	return ""
}

func ofDNS(err error) Code {
	var dns *net.DNSError
	switch {
	case !errors.As(err, &dns):
		return ""
	case dns.IsNotFound:
		return NameUnknown
	}
	return DNSFailed
}

func ofConnection(err error) Code {
	for _, c := range []struct {
		code Code
		is   []error
	}{
		{ConnectionRefused, []error{syscall.ECONNREFUSED}},
		{Unreachable, []error{syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EADDRNOTAVAIL, syscall.EACCES, syscall.EPERM}},
		{ConnectionBroken, []error{syscall.ECONNRESET, syscall.EPIPE, io.ErrUnexpectedEOF, io.EOF, net.ErrClosed}},
	} {
		for _, e := range c.is {
			if errors.Is(err, e) {
				return c.code
			}
		}
	}
	return ""
}

func ofTime(err error) Code {
	var late net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &late) && late.Timeout() {
		return Timeout
	}
	return ""
}
