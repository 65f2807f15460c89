package report

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"path"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// Day is what the runs did that began on one day, in UTC.
type Day struct {
	Date time.Time
	Totals
	// MostLag is the longest lag that a run ended with, in seconds; nil where
	// none said.
	MostLag *float64
	// Root is the SHA-256, in hex, of what `sha256sum *` prints in the folder
	// that holds the day's receipts.
	Root string
	// Receipts are the day's, by name, where the span asked for each.
	Receipts []Receipt
	Verdict  Verdict
	// Proof is what the verdict rests on; nil if nobody looked.
	Proof *Proof

	each    bool
	root    hash.Hash
	lastRun time.Time // when the last began
}

// Receipt is the name of a receipt, within its day's folder, and the SHA-256 of
// its bytes, in hex.
type Receipt struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// Totals are sums over runs.
type Totals struct {
	Runs, Failed, Killed                 int
	In, Delivered, Filtered, Quarantined int64
	// Out counts what was written, which is more than was delivered where one
	// record becomes several.
	Out               int64
	BytesIn, BytesOut int64
	// Unbalanced counts receipts in which in is not delivered + filtered +
	// quarantined.
	Unbalanced int
}

// kept is what a page needs of a receipt.
type kept struct {
	receipt.Core
	// EventsOut is what was delivered, in the receipts of a function that makes
	// several records of one.
	EventsOut *int64 `json:"events_out"`
}

// add takes in the receipt called key. The receipts of a day have to be added in
// the order of their names.
func (d *Day) add(key string, data []byte) (kept, error) {
	var r kept
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("%s is no receipt: %w", key, err)
	}
	delivered := r.Out
	if r.EventsOut != nil {
		delivered = *r.EventsOut
	}
	did := Totals{
		Runs: 1, In: r.In, Out: r.Out, Delivered: delivered, Filtered: r.Filtered, Quarantined: r.Quarantined,
		BytesIn: r.BytesIn, BytesOut: r.BytesOut,
	}
	switch r.Status {
	case receipt.Failed:
		did.Failed = 1
	case receipt.Running:
		did.Killed = 1
	}
	if r.In != delivered+r.Filtered+r.Quarantined {
		did.Unbalanced = 1
	}
	d.sum(did)
	if r.StartedAt.After(d.lastRun) {
		d.lastRun = r.StartedAt
	}
	if l := r.LagSeconds; l != nil && (d.MostLag == nil || *l > *d.MostLag) {
		d.MostLag = l
	}
	if d.root == nil {
		d.root = sha256.New()
	}
	sum := sha256.Sum256(data)
	one := Receipt{path.Base(key), hex.EncodeToString(sum[:])}
	_, _ = fmt.Fprintf(d.root, "%s  %s\n", one.SHA256, one.Name) // a hash takes all
	if d.each {
		d.Receipts = append(d.Receipts, one)
	}
	return r, nil
}

// close ends the day, of which every receipt was added.
func (d *Day) close() {
	if d.root != nil {
		d.Root = hex.EncodeToString(d.root.Sum(nil))
		d.root = nil
	}
}

func (t *Totals) sum(o Totals) {
	t.Runs += o.Runs
	t.Failed += o.Failed
	t.Killed += o.Killed
	t.In += o.In
	t.Delivered += o.Delivered
	t.Out += o.Out
	t.Filtered += o.Filtered
	t.Quarantined += o.Quarantined
	t.BytesIn += o.BytesIn
	t.BytesOut += o.BytesOut
	t.Unbalanced += o.Unbalanced
}
