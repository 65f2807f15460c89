package anypoint

import (
	"fmt"
	"time"
)

// walk is how far a query has come. It judges each page, since the API says in
// several ways whether there is more: a total (asked for with the first page),
// a cursor, and the number of entries. Documented is that the page after the
// last is empty and has no cursor; all else is what truncated answers look
// like, and those must not pass for the end of the log.
type walk struct {
	org     string
	limit   int             // entries asked for a page
	pages   int             // complete ones
	entries int64           // in complete pages
	longest int             // entries of the longest page
	total   int64           // as the first page counts; -1 when it does not say
	cursors map[string]bool // received so far
	empty   bool            // the last page was, and yet had a cursor
}

// add takes a page that was read to its end, and tells whether another one
// follows. A page that contradicts what is known is an error, which may pass:
// the walk has not moved, and the page can be asked for again.
func (w *walk) add(t trailer) (more bool, err error) {
	total := w.total
	if w.pages == 0 {
		total = -1
		if n, ok := number(t.total); ok {
			total = n
		}
	}
	more, err = w.judge(t, total)
	if err != nil {
		return false, &Error{Kind: Protocol, Org: w.org, Detail: "the pages break off", Err: err}
	}
	w.total = total
	w.pages++
	w.entries += int64(t.entries)
	w.longest = max(w.longest, t.entries)
	w.empty = t.entries == 0
	if more {
		if w.cursors == nil {
			w.cursors = map[string]bool{}
		}
		w.cursors[string(t.cursor)] = true
	}
	return more, nil
}

func (w *walk) judge(t trailer, total int64) (more bool, err error) {
	got := w.entries + int64(t.entries)
	cursor := len(t.cursor) > 0 && string(t.cursor) != `""`
	repeated := w.cursors[string(t.cursor)]
	// A server may cut pages shorter than they were asked for, so a page that is
	// as long as any other counts as full.
	full := t.entries >= w.limit || w.pages > 0 && t.entries >= w.longest
	switch {
	case t.entries == 0 && total > got:
		return false, fmt.Errorf("an empty page after %d of %d entries", got, total)
	case t.entries == 0 && (total >= 0 || !cursor || repeated || w.empty):
		return false, nil
	case got == total && !(full && cursor): // else the total may be too small
		return false, nil
	case !cursor && total >= 0 && got > total && !full: // some arrived late
		return false, nil
	case !cursor && total >= 0:
		return false, fmt.Errorf("no cursor after %d of %d entries", got, total)
	case !cursor:
		return false, fmt.Errorf("no cursor after %d entries, and neither a total nor an empty page that says they are all", got)
	case repeated:
		return false, fmt.Errorf("a cursor returned twice after %d entries, so the pages would never end", got)
	}
	return true, nil
}

// bounds are those of a query on our side and those that the API is asked for,
// in milliseconds. Both ends of a query are inclusive, says its documentation;
// what is asked for is wider, so that nothing is missed where they are
// exclusive or cut to seconds.
type bounds struct {
	from, to    int64 // [from, to)
	first, last int64 // asked for
}

func (q Query) bounds() bounds {
	const ms = time.Millisecond
	ceil := func(t time.Time, d time.Duration) int64 { return t.Add(d - 1).Truncate(d).UnixMilli() }
	b := bounds{from: ceil(q.From, ms), to: ceil(q.To, ms), last: ceil(q.To, time.Second)}
	b.first = b.from - 1
	return b
}

// beside tells whether an entry of the time ms came only because more was asked
// for: it is in the window before or after. One that is further away is where
// the API files it, whatever its timestamp says, and no other window has it.
func (b bounds) beside(ms int64) bool {
	const second = 1000
	return ms < b.from && ms >= b.first-b.first%second || ms >= b.to && ms < b.last+second
}

// inside hands on the entries that lie within the bounds, and counts the others.
type inside struct {
	Handler
	bounds
	pages   int // complete ones
	outside int // in complete pages
	page    int // likewise, in the page under way
}

func (i *inside) PageStart(attempt int) {
	i.page = 0
	i.Handler.PageStart(attempt)
}

func (i *inside) Entry(raw []byte) error {
	if ms, ok := Timestamp(raw); ok && i.beside(ms) {
		i.page++
		return nil
	}
	return i.Handler.Entry(raw)
}

func (i *inside) Reject(r Rejected) error {
	if ms, ok := r.Timestamp(); ok && i.beside(ms) {
		i.page++
		return nil
	}
	r.Page = i.pages + 1
	return i.Handler.Reject(r)
}

func (i *inside) PageEnd(more bool) error {
	i.pages++
	i.outside += i.page
	return i.Handler.PageEnd(more)
}
