package trailtags

import (
	"fmt"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// Receipt is that of any consumer, with what becomes of events. In, Filtered and
// Quarantined count events, Out counts rows.
type Receipt struct {
	consume.Receipt
	// EventsOut = In - Filtered - Quarantined, each counted by itself.
	EventsOut int64 `json:"events_out"`
	// FilteredBy says why events went no further.
	FilteredBy map[string]int64 `json:"filtered_by,omitempty"`
	// TagStatus counts rows by what their tags are worth.
	TagStatus map[string]int64 `json:"tag_status,omitempty"`
	// Retimed rows bear the time they were written, since SLS would have refused
	// their own.
	Retimed int64 `json:"retimed"`
	// TagClashes are tags that were left out, being named like a field.
	TagClashes int64 `json:"tag_clashes"`
	// TagKeysCut are tags whose key, with TAG_PREFIX, was longer than SLS takes.
	TagKeysCut int64 `json:"tag_keys_cut,omitempty"`
	// RowsQuarantined are rows that SLS refused; their event counts once.
	RowsQuarantined int64 `json:"rows_quarantined"`
	// Lookups are what the tags of this run took.
	Lookups *Lookups `json:"lookups,omitempty"`
}

// Lookups counts what was asked for tags, since the run began.
type Lookups struct {
	Known      int64 `json:"known"` // answered without a call
	Asked      int64 `json:"asked"`
	Calls      int64 `json:"calls"` // of ListTagResources, retries included
	AssumeRole int64 `json:"assume_role"`
	Throttled  int64 `json:"throttled"`
}

// Balance implements [receipt.Receipt].
func (r *Receipt) Balance() error {
	if r.In != r.EventsOut+r.Filtered+r.Quarantined {
		return fmt.Errorf("receipt %s does not add up: in %d ≠ events out %d + filtered %d + quarantined %d",
			r.Run, r.In, r.EventsOut, r.Filtered, r.Quarantined)
	}
	return nil
}

// complete makes a receipt of what the consumer has to say, and the sink.
func complete(r consume.Receipt, s consume.Sink) receipt.Receipt {
	full := &Receipt{
		Receipt: r, EventsOut: r.Out,
		Retimed: r.More[names[retimed]], TagClashes: r.More[names[tagClashes]], TagKeysCut: r.More[names[keysCut]], RowsQuarantined: r.More[names[refusedRows]],
		FilteredBy: pick(r.More, filters), TagStatus: pick(r.More, statuses),
	}
	full.Out = r.More[names[rows]]
	if s, ok := s.(*sink); ok {
		for _, what := range s.f.tags.Unreadable() {
			full.Note("STATE_URL: " + what)
		}
		now := s.f.tags.Stats()
		full.Lookups = &Lookups{
			Known: now.Known - s.began.Known, Asked: now.Asked - s.began.Asked, Calls: now.Calls - s.began.Calls,
			AssumeRole: now.AssumeRole - s.began.AssumeRole, Throttled: now.Throttled - s.began.Throttled,
		}
	}
	return full
}
