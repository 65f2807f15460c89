package report

import "github.com/siemfeed/siemfeed/pkg/rollup"

// Day is what the receipts of one day say, in UTC, and whether that is all.
type Day struct {
	rollup.Day
	// Open tells that the day is not over.
	Open    bool
	Verdict Verdict
	// Proof is what the verdict rests on; nil if nobody looked.
	Proof *Proof
}
