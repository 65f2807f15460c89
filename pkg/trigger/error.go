package trigger

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

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

// describe lists o's keys for a message, cut to a readable length.
func (o object) describe() string {
	const most, longest = 8, 32
	keys := slices.Sorted(maps.Keys(o))
	rest := len(keys) - most
	keys = keys[:min(len(keys), most)]
	for i, k := range keys {
		keys[i] = fmt.Sprintf("%.*q", longest, k)
	}
	list := strings.Join(keys, ", ")
	if rest > 0 {
		list += fmt.Sprintf(" and %d more", rest)
	}
	if len(keys) == 1 {
		return "only the key " + list
	}
	return "the keys " + list
}

// article puts one before the name encoding/json has for a kind of value.
func article(kind string) string {
	kind, _, _ = strings.Cut(kind, " ") // "number 1.5": leave the value out
	if kind == "array" || kind == "object" {
		return "an " + kind
	}
	return "a " + kind
}
