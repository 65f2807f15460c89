package status

import (
	"context"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// mostRuns is how many receipts are looked at for one of a run that succeeded:
// two days of quarter hours, or three hours of minutes.
const mostRuns = 192

// runs looks for the last run and the last that succeeded. It looks again where
// a receipt was replaced meanwhile, as that of a run under way is when it ends.
func (f *Function) runs(ctx context.Context, state *bucket.Bucket, now time.Time) error {
	const tries = 5
	for try := 1; ; try++ {
		f.Last, f.Success, f.SuccessBefore, f.unread = nil, nil, nil, nil
		if err := f.lastRuns(ctx, state, now); !bucket.IsNotFound(err) || try == tries {
			return err
		}
	}
}

func (f *Function) lastRuns(ctx context.Context, state *bucket.Bucket, now time.Time) error {
	keys, err := newest(ctx, state, f.Function+"/receipts/", now, mostRuns)
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(keys, abreast) {
		list, err := readAll[receipt.Core](ctx, state, batch)
		if err != nil {
			return err
		}
		for _, k := range list {
			r := k.value
			if k.bad != nil || r.StartedAt.IsZero() {
				f.unread = append(f.unread, k.key)
				continue
			}
			if f.Last == nil {
				f.Last = &r
			}
			if r.Status == receipt.OK || r.Status == receipt.Partial {
				f.Success, f.SuccessBefore = &r.FinishedAt, nil
				return nil
			}
			f.SuccessBefore = &r.StartedAt
		}
	}
	return nil
}

// mostProofs is how many verifications are looked at for one that can be read.
const mostProofs = 8

// proof reads the last verification. What lies beside it and is none is left to
// verify and the proof page to name.
func proof(ctx context.Context, state *bucket.Bucket, function string, now time.Time) (*Proof, error) {
	keys, err := newest(ctx, state, function+"/verify/", now, mostProofs)
	if err != nil {
		return nil, err
	}
	list, err := readAll[receipt.Verification](ctx, state, keys)
	if err != nil {
		return nil, err
	}
	for _, k := range list {
		began, err := receipt.Began(strings.TrimSuffix(path.Base(k.key), ".json"))
		if k.bad == nil && err == nil {
			return &Proof{began, k.value.Verify}, nil
		}
	}
	return nil, nil
}

const (
	// mostPending is how many objects are counted, and mostRead how many are
	// looked into: there may be a million, after a receiver refused everything.
	mostPending = 10_000
	mostRead    = 64
)

// InQuarantine counts what is in quarantine and was not replayed.
func InQuarantine(ctx context.Context, q *quarantine.Store) (Pending, error) {
	p := Pending{Codes: map[string]int{}, Examples: map[string]json.RawMessage{}}
	var names []string
	for name, err := range q.Names(ctx, time.Time{}, time.Time{}) {
		if err != nil {
			return p, err
		}
		if p.Objects == mostPending {
			p.More = true
			break
		}
		p.Objects++
		if len(names) < mostRead {
			names = append(names, name)
		}
	}
	counts, err := codes(ctx, q, names)
	for _, c := range counts {
		for code, r := range c {
			p.Codes[code] += r.records
			if p.Examples[code] == nil {
				p.Examples[code] = r.first
			}
		}
	}
	p.Read = len(names)
	return p, err
}
