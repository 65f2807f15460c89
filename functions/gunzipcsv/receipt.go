package gunzipcsv

import (
	"context"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/objcsv"
	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// Receipt is what a run answers, logs and keeps. The package comment says what
// its counts are.
type Receipt struct {
	receipt.Core
	Objects []Object `json:"objects"`
	// Omitted counts objects that are not in Objects, all of them converted or
	// filtered: the list is bounded.
	Omitted int64 `json:"objects_omitted,omitempty"`
	// Manifest is what the names of the parts of the list of what was written
	// begin with, in STATE_URL, whole. There is none if nothing was.
	Manifest string `json:"manifest,omitempty"`

	Skipped   int64 `json:"skipped"`
	Unchanged int64 `json:"unchanged"`
	Returned  int64 `json:"returned"`
	Records   int64 `json:"records"`  // rows written, of the objects converted
	Rejected  int64 `json:"rejected"` // records in quarantine alone

	// UnknownFields counts, by name, the records with a field that is no
	// column; names beyond the first 1000 are in UnknownOther.
	UnknownFields map[string]int64 `json:"unknown_fields"`
	UnknownOther  int64            `json:"unknown_other,omitempty"`

	// Answer is there when the trigger wants one for each message.
	*trigger.Answer
}

// Status says what became of an object.
type Status string

// The ways a notice can end.
const (
	Converted   Status = "converted"
	Unchanged   Status = "unchanged"   // converted before, from the same version
	Skipped     Status = "skipped"     // gzip neither by name nor by its bytes
	Filtered    Status = "filtered"    // not about a new object of ours
	Quarantined Status = "quarantined" // rejected for good
	Returned    Status = "returned"    // failed for now, to be delivered again
)

// Object is what became of one notice.
type Object struct {
	Key    string `json:"key"`
	Target string `json:"target,omitempty"`
	Status Status `json:"status"`

	Format   objcsv.Format `json:"format,omitempty"`
	Layers   int           `json:"gzip_layers,omitempty"` // of gzip within gzip, where there is more than one
	BytesIn  int64         `json:"bytes_in"`
	BytesOut int64         `json:"bytes_out"`
	Records  int64         `json:"records"` // written
	Rejected int64         `json:"rejected,omitempty"`
	Replaced int64         `json:"replaced,omitempty"` // invalid UTF-8, written as U+FFFD
	// Duplicates counts values lost to a later one of the same name.
	Duplicates int64 `json:"duplicate_keys,omitempty"`

	// Code and Error say why it was quarantined or returned, and Quarantine
	// where the rejected records are.
	Code       string `json:"code,omitempty"`
	Error      string `json:"error,omitempty"`
	Quarantine string `json:"quarantine,omitempty"`

	unknown      map[string]int64
	unknownOther int64
	etag         string // of the source that was looked at, without quotes
}

const (
	maxListed  = 10_000 // objects in a receipt
	maxUnknown = 1000
)

// run is one run, and its receipt while it is being written, by many at once.
type run struct {
	list *manifest
	*outcome.Run
	mu      sync.Mutex
	r       *Receipt
	longest time.Duration // the longest conversion so far
	total   time.Duration // of all of them
	done    int64
}

// newRun begins a run that may take budget; zero means as long as ctx.
func (f *Function) newRun(ctx context.Context, budget time.Duration) *run {
	r := &Receipt{Core: receipt.Start("gunzipcsv"), Objects: []Object{}, UnknownFields: map[string]int64{}}
	r.Manifest, _ = manifestPrefix(r.Run) // of a name just made
	run := &run{r: r, list: newManifest(f.parts.State, r.Run)}
	run.Run = outcome.Begin(retry.Counted(ctx, run.retried), budget, 0)
	return run
}

// add enters what became of a notice.
func (r *run) add(o Object, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done++
	r.total += took
	r.longest = max(r.longest, took)
	c := r.r
	dull := false
	switch o.Status {
	case Converted:
		c.Out++
		dull = true
	case Quarantined:
		c.Quarantined++
	case Returned:
		c.Returned++
	default:
		c.Filtered++
		dull = true
		switch o.Status {
		case Unchanged:
			c.Unchanged++
		case Skipped:
			c.Skipped++
		}
	}
	if o.Status != Returned {
		c.In++
	}
	c.BytesIn += o.BytesIn
	c.BytesOut += o.BytesOut
	c.Records += o.Records
	c.Rejected += o.Rejected
	c.UnknownOther += o.unknownOther
	for name, n := range o.unknown {
		if _, ok := c.UnknownFields[name]; ok || len(c.UnknownFields) < maxUnknown {
			c.UnknownFields[name] += n
		} else {
			c.UnknownOther += n
		}
	}
	// Bad news finds room twice as long, so that good news cannot crowd it out.
	if len(c.Objects) < maxListed || !dull && len(c.Objects) < 2*maxListed {
		c.Objects = append(c.Objects, o)
	} else {
		c.Omitted++
	}
}

// retried counts a call that was made once more: to the queue, to a store as
// far as its SDK tells, or for a whole object.
func (r *run) retried() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.r.Retries++
}

// estimate returns the longest and the mean time an object took, 0 before the
// first.
func (r *run) estimate() (longest, mean time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done > 0 {
		mean = r.total / time.Duration(r.done)
	}
	return r.longest, mean
}
