package serve

import (
	"context"
	"log/slog"

	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// RunFinished is the message of the record that every run ends with.
const RunFinished = "run finished"

// ReceiptKey is the attribute of a log record that holds a receipt.
const ReceiptKey = "receipt"

// Report tells of a finished run, or of a finished stretch of one that goes on:
// the receipt as one log record, and metrics. Metrics that are lost are one
// warning; it waits for them no longer than [telemetry.Patience].
func Report(ctx context.Context, rt Runtime, message string, r receipt.Receipt) {
	// The context may have ended with the run; its last words must get out.
	ctx = context.WithoutCancel(ctx)
	core := r.Base()
	level := slog.LevelInfo
	if core.Status == receipt.Failed {
		level = slog.LevelError
	}
	rt.Log.Log(ctx, level, message, ReceiptKey, receipt.Record(r)) //nolint:sloglint // one of two, constants both
	rt.Metrics.Run(ctx, core)
	if err := rt.Metrics.Flush(ctx); err != nil {
		rt.Log.WarnContext(ctx, "metrics not exported", "error", err.Error())
	}
}

// Close ends the export of metrics; like [Report], it fails nothing.
func (rt Runtime) Close(ctx context.Context) {
	if err := rt.Metrics.Close(context.WithoutCancel(ctx)); err != nil {
		rt.Log.WarnContext(ctx, "metrics not exported", "error", err.Error())
	}
}
