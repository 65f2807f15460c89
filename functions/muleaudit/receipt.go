package muleaudit

import (
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// Receipt is what a run answers, logs and keeps.
type Receipt struct {
	receipt.Core
	Orgs []OrgReceipt `json:"orgs"`
}

// OrgReceipt is what a run did for one organisation.
type OrgReceipt struct {
	Org string `json:"org"`
	// From and To are the window that was asked for; Done is how far it is
	// complete, and the watermark in a scheduled run.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Done time.Time `json:"done"`

	Events     int64    `json:"events"`            // new, each in one of Objects
	Late       int64    `json:"late"`              // of these, from before the last watermark
	Duplicates int64    `json:"duplicates"`        // exported before, or identical
	Rejected   int64    `json:"quarantined"`       // new in quarantine
	Untimed    int64    `json:"untimed,omitempty"` // of Events, without a timestamp
	Pages      int      `json:"pages"`
	APITotal   int64    `json:"api_total"` // entries in the window, as the API counts
	Slices     int      `json:"slices"`    // looked at
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

func (o *OrgReceipt) add(res found) {
	o.Slices++
	o.Events += res.events
	o.Late += res.late
	o.Duplicates += res.duplicates
	o.Rejected += res.rejected
	o.Untimed += res.untimed
	o.Pages += res.pages
	o.APITotal += max(0, res.total-res.outside)
	o.Objects = append(o.Objects, objects(res.objects)...)
}

func objects(parts []part) []Object {
	out := make([]Object, len(parts))
	for i, p := range parts {
		out[i] = Object{p.Name, p.Events, p.Bytes, p.SHA256}
	}
	return out
}

// total sums up the organisations, and tells whether anything was done for any.
// In counts the entries of looks that were completed: what a look that broke
// off had read will be read again.
func (r *Receipt) total() (did bool) {
	for _, o := range r.Orgs {
		did = did || o.Slices > 0 || len(o.Recovered) > 0
		r.In += o.Events + o.Duplicates + o.Rejected
		r.Out += o.Events
		r.Quarantined += o.Rejected
		r.Filtered += o.Duplicates
		for _, obj := range o.Objects {
			r.BytesOut += obj.Bytes
		}
		if o.Remaining != "" {
			r.Remaining = append(r.Remaining, o.Org+": "+o.Remaining)
		}
	}
	return did
}
