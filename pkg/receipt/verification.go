package receipt

import (
	"context"
	"fmt"
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
	// Incomplete says why not all of it was looked at, empty if it was.
	Incomplete string `json:"incomplete,omitempty"`
}

// firstFindings is how many findings a [Verified] shows.
const firstFindings = 20

// NewVerified returns one without a finding.
func NewVerified() Verified {
	return Verified{Kinds: map[string]int64{}, First: []Finding{}}
}

// Find adds findings.
func (v *Verified) Find(all ...Finding) {
	for _, f := range all {
		v.Findings++
		v.Kinds[f.Kind]++
		if len(v.First) < firstFindings {
			v.First = append(v.First, f)
		}
	}
}

// Complete tells whether all was looked at and nothing was found.
func (v *Verified) Complete() bool { return v.Findings == 0 && v.Incomplete == "" }

// SaveVerification keeps v in the state bucket, as
// <function>/verify/YYYY/MM/DD/<id>.json, where id is made as that of a run.
func SaveVerification(ctx context.Context, state *bucket.Bucket, v Verification) error {
	now := time.Now().UTC()
	key := v.Function + "/verify/" + now.Format("2006/01/02/") + newID(now) + ".json"
	if err := state.PutJSON(ctx, key, v); err != nil {
		return fmt.Errorf("save verification: %w", err)
	}
	return nil
}
