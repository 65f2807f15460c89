package serve

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/telemetry"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// Function does the work of one trigger at a time or of several side by side.
type Function interface {
	// Run does what ev asks for and returns the receipt, finished. The error
	// is nil or says what is left undone and why; a *trigger.Error says that ev
	// itself is wrong, and then there may be no receipt. It is Run's to end
	// before ctx's deadline.
	Run(ctx context.Context, ev trigger.Event) (receipt.Receipt, error)
	// Close releases what the function holds, after the last Run.
	Close() error
}

// Background is a [Function] that also works without being triggered.
type Background interface {
	// Background works until ctx ends, and returns once what is under way is
	// done. If it returns an error before that, the process ends with it: there
	// is nothing it could still do.
	Background(ctx context.Context) error
}

// Runtime is what a function is given besides its configuration.
type Runtime struct {
	Log     *slog.Logger
	Metrics *telemetry.Metrics
}

// New builds a function from its configuration, without asking anything of the
// services it will use. Its error names every fault of the configuration.
type New func(ctx context.Context, env envconfig.Lookuper, rt Runtime) (Function, error)

// Execute runs fn once and reports the run, see [Report]. It returns the receipt, nil if the event was refused, and the HTTP
// status that tells the trigger whether to deliver again.
func Execute(ctx context.Context, fn Function, ev trigger.Event, rt Runtime) (receipt.Receipt, int, error) {
	r, err := fn.Run(ctx, ev)
	var refused *trigger.Error
	if errors.As(err, &refused) {
		rt.Log.WarnContext(ctx, "event refused", "event", ev.Path, "error", err.Error())
		return nil, refused.Status, err
	}
	Report(ctx, rt, RunFinished, r)
	return r, status(r.Base()), err
}

func status(core *receipt.Core) int {
	switch core.Status {
	case receipt.OK:
		return http.StatusOK
	case receipt.Partial, receipt.Busy:
		if core.Redeliver {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}
	return http.StatusInternalServerError
}
