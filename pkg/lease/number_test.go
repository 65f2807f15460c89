package lease

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// A taker that was slow creates a number that was used and cleared away
// meanwhile. It must not believe that it holds the lease.
func TestANumberThatWasUsedBeforeIsWorthNothing(t *testing.T) {
	b, err := bucket.Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	if err := b.PutJSON(t.Context(), "l/00000000000000000009", term{Holder: "other", Expires: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	ctx, lose := context.WithCancelCause(t.Context())
	defer lose(nil)
	l := &Lease{terms: b.Series("l/", digits), ttl: time.Minute, holder: "slow", ctx: ctx, lose: lose, number: 3}
	if err := l.next(t.Context(), l.term()); !errors.Is(err, ErrLost) {
		t.Errorf("%v", err)
	}
	if keys, err := b.Keys(t.Context(), "l/"); err != nil || len(keys) != 1 {
		t.Errorf("%v %v", keys, err)
	}
}
