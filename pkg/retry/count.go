package retry

import "context"

type counterKey struct{}

// Counted returns a context in which again hears of every call that is made
// once more, by [Policy.Do] or, inside an SDK, as [Again] tells. It has to be
// safe for concurrent use.
func Counted(ctx context.Context, again func()) context.Context {
	return context.WithValue(ctx, counterKey{}, again)
}

// Again tells whoever counts for ctx that a call was made once more, where that
// is not decided by a [Policy].
func Again(ctx context.Context) {
	if again, ok := ctx.Value(counterKey{}).(func()); ok {
		again()
	}
}
