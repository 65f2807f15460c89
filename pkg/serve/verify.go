package serve

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// Verifier is a [Function] that can be asked whether what it did is complete.
type Verifier interface{ Proof() Proof }

// Proof is how a function is verified.
type Proof struct {
	Function string
	// State is where the outcome is kept: STATE_URL.
	State *bucket.Bucket
	// Budget is how long a verification may take: RUN_TIMEOUT.
	Budget time.Duration
	// Check looks at [from, to) and tells v what it looked at and found, also
	// where it then returns an error: that it could not be found out. A zero
	// to means up to what is settled, a zero from [DefaultSpan] before that.
	Check func(ctx context.Context, from, to time.Time, v *receipt.Verified) error
}

// DefaultSpan is what a verification looks back on that no time was given for.
const DefaultSpan = 48 * time.Hour

// verifySkew is how far another machine's clock may be ahead of ours.
const verifySkew = 5 * time.Minute

// Verify verifies fn over the span that ev asks for, and reports what was found
// as one log record. Then, in what time is left, it sums up the days that are
// over. It returns the verification, nil if there is none to tell of, and the HTTP
// status for the answer: 200 whatever was found, else what the error is about.
func Verify(ctx context.Context, fn Function, ev trigger.Event, rt Runtime) (*receipt.Verification, int, error) {
	began := time.Now()
	v, err := verify(ctx, fn, *ev.Span)
	var refused *trigger.Error
	switch {
	case errors.As(err, &refused):
		rt.Log.WarnContext(ctx, "event refused", "event", ev.Path, "error", err.Error())
		return nil, refused.Status, err
	case errors.Is(err, errStopping):
		return nil, http.StatusServiceUnavailable, err
	case err != nil:
		rt.Log.ErrorContext(ctx, "verify failed", "event", ev.Path, "error", err.Error())
		return nil, http.StatusInternalServerError, err
	}
	level := slog.LevelInfo
	if !v.Verify.Complete() {
		level = slog.LevelWarn
	}
	rt.Log.Log(ctx, level, "verify finished", "function", v.Function, "verify", v.Verify.Record())
	if p := fn.(Verifier).Proof(); p.Budget > 0 { //nolint:forcetypeassert // else it was refused
		if err := p.SumUp(ctx, began.Add(p.Budget)); err != nil {
			rt.Log.InfoContext(ctx, "days not summed up", "function", v.Function, "error", err.Error())
		}
	}
	return v, http.StatusOK, nil
}

func verify(ctx context.Context, fn Function, span trigger.Span) (*receipt.Verification, error) {
	f, ok := fn.(Verifier)
	if !ok {
		return nil, refuseVerify("this function has nothing to verify")
	}
	if latest := time.Now().Add(verifySkew); span.From.After(latest) || span.To.After(latest) {
		return nil, refuseVerify("the span asked for lies in the future")
	}
	p := f.Proof()
	v := &receipt.Verification{Function: p.Function, Verify: receipt.NewVerified()}
	v.Verify.From, v.Verify.To = span.From, span.To
	run := outcome.Begin(ctx, p.Budget, 0)
	defer run.Cancel()
	err := p.Check(run.Context(), span.From, span.To, &v.Verify)
	end := receipt.Start(p.Function)
	if err := run.Decide(&end, v.Verify.Checked+v.Verify.Findings > 0, err); err != nil {
		return nil, err
	}
	if end.Status == receipt.Partial {
		v.Verify.Incomplete = strings.Join(end.Remaining, "; ") + ": ask for a shorter span, or raise RUN_TIMEOUT"
	}
	if errors.Is(context.Cause(ctx), errStopping) {
		return nil, errStopping
	}
	last, cancel := run.LastWords()
	defer cancel()
	return v, receipt.SaveVerification(last, p.State, *v)
}

func refuseVerify(reason string) error {
	return retry.Permanent(&trigger.Error{Envelope: "verify", Reason: reason, Status: http.StatusBadRequest})
}
