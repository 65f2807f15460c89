package consume

import (
	"cmp"
	"context"
	"slices"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// earlier is what receipts held before there was one list: announced were the
// stretches that were not saved for certain, shards the others.
type earlier struct {
	Receipt
	Shards    []Stretch `json:"shards"`
	Announced []Stretch `json:"announced"`
}

func (r *earlier) all() []Stretch {
	for i := range r.Shards {
		r.Shards[i].Saved = true
	}
	return slices.Concat(r.Stretches, r.Shards, r.Announced)
}

func (s Stretch) span() (from, to int64) { return number(s.From), number(s.To) }

// evidence gathers the stretches of kept receipts by shard, in the order of
// cursors: that the logs between two of them were accounted for. Whether the
// checkpoint moved past one that is not saved is known from where the next run's
// begin. Beside them is what is found of the chain of receipts.
func (c *Consumer) evidence(ctx context.Context, span receipt.ReadSpan) (map[int][]Stretch, receipt.FindingList, receipt.Chained, error) {
	byShard := map[int][]Stretch{}
	list, chained, err := receipt.Read(ctx, c.state, c.fn.Name, span, func(r earlier) {
		if r.Group != c.cfg.Group && r.Mode != "range" {
			return
		}
		for _, s := range r.all() {
			byShard[s.Shard] = append(byShard[s.Shard], s)
		}
	})
	for shard := range byShard {
		byShard[shard] = disjoint(byShard[shard])
	}
	return byShard, list, chained, err
}

// disjoint sorts stretches by their cursors and leaves out those that others make up
// for, so that what is left counts each log once: a stretch whose checkpoint
// was not saved after all, since a run began in it, and what lies within
// another one, since it was delivered again as part of that.
func disjoint(list []Stretch) []Stretch {
	list = slices.DeleteFunc(list, func(e Stretch) bool { return e.From == e.To })
	// Of two that begin alike the longer one comes first.
	slices.SortFunc(list, func(a, b Stretch) int {
		aFrom, aTo := a.span()
		bFrom, bTo := b.span()
		return cmp.Or(cmp.Compare(aFrom, bFrom), cmp.Compare(bTo, aTo))
	})
	// One begins where the checkpoint was. If it begins within another, the
	// checkpoint that was to be saved with that was not by then.
	list = slices.DeleteFunc(slices.Clone(list), func(e Stretch) bool {
		from, to := e.span()
		return !e.Saved && slices.ContainsFunc(list, func(o Stretch) bool {
			at, _ := o.span()
			return at > from && at < to || at == from && o.Saved
		})
	})
	var end int64
	return slices.DeleteFunc(list, func(e Stretch) bool {
		_, to := e.span()
		if to <= end {
			return true
		}
		end = to
		return false
	})
}

// number orders cursors. One of a form unknown today sorts first, and is then
// reported as a gap rather than passed over.
func number(cursor string) int64 {
	n, _ := sls.CursorNumber(cursor)
	return n
}
