package consume

import (
	"fmt"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// Receipt is what a run answers, logs and keeps. While following, one is kept
// for each stretch of time. It is kept before each checkpoint already, with
// status running, so that a run that is killed leaves proof of what it did.
type Receipt struct {
	receipt.Core
	Mode     string `json:"mode"` // drain, follow, range or backfill
	Group    string `json:"consumer_group,omitempty"`
	Consumer string `json:"consumer,omitempty"`
	// Stretches are what was done of each shard. No total counts those that are
	// not saved: another stretch does, where the checkpoint was not saved after
	// all or the run went on.
	Stretches []Stretch `json:"stretches"`

	// Again are logs that were delivered but that no checkpoint covers: they are
	// in no other count, and the next run delivers them again, with their ids.
	Again int64 `json:"delivered_again"`
	// PossibleRepeats bounds how many records may be there twice because a request
	// broke off after it was taken.
	PossibleRepeats int64 `json:"possible_repeats"`
	// Objects are those that this run wrote to quarantine, the first of them;
	// Omitted counts the others.
	Objects []string `json:"quarantine_objects,omitempty"`
	Omitted int64    `json:"quarantine_objects_omitted,omitempty"`
	// Gaps are logs that had expired before they were read.
	Gaps []string `json:"gaps,omitempty"`
	// HeldBy is the run that this one found at work, when it is busy.
	HeldBy string `json:"held_by,omitempty"`

	// More is what the function counts besides, for its own keys.
	More map[string]int64 `json:"-"`
}

// Stretch is what a run did of one shard: it counts the logs from the cursor
// From up to, not including, To.
type Stretch struct {
	Shard int    `json:"shard"`
	From  string `json:"from"`
	To    string `json:"to"`
	// Saved tells that To was the checkpoint. Where it does not, the checkpoint
	// was about to be saved when the receipt was kept.
	Saved       bool  `json:"saved"`
	In          int64 `json:"in"`
	Out         int64 `json:"out"`
	Filtered    int64 `json:"filtered"`
	Quarantined int64 `json:"quarantined"`
	BytesIn     int64 `json:"bytes_in"`
	// Received is when SLS received the newest log that was read.
	Received time.Time `json:"received,omitzero"`
	// LagSeconds is how far the checkpoint is behind now, 0 where nothing is left,
	// and null where that could not be found out.
	LagSeconds *float64 `json:"lag_seconds"`
	// Behind is how many LogGroups were left before the end of the drain, -1
	// where it has none.
	Behind int64 `json:"behind_groups"`
	Lost   bool  `json:"lost,omitempty"` // to another consumer, in mid-work

	counts Counts
	status sls.ShardStatus
}

func newStretch(st sls.Stretch) Stretch {
	return Stretch{Shard: st.Shard, From: st.From, To: st.To, counts: sum(st.Notes), status: st.Status}
}

// sum adds up what pages were confirmed with.
func sum(notes []any) (c Counts) {
	for _, n := range notes {
		c.Add(n.(Counts)) //nolint:forcetypeassert // Page.Settle leaves no other
	}
	return c
}

// told is the stretch with its counts, and how far its shard is.
func (s Stretch) told() Stretch {
	s.In, s.Out, s.Filtered, s.Quarantined, s.BytesIn = s.counts.In, s.counts.Out, s.counts.Filtered, s.counts.Quarantined, s.counts.BytesIn
	s.Received, s.Behind, s.Lost = s.status.Received, s.status.Behind(), s.status.Lost
	return s
}

// add enters what the ledger has.
func (r *Receipt) add(e entries, announced []Stretch) {
	total := Counts{r.In, r.Out, r.Filtered, r.Quarantined, r.BytesIn, r.BytesOut, r.More}
	for _, s := range e.stretches {
		r.Stretches = append(r.Stretches, s.told())
		total.Add(s.counts)
	}
	r.In, r.Out, r.Filtered, r.Quarantined = total.In, total.Out, total.Filtered, total.Quarantined
	r.BytesIn, r.BytesOut, r.More = total.BytesIn, total.BytesOut, total.More
	r.Again += e.again
	r.Objects, r.Omitted = listed(r.Objects, r.Omitted+e.omitted, e.objects...)
	for _, s := range announced {
		r.Stretches = append(r.Stretches, s.told())
	}
}

// maxListed is how many objects in quarantine a receipt names.
const maxListed = 10_000

// listed adds objects to a list as far as there is room, and counts the others.
func listed(list []string, omitted int64, objects ...string) ([]string, int64) {
	room := min(len(objects), maxListed-len(list))
	return append(list, objects[:room]...), omitted + int64(len(objects)-room)
}

// remains says what is left of a shard.
func (r *Receipt) remains(s sls.ShardStatus) {
	switch n := s.Behind(); {
	case s.Finished:
	case n > 0:
		r.Remaining = append(r.Remaining, fmt.Sprintf("shard %d: %d LogGroups", s.Shard, n))
	case n < 0:
		r.Remaining = append(r.Remaining, fmt.Sprintf("shard %d", s.Shard))
	}
}
