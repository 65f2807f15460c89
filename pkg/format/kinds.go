package format

import (
	"maps"
	"slices"
)

// kinds are the formats that this release writes. A kind is named as the folder
// is in which it lies below its function, or for muleaudit its organisation. To
// change a format, so that the release before would misunderstand it, is to
// raise its number here, and to go on reading what has a lower one.
var kinds = map[string]int{
	// Every function.
	"receipts":   1,
	"verify":     1, // outcomes of verifications
	"rollup":     1, // sums of the receipts of a day
	"pruned":     1, // up to when proof is gone
	"quarantine": 1, // rejected records
	"replayed":   1, // which of them are seen to

	// muleaudit, of each organisation.
	"watermark": 1,
	"since":     1, // the first time that was asked for
	"slices":    1, // manifests, and receipts of slices
	"length":    1, // of slices
	"lengths":   1, // of slices, by day
	"pending":   1, // manifests that are not published
	"staged":    1, // objects that are not published
	"behind":    1, // the look behind the watermark
	"ahead":     1, // progress of scheduled runs
	"backfill":  1, // progress of backfills

	// gunzipcsv.
	"manifests": 1, // what each run wrote

	// slshec and trailtags.
	"lease":     1,
	"beginning": 1, // where a consumer group begins
	"tags":      1, // of resources, trailtags alone
}

// Kinds lists the kinds of what is kept.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }

// Number is the format of a kind that this release writes, 0 if there is no such
// kind.
func Number(kind string) int { return kinds[kind] }
