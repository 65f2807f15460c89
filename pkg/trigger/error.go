package trigger

import (
	"fmt"
	"net/http"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// Error says why something is not the event of any trigger. Every Error comes
// marked permanent: the same bytes will be refused again.
type Error struct {
	// Envelope is what the event seemed to be, empty if nothing known.
	Envelope string
	// Reason is what was wrong. It names keys and positions, never values.
	Reason string
	// Status is the HTTP status for the answer: 400, or 413 for a body over
	// the limit.
	Status int
}

func (e *Error) Error() string {
	if e.Envelope == "" {
		return e.Reason
	}
	return e.Envelope + ": " + e.Reason
}

func refuse(envelope, format string, args ...any) error {
	return retry.Permanent(&Error{envelope, fmt.Sprintf(format, args...), http.StatusBadRequest})
}

func tooLarge(limit int64) error {
	reason := fmt.Sprintf("body over the limit of %d bytes", limit)
	return retry.Permanent(&Error{"event", reason, http.StatusRequestEntityTooLarge})
}
