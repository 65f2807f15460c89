package sls

import "sync/atomic"

// shared is a page that is handed out in pieces.
type shared struct {
	page *Page
	open atomic.Int32 // pieces that are not released
}

// pieces cuts a page between groups, so that none but a group that is larger
// alone holds more than most bytes: a checkpoint can then stand within a page.
// A page whose groups cannot be counted stays whole, as does one that is
// malformed, or when most is zero. The pieces take over the page.
func (p *Page) pieces(most int) []*Page {
	if most <= 0 || len(p.Raw) <= most || !p.counted {
		return []*Page{p}
	}
	whole := &shared{page: p}
	var out []*Page
	begin, groups, done := 0, 0, int64(0)
	cut := func(end int) {
		piece := &Page{
			Shard: p.Shard, Cursor: FormatCursor(p.first + done), Next: FormatCursor(p.first + done + int64(groups)),
			Count: groups, Raw: p.Raw[begin:end:end], Received: p.Received, first: p.first + done, counted: true, shared: whole,
		}
		out = append(out, piece)
		begin, done, groups = end, done+int64(groups), 0
	}
	for i := 0; i < len(p.Raw); {
		num, wt, v := tag(p.Raw, i)
		if v < 0 || num != 1 {
			return []*Page{p}
		}
		_, end := chunk(p.Raw, v, wt)
		if end < 0 {
			return []*Page{p}
		}
		if groups > 0 && end-begin > most {
			cut(i)
		}
		groups++
		i = end
	}
	cut(len(p.Raw))
	if done != int64(p.Count) {
		return []*Page{p}
	}
	out[0].Cursor, out[0].Wire = p.Cursor, p.Wire
	out[len(out)-1].Next, out[len(out)-1].AtEnd = p.Next, p.AtEnd
	whole.open.Store(int32(len(out))) //nolint:gosec // no more than groups
	return out
}
