// Package rollup sums up what the receipts of a day say, and keeps the sum, so
// that a year of a million receipts is told from a few hundred reads.
//
//	totals.go    what is added up
//	day.go       a day: the sums of its receipts, and what to know of single ones
//	taken.go     one receipt, as it is read
//	reader.go    a day read: from its roll-up, or from all its receipts
//	inorder.go   … many side by side, in the order of their names
//	kept.go      the roll-up that is kept of a day
//	span.go      a span of days, and whether the chain of their receipts is whole
//	step.go      … some days of it at a time
//	sumup.go     the last days summed up, before anybody asks
//
// A roll-up is never taken at its word: it says which versions of which receipts
// it is made of, as a list of the bucket tells them, and holds only as long as
// the list is the same. One that does not hold, is damaged or is of another form
// is made anew from the receipts. None is kept of a day before it was found out
// whether the chain of its receipts is whole, nor where it is not.
package rollup
