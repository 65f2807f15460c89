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
	// Objects are those that this run wrote to quarantine.
	Objects []string `json:"quarantine_objects,omitempty"`
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
}

// add adds what the ledger has.
func (r *Receipt) add(s sheet, announced []row) {
	total := Counts{r.In, r.Out, r.Filtered, r.Quarantined, r.BytesIn, r.BytesOut, r.More}
	for _, a := range s.rows {
		r.Stretches = append(r.Stretches, a.stretch())
		total.Add(a.counts)
	}
	r.In, r.Out, r.Filtered, r.Quarantined = total.In, total.Out, total.Filtered, total.Quarantined
	r.BytesIn, r.BytesOut, r.More = total.BytesIn, total.BytesOut, total.More
	r.Again += s.again
	r.Objects = append(r.Objects, s.objects...)
	for _, a := range announced {
		r.Stretches = append(r.Stretches, a.stretch())
	}
}

func (a row) stretch() Stretch {
	s := a.status
	return Stretch{
		Shard: s.Shard, From: a.from, To: a.to, Saved: a.saved,
		In: a.counts.In, Out: a.counts.Out, Filtered: a.counts.Filtered, Quarantined: a.counts.Quarantined, BytesIn: a.counts.BytesIn,
		Received: s.Received, Behind: s.Behind(), Lost: s.Lost,
	}
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
