package hec

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// Error is an answer that is not about a single event. It is permanent
// ([retry.IsPermanent]) if Fix is set: then the configuration is at fault.
type Error struct {
	// Endpoint is the base URL that answered.
	Endpoint string
	// Status is the HTTP status, Code Splunk's own or -1 without one.
	Status, Code int
	// Text is the server's, shortened.
	Text string
	// Fix says what to change.
	Fix string
	// Refused is how many events were tried one by one and refused, where none
	// was taken; else 0. Nothing is known then of any event.
	Refused int
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "HEC %s answered %d", e.Endpoint, e.Status)
	if e.Code >= 0 {
		fmt.Fprintf(&b, ", code %d", e.Code)
	}
	if e.Text != "" {
		fmt.Fprintf(&b, " (%s)", e.Text)
	}
	if e.Refused > 0 {
		fmt.Fprintf(&b, " to every event that was tried, %d one by one", e.Refused)
	}
	if e.Fix != "" {
		b.WriteString(": " + e.Fix)
	}
	return b.String()
}

// Cause implements [cause.Known].
func (e *Error) Cause() cause.Code {
	switch e.Code {
	case 1, 4, 21, 22:
		return cause.CredentialsRefused
	}
	if _, known := fixes[e.Code]; known {
		return cause.Misconfigured
	}
	switch {
	case e.Status == http.StatusMethodNotAllowed:
		return cause.NotFound
	case e.Status < http.StatusMultipleChoices:
		return cause.UnexpectedAnswer
	}
	return cause.OfStatus(e.Status)
}

// Mend implements [cause.Mender].
func (e *Error) Mend() string { return e.Fix }

// errClosed is what a wait for acknowledgement ends with after Close.
var errClosed = errors.New("the HEC client was closed before the acknowledgement came")

// certificateFix says what to do about a certificate that was not accepted, behind
// a colon; nothing where the error itself says all that is known.
func certificateFix(err error) string {
	switch cause.Of(err) {
	case cause.AuthorityUnknown:
		return ": if the certificate is right, give its authority with HEC_CA_FILE"
	case cause.CertificateOver, cause.CertificateEarly:
		return ": renew the certificate, or set this machine's clock"
	case cause.WrongHostName:
		return ": use a name in HEC_URL that the certificate is for"
	}
	return ""
}

// transportError judges a request that got no answer. It is uncertain unless
// the connection was never made.
func transportError(endpoint string, err error) (uncertain bool, _ error) {
	wrapped := fmt.Errorf("HEC %s: %w", endpoint, err)
	var cert *tls.CertificateVerificationError
	if errors.As(err, &cert) {
		return false, retry.Permanent(fmt.Errorf("%w%s", wrapped, certificateFix(err)))
	}
	if strings.Contains(err.Error(), "tls: certificate required") { // an alert, of no type that can be asked for
		return false, retry.Permanent(fmt.Errorf("%w: a certificate of the client is wanted, and slshec has none: let requests in by their token alone (requireClientCert = false), or put a proxy before it that has one", wrapped))
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return false, retry.Permanent(fmt.Errorf("%w: the URL in HEC_URL should begin with http://, or the port speak TLS", wrapped))
	}
	var op *net.OpError
	return !errors.As(err, &op) || op.Op != "dial", wrapped
}
