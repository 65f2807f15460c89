package muleaudit

import (
	"slices"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// Receipt is what a run answers, logs and keeps.
type Receipt struct {
	receipt.Core
	// Tick is when the run was asked for, if it is a scheduled one.
	Tick *time.Time `json:"tick,omitempty"`
	// OvertakenBy is the run of a later tick that did what this one asked for.
	OvertakenBy string       `json:"overtaken_by,omitempty"`
	Orgs        []OrgReceipt `json:"orgs"`
}

// OrgReceipt is what a run did for one organisation.
type OrgReceipt struct {
	Org string `json:"org"`
	// From and To are the window that was asked for, of a scheduled run the new time;
	// Done is how far it is complete, and the watermark in a scheduled run.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Done time.Time `json:"done"`

	Events     int64    `json:"events"`              // new, each in one of Objects
	Late       int64    `json:"late"`                // of these, from before the last watermark
	Duplicates int64    `json:"duplicates"`          // exported before, or identical
	Rejected   int64    `json:"quarantined"`         // new in quarantine
	Untimed    int64    `json:"untimed,omitempty"`   // of Events, without a timestamp
	Unordered  int64    `json:"unordered,omitempty"` // of Events, behind newer ones in their object
	Pages      int      `json:"pages"`
	APITotal   int64    `json:"api_total"` // entries in the window, as the API counts
	Slices     int      `json:"slices"`    // parts of slices that had entries
	Objects    []Object `json:"objects"`

	// Recovered are the objects of an earlier run that was cut off between
	// deciding on them and publishing them. They are not in the counts above.
	Recovered []Object `json:"recovered,omitempty"`

	Error     string `json:"error,omitempty"`
	Remaining string `json:"remaining,omitempty"`
}

// Object is one object that a run published.
type Object struct {
	Name   string `json:"name"`
	Events int64  `json:"events"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

func objects(parts []part) []Object {
	out := make([]Object, len(parts))
	for i, p := range parts {
		out[i] = Object{p.Name, p.Events, p.Bytes, p.SHA256}
	}
	return out
}

// add takes in what was done for an organisation. In counts what was received of
// what is committed: what was not will be read again.
func (r *Receipt) add(e *export, o OrgReceipt) {
	r.Orgs = append(r.Orgs, o)
	r.In += e.in
	r.Out += o.Events
	r.Quarantined += o.Rejected
	r.Filtered += o.Duplicates
	for _, obj := range o.Objects {
		r.BytesOut += obj.Bytes
	}
	r.BytesIn += e.bytesIn
	r.Retries += e.retries
	if o.Remaining != "" {
		r.Remaining = append(r.Remaining, o.Org+": "+o.Remaining)
	}
	if !e.reached.IsZero() {
		r.Lag(o.Org, time.Since(e.reached))
	}
}

// did tells whether the run got anywhere.
func (r *Receipt) did() bool {
	return slices.ContainsFunc(r.Orgs, func(o OrgReceipt) bool {
		return o.Pages > 0 || len(o.Recovered) > 0
	})
}
