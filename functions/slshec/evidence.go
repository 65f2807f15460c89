package slshec

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/sls"
)

// evidence is a row of a receipt: that the logs between two cursors of a shard
// were accounted for. Whether the next run began after an announced one or
// before it, is known from that run's own.
type evidence struct {
	ShardReceipt
	announced bool
}

func (e evidence) span() (from, to int64) { return number(e.From), number(e.To) }

// evidence gathers the rows of kept receipts by shard, in the order of cursors.
func (f *Function) evidence(ctx context.Context, from time.Time) (map[int][]evidence, error) {
	const root = "slshec/receipts/"
	keys, err := f.state.Keys(ctx, root)
	if err != nil {
		return nil, err
	}
	// By the day a run began, which may be the one before.
	first := root + from.UTC().AddDate(0, 0, -1).Format("2006/01/02/")
	if from.IsZero() {
		first = ""
	}
	var mu sync.Mutex
	rows := map[int][]evidence{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16) // a store answers one small read in tens of milliseconds
	for _, key := range keys {
		if key < first {
			continue
		}
		g.Go(func() error {
			var r Receipt
			if err := f.state.ReadJSON(ctx, key, &r); err != nil {
				return err
			}
			if r.Group != f.cfg.Group && r.Mode != "range" {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			for _, s := range r.Shards {
				rows[s.Shard] = append(rows[s.Shard], evidence{ShardReceipt: s})
			}
			for _, s := range r.Announced {
				rows[s.Shard] = append(rows[s.Shard], evidence{ShardReceipt: s, announced: true})
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for shard := range rows {
		rows[shard] = disjoint(rows[shard])
	}
	return rows, nil
}

// disjoint sorts rows by their cursors and leaves out those that others make up
// for, so that what is left counts each log once: an announced stretch whose
// checkpoint was not saved, since a run began in it, and what lies within
// another row, since it was delivered again as part of that.
func disjoint(rows []evidence) []evidence {
	rows = slices.DeleteFunc(rows, func(e evidence) bool { return e.From == e.To })
	// Of two that begin alike the longer one comes first, then the certain one.
	slices.SortStableFunc(rows, func(a, b evidence) int {
		aFrom, aTo := a.span()
		bFrom, bTo := b.span()
		announced := map[bool]int{true: 1}
		return cmp.Or(cmp.Compare(aFrom, bFrom), cmp.Compare(bTo, aTo), cmp.Compare(announced[a.announced], announced[b.announced]))
	})
	// Every row begins where the checkpoint was. If one begins within an
	// announced row, the checkpoint that row announced was not saved by then.
	rows = slices.DeleteFunc(slices.Clone(rows), func(e evidence) bool {
		from, to := e.span()
		return e.announced && slices.ContainsFunc(rows, func(o evidence) bool {
			at, _ := o.span()
			return at > from && at < to || at == from && !o.announced
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
