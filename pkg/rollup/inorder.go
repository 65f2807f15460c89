package rollup

import (
	"context"
	"iter"

	"golang.org/x/sync/errgroup"
)

// ahead is how many results of one list wait for one before them.
const ahead = 64

// inOrder calls do with what list names, side by side as far as there are slots,
// which several calls may share; and each with what came of it, one after the
// other, in the order of the list. The first error ends it.
func inOrder[T, R any](ctx context.Context, slots chan struct{}, list iter.Seq2[T, error], do func(context.Context, T) (R, error), each func(R)) error {
	g, ctx := errgroup.WithContext(ctx)
	queue := make(chan chan R, ahead)
	g.Go(func() error {
		defer close(queue)
		for item, err := range list {
			if err != nil {
				return err
			}
			result := make(chan R, 1)
			if err := send(ctx, queue, result); err != nil {
				return err
			}
			if err := send(ctx, slots, struct{}{}); err != nil {
				return err
			}
			g.Go(func() error {
				defer func() { <-slots }()
				r, err := do(ctx, item)
				if err == nil {
					result <- r
				}
				return err
			})
		}
		return nil
	})
	g.Go(func() error {
		for result := range queue {
			select {
			case r := <-result:
				each(r)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	return g.Wait()
}

func send[T any](ctx context.Context, c chan<- T, v T) error {
	select {
	case c <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
