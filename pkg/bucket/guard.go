package bucket

import "context"

// Guard decides whether something may be asked of a bucket. key is that of the
// object, or the prefix of a list; write tells that it is to be written or
// removed. What the guard itself asks of the bucket with ctx is not asked about.
type Guard func(ctx context.Context, key string, write bool) error

// Guard has g asked before every read, list, write and removal of the bucket's
// own methods: with an error, that is what they return, and the store hears
// nothing. Call it before the bucket is used.
func (b *Bucket) Guard(g Guard) { b.guard = g }

type admitted struct{}

// Admit asks the guard alone: what it says, whoever is about to do something that
// is to end in this bucket may want to hear before.
func (b *Bucket) Admit(ctx context.Context, key string, write bool) error {
	if b.guard == nil || ctx.Value(admitted{}) != nil {
		return nil
	}
	return b.guard(context.WithValue(ctx, admitted{}, true), key, write)
}
