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

// transportError judges a request that got no answer. It is uncertain unless
// the connection was never made.
func transportError(endpoint string, err error) (uncertain bool, _ error) {
	wrapped := fmt.Errorf("HEC %s: %w", endpoint, err)
	var cert *tls.CertificateVerificationError
	if errors.As(err, &cert) {
		return false, retry.Permanent(fmt.Errorf("%w: if the certificate is right, give its authority with HEC_CA_FILE", wrapped))
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return false, retry.Permanent(fmt.Errorf("%w: the URL in HEC_URL should begin with http://, or the port speak TLS", wrapped))
	}
	var op *net.OpError
	return !errors.As(err, &op) || op.Op != "dial", wrapped
}
