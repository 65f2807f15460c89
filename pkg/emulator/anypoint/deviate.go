package anypoint

// Deviations make the server answer in ways the vendor does not document. Those
// marked [inferred] were not seen: they are what the documentation leaves open,
// or how other paged APIs are known to break off.
type Deviations struct {
	// Start and End say how a query's bounds cut. Documented is that both are
	// inclusive, to the millisecond.
	Start, End Bound

	// PageCap is the most entries a page has, whatever limit is asked for; the
	// vendor names no maximum [inferred].
	PageCap int
	// Descending answers with the newest first, whatever is asked for: the UI asks
	// for that order, so that a server which does not know the parameter may well
	// have it [inferred].
	Descending bool
	// NoCursor leaves the cursor away, as in offset mode, which is what a server
	// that does not know cursorPagination does.
	NoCursor bool
	// StuckAfter is the number of entries after which the cursor that was sent
	// comes back with every page [inferred].
	StuckAfter int
	// EmptyAfter is the number of entries after which pages are empty and have
	// no cursor, as of a search index that reaches no deeper [inferred].
	EmptyAfter int
	// HoleAfter is the number of entries after which one page is empty although
	// its cursor leads on [inferred].
	HoleAfter int
	// Total is what the server says when it counts n entries; negative: nothing.
	// The vendor promises a total only with doIncludeTotal, and an exact one
	// only without "capped".
	Total func(n int) int
}

// Bound is how an end of a query's span cuts.
type Bound int

// The ways to cut.
const (
	Inclusive Bound = iota // to the millisecond, as documented
	Exclusive              // to the millisecond [inferred]
	Seconds                // inclusive, the date without its milliseconds [inferred]
)

// cut applies the deviations of bounds to a selection.
func (d Deviations) cut(sel selection) selection {
	const second = 1000
	switch d.Start {
	case Exclusive:
		sel.first++
	case Seconds:
		sel.first -= sel.first % second
	}
	switch d.End {
	case Exclusive:
		sel.last--
	case Seconds:
		sel.last -= sel.last % second
	}
	sel.ascending = sel.ascending && !d.Descending
	if d.PageCap > 0 {
		sel.limit = min(sel.limit, d.PageCap)
	}
	return sel
}

// form is what a page looks like.
type form struct {
	empty  bool
	cursor bool
	stuck  bool // the cursor is the one that was sent
	hole   bool // there is more behind this empty page
}

// form decides what the page of a selection looks like.
func (d Deviations) form(l log, sel selection) form {
	f := form{cursor: sel.cursor && !d.NoCursor}
	if sel.after == nil {
		return f
	}
	prior := sel
	prior.last, prior.after = sel.after.ms, nil
	lo, _ := prior.span(l)
	hi, _ := sel.span(l)
	reached := func(n int) bool { return n > 0 && hi-lo >= n }
	f.stuck = reached(d.StuckAfter)
	f.hole = reached(d.HoleAfter) && !sel.after.passed
	f.empty = f.hole || reached(d.EmptyAfter)
	return f
}

// count is the total that is told for n entries, if any is.
func (d Deviations) count(n int) (total int, told bool) {
	if d.Total != nil {
		n = d.Total(n)
	}
	return n, n >= 0
}
