package consume

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// evidence is a stretch in a receipt: that the logs between two cursors of a
// shard were accounted for. Whether the checkpoint moved past one that is not
// saved is known from where the next run's begin.
type evidence struct{ Stretch }

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

func (e evidence) span() (from, to int64) { return number(e.From), number(e.To) }

// evidence gathers the rows of kept receipts by shard, in the order of cursors.
func (c *Consumer) evidence(ctx context.Context, from time.Time) (map[int][]evidence, error) {
	rows := map[int][]evidence{}
	err := receipt.Read(ctx, c.state, c.fn.Name, from, func(r earlier) {
		if r.Group != c.cfg.Group && r.Mode != "range" {
			return
		}
		for _, s := range r.all() {
			rows[s.Shard] = append(rows[s.Shard], evidence{s})
		}
	})
	if err != nil {
		return nil, err
	}
	for shard := range rows {
		rows[shard] = disjoint(rows[shard])
	}
	return rows, nil
}

// disjoint sorts rows by their cursors and leaves out those that others make up
// for, so that what is left counts each log once: a stretch whose checkpoint
// was not saved after all, since a run began in it, and what lies within
// another row, since it was delivered again as part of that.
func disjoint(rows []evidence) []evidence {
	rows = slices.DeleteFunc(rows, func(e evidence) bool { return e.From == e.To })
	// Of two that begin alike the longer one comes first.
	slices.SortFunc(rows, func(a, b evidence) int {
		aFrom, aTo := a.span()
		bFrom, bTo := b.span()
		return cmp.Or(cmp.Compare(aFrom, bFrom), cmp.Compare(bTo, aTo))
	})
	// A row begins where the checkpoint was. If one begins within another, the
	// checkpoint that was to be saved with that was not by then.
	rows = slices.DeleteFunc(slices.Clone(rows), func(e evidence) bool {
		from, to := e.span()
		return !e.Saved && slices.ContainsFunc(rows, func(o evidence) bool {
			at, _ := o.span()
			return at > from && at < to || at == from && o.Saved
		})
	})
	var end int64
	return slices.DeleteFunc(rows, func(e evidence) bool {
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
