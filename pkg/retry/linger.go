package retry

import (
	"context"
	"time"
)

// Linger returns a context that goes on for grace after ctx has ended, for a
// request that would do harm if it were cut off: one whose answer says what
// there is to take back. If ctx has ended already, so has the context returned.
// Cancel releases it.
func Linger(ctx context.Context, grace time.Duration) (longer context.Context, cancel context.CancelFunc) {
	if ctx.Err() != nil {
		return ctx, func() {}
	}
	longer, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = Sleep(longer, grace) // or until the request has ended
		end()
	})
	return longer, func() { stop(); end() }
}
