package retry_test

import (
	"context"
	"errors"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

func TestCounted(t *testing.T) {
	for _, tc := range []struct{ attempts, failures, want int }{{1, 1, 0}, {5, 0, 0}, {5, 3, 3}, {3, 9, 2}} {
		n := 0
		ctx := retry.Counted(t.Context(), func() { n++ })
		left := tc.failures
		_ = retry.Policy{Attempts: tc.attempts}.Do(ctx, func(context.Context) error {
			if left--; left >= 0 {
				return errors.New("not yet")
			}
			return nil
		})
		if n != tc.want {
			t.Errorf("%+v: %d retries", tc, n)
		}
	}
	retry.Again(t.Context()) // nobody counts
}
