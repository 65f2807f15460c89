package retry_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

func TestLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		longer, release := retry.Linger(ctx, 3*time.Second)
		began := time.Now()
		cancel()
		if time.Sleep(2 * time.Second); longer.Err() != nil {
			t.Error("ended with its parent")
		}
		<-longer.Done()
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("went on for %v", took)
		}
		release()
		if ended, release := retry.Linger(ctx, time.Hour); ended.Err() == nil {
			release()
			t.Error("goes on although its parent had ended before")
		}
	})
}
