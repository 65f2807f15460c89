package receipt

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// Verification is what a verification that a trigger asked for answers, logs
// and keeps.
type Verification struct {
	Function string   `json:"function"`
	Verify   Verified `json:"verify"`
}

// Verified is what was looked at and what was found.
type Verified struct {
	// From and To bound what was looked at: the time that was asked for, or
	// what the function chose.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Checked counts what was looked at: objects, or records that receipts
	// account for, as the function says.
	Checked int64 `json:"checked"`
	// Findings counts all; Kinds counts them by kind; First has the first 20.
	Findings int64            `json:"findings"`
	Kinds    map[string]int64 `json:"kinds"`
	First    []Finding        `json:"first"`
	// Receipts says how far the function's receipts are vouched for.
	Receipts Chained `json:"receipts,omitzero"`
	// Incomplete says why not all of it was looked at, empty if it was.
	Incomplete string `json:"incomplete,omitempty"`

	rest []Finding // that come after First
}

const (
	// firstFindings is how many findings the answer of a [Verified] shows.
	firstFindings = 20
	// namedFindings is how many are kept by name, those included: enough for
	// whoever mends them one by one.
	namedFindings = 1000
)

// Named returns the findings that are known by name: the first 1,000.
func (v *Verified) Named() []Finding { return slices.Concat(v.First, v.rest) }

// NewVerified returns one without a finding.
func NewVerified() Verified {
	return Verified{Kinds: map[string]int64{}, First: []Finding{}}
}

// Find adds findings.
func (v *Verified) Find(all ...Finding) {
	for _, f := range all {
		v.Take(FindingList{Found: 1, Kinds: map[string]int64{f.Kind: 1}, Findings: []Finding{f}})
	}
}

// Take adds the findings of a list, also those it only counts.
func (v *Verified) Take(l FindingList) {
	v.Findings += l.Found
	for kind, n := range l.Kinds {
		v.Kinds[kind] += n
	}
	first := min(len(l.Findings), firstFindings-len(v.First))
	v.First = append(v.First, l.Findings[:first]...)
	rest := l.Findings[first:]
	v.rest = append(v.rest, rest[:min(len(rest), namedFindings-firstFindings-len(v.rest))]...)
}

// Record returns v as JSON for a log record, cut as [Record] cuts a receipt: a
// finding may quote what a store or an API said.
func (v Verified) Record() json.RawMessage {
	return record(v, func([]byte) ([]byte, error) {
		v.First, v.Incomplete = []Finding{}, short(v.Incomplete)
		return json.Marshal(v)
	})
}

// Complete tells whether all was looked at and nothing was found.
func (v *Verified) Complete() bool { return v.Findings == 0 && v.Incomplete == "" }

// keptVerification is a verification as it is kept: with more findings by name
// than an answer shows.
type keptVerification struct {
	Verification
	Rest []Finding `json:"rest,omitempty"`
}

// ReadVerification reads what [SaveVerification] wrote.
func ReadVerification(text []byte) (Verification, error) {
	var v keptVerification
	err := json.Unmarshal(text, &v)
	v.Verify.rest = v.Rest
	return v.Verification, err
}

// SaveVerification keeps v in the state bucket, as
// <function>/verify/YYYY/MM/DD/<id>.json, where id is made as that of a run.
func SaveVerification(ctx context.Context, state *bucket.Bucket, v Verification) error {
	now := time.Now().UTC()
	key := v.Function + "/verify/" + now.Format("2006/01/02/") + newID(now) + ".json"
	if err := state.PutJSON(ctx, key, keptVerification{v, v.Verify.rest}); err != nil {
		return fmt.Errorf("save verification: %w", err)
	}
	return nil
}
