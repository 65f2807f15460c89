package serve_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// proven is a function that can be verified.
type proven struct {
	stub
	proof serve.Proof
}

func (p *proven) Proof() serve.Proof { return p.proof }

func newProven(t *testing.T, check func(ctx context.Context, from, to time.Time, v *receipt.Verified) error) *proven {
	t.Helper()
	state, err := bucket.Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = state.Close() })
	run := func(context.Context, trigger.Event) (receipt.Receipt, error) {
		t.Error("a verification runs the function")
		c := receipt.Start("stub")
		return &c, nil
	}
	return &proven{stub{run: run}, serve.Proof{Function: "stub", State: state, Budget: time.Minute, Check: check}}
}

func TestVerification(t *testing.T) {
	const asked = `{"verify":{"from":"2026-01-01T00:00:00Z","to":"2026-01-03T00:00:00Z"}}`
	found := func(n int) func(context.Context, time.Time, time.Time, *receipt.Verified) error {
		return func(_ context.Context, from, to time.Time, v *receipt.Verified) error {
			if !from.Equal(v.From) || to.Sub(from) != serve.DefaultSpan {
				return fmt.Errorf("asked for %v to %v", from, to)
			}
			v.Checked = 7
			for i := range n {
				v.Find(receipt.Finding{Kind: []string{"gap", "missing"}[i%2], Where: fmt.Sprint(i), Detail: "d"})
			}
			return nil
		}
	}
	for name, tc := range map[string]struct {
		check func(context.Context, time.Time, time.Time, *receipt.Verified) error
		code  int
		want  string // a part of the answer
		level string // of the log record
	}{
		"complete": {found(0), http.StatusOK, `{"function":"stub","verify":{"from":"2026-01-01T00:00:00Z","to":"2026-01-03T00:00:00Z","checked":7,"findings":0,"kinds":{},"first":[]}}`, "INFO"},
		"findings": {found(25), http.StatusOK, `"findings":25,"kinds":{"gap":13,"missing":12},"first":[{"kind":"gap","where":"0","detail":"d"}`, "WARN"},
		"cannot be found out": {func(_ context.Context, _, _ time.Time, v *receipt.Verified) error {
			v.Checked = 3
			return errors.New("no bucket")
		}, http.StatusInternalServerError, `"error":"no bucket"`, "ERROR"},
		"time is up": {func(ctx context.Context, _, _ time.Time, v *receipt.Verified) error {
			v.Checked = 3
			<-ctx.Done()
			return ctx.Err()
		}, http.StatusOK, `"findings":0,"kinds":{},"first":[],"incomplete":"RUN_TIMEOUT`, "WARN"},
		"time is up while something fails": {func(ctx context.Context, _, _ time.Time, v *receipt.Verified) error {
			v.Checked = 3
			return retry.Policy{Attempts: 100, Base: time.Millisecond}.Do(ctx, func(context.Context) error { return errors.New("HTTP 503 of the API") })
		}, http.StatusInternalServerError, "HTTP 503 of the API", "ERROR"},
		"time is up before anything was looked at": {func(ctx context.Context, _, _ time.Time, _ *receipt.Verified) error {
			<-ctx.Done()
			return ctx.Err()
		}, http.StatusInternalServerError, "before anything was done", "ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			fn := newProven(t, tc.check)
			if strings.HasPrefix(name, "time") {
				fn.proof.Budget = 10 * time.Millisecond
			}
			rec := post(serve.NewHandler(t.Context(), fn, runtime(t, &log)), asked)
			if rec.Code != tc.code || !strings.Contains(rec.Body.String(), tc.want) {
				t.Errorf("%d %s\nwant %d %s", rec.Code, rec.Body, tc.code, tc.want)
			}
			if !strings.Contains(log.String(), `"level":"`+tc.level+`"`) || strings.Count(log.String(), "verify finished") != btoi(tc.code == http.StatusOK) {
				t.Errorf("log: %s", log.String())
			}
			keys, err := fn.proof.State.Keys(t.Context(), "stub/verify/"+time.Now().UTC().Format("2006/01/"))
			if err != nil || len(keys) != btoi(tc.code == http.StatusOK) {
				t.Fatal(keys, err)
			}
			if len(keys) == 0 {
				return
			}
			var kept, answered receipt.Verification
			if err := errors.Join(fn.proof.State.ReadJSON(t.Context(), keys[0], &kept), json.Unmarshal(rec.Body.Bytes(), &answered)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(kept, answered, cmpopts.IgnoreUnexported(receipt.Verified{})); diff != "" || len(kept.Verify.First) != min(20, int(kept.Verify.Findings)) {
				t.Error(diff, len(kept.Verify.First))
			}
		})
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestVerificationRefused(t *testing.T) {
	fn := newProven(t, func(context.Context, time.Time, time.Time, *receipt.Verified) error {
		return errors.New("called")
	})
	for _, tc := range []struct {
		fn   serve.Function
		body string
		want string
	}{
		{&fn.stub, `{"verify":{}}`, "nothing to verify"},
		{fn, `{"verify":{"from":"2999-01-01T00:00:00Z"}}`, "future"},
		{fn, `{"verify":{"to":"2999-01-01T00:00:00Z"}}`, "future"},
		{fn, `{"verify":{"deep":true}}`, "only the key"},
	} {
		var log strings.Builder
		rec := post(serve.NewHandler(t.Context(), tc.fn, runtime(t, &log)), tc.body)
		if rec.Code != http.StatusBadRequest || !strings.Contains(rec.Body.String(), tc.want) {
			t.Errorf("%s: %d %s", tc.body, rec.Code, rec.Body)
		}
	}
}

// What cannot be kept is no proof.
func TestVerificationThatCannotBeKept(t *testing.T) {
	fn := newProven(t, func(_ context.Context, _, _ time.Time, v *receipt.Verified) error { v.Checked = 1; return nil })
	if err := fn.proof.State.Close(); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	rec := post(serve.NewHandler(t.Context(), fn, runtime(t, &log)), `{"verify":{}}`)
	if rec.Code != http.StatusInternalServerError || !strings.Contains(rec.Body.String(), "save verification") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}
