package status_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/emulator/inprocess"
	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
	"github.com/siemfeed/siemfeed/pkg/outagetest"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/status"
)

// store is a bucket in a store that takes a while to answer.
type store struct {
	http.Handler
	wait  atomic.Int64
	calls atomic.Int64
	// reading, if set, is called once, before a receipt is read.
	reading atomic.Pointer[func()]
}

func (s *store) RoundTrip(r *http.Request) (*http.Response, error) {
	s.calls.Add(1)
	if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, ".json") {
		if f := s.reading.Swap(nil); f != nil {
			(*f)()
		}
	}
	time.Sleep(time.Duration(s.wait.Load()))
	return inprocess.Transport{Handler: s}.RoundTrip(r)
}

func newStore(t *testing.T) (*store, *bucket.Bucket) {
	t.Helper()
	server := oss.New(oss.Options{AccessKeyID: outagetest.KeyID, AccessKeySecret: outagetest.Secret})
	server.AddBucket("state")
	s := &store{Handler: server}
	b, err := bucket.Open(t.Context(), outagetest.BucketURL("http://localhost", "state"), outagetest.WithKeys(),
		bucket.WithTransport(func(http.RoundTripper) http.RoundTripper { return s }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return s, b
}

// run keeps the receipt of a run that began at began.
func run(t *testing.T, b *bucket.Bucket, began time.Time, o receipt.Outcome) {
	t.Helper()
	time.Sleep(time.Until(began))
	c := receipt.Start("f")
	c.Lag("org-1", time.Minute)
	c.Lag("org-2", time.Hour)
	time.Sleep(time.Second)
	c.Finish(o)
	if err := receipt.Save(t.Context(), b, &c); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, b *bucket.Bucket) status.Function {
	t.Helper()
	f, err := status.Read(t.Context(), b, b, "f", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A run may end, and its receipt be replaced, while it is looked at.
func TestRunEndsMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newStore(t)
		c := receipt.Start("f")
		c.Status = receipt.Running
		if err := receipt.Save(t.Context(), b, &c); err != nil {
			t.Fatal(err)
		}
		end := func() {
			c.Finish(receipt.Outcome{Status: receipt.OK})
			if err := receipt.Save(t.Context(), b, &c); err != nil {
				t.Error(err)
			}
		}
		s.reading.Store(&end)
		if f := read(t, b); s.reading.Load() != nil || f.Last == nil || f.Last.Status != receipt.OK || f.Success == nil {
			t.Errorf("%+v", f)
		}
	})
}

func TestNothingKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, b := newStore(t)
		f := read(t, b)
		if f.Last != nil || f.Success != nil || f.Proof != nil || f.Pending.Objects != 0 || len(f.Next) != 1 || !strings.Contains(f.Next[0], "doctor f") {
			t.Errorf("%+v", f)
		}
	})
}

// What is told is of the last run, the last success, the last proof.
func TestRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, b := newStore(t)
		at := time.Now().Truncate(24 * time.Hour).Add(48*time.Hour - 90*time.Second) // and over midnight
		good := receipt.Outcome{Status: receipt.OK}
		run(t, b, at, good)
		run(t, b, at.Add(time.Minute), receipt.Outcome{Status: receipt.Partial})
		success := time.Now()
		run(t, b, at.Add(2*time.Minute), receipt.Outcome{Status: receipt.Failed, Err: fmt.Errorf("HEC_URL: refused")})
		v := receipt.NewVerified()
		v.Find(receipt.Finding{Kind: "gap"}, receipt.Finding{Kind: "missing"})
		if err := receipt.SaveVerification(t.Context(), b, receipt.Verification{Function: "f", Verify: v}); err != nil {
			t.Fatal(err)
		}
		q := quarantine.New(b, "f")
		for i := range 3 {
			if _, err := q.Put(t.Context(), time.Now(), fmt.Sprint(i), quarantine.Entry{Function: "f", Code: fmt.Sprint("code-", i%2), Source: []byte("{}")}, []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		f := read(t, b)
		if f.Last == nil || f.Last.Status != receipt.Failed || f.Last.Lags["org-2"] != 3600 {
			t.Errorf("last: %+v", f.Last)
		}
		if up := f.Reached["org-2"]; !up.Equal(f.Last.FinishedAt.Add(-time.Hour).Truncate(time.Second)) {
			t.Errorf("org-2 was delivered up to %v at %v", up, f.Last.FinishedAt)
		}
		if f.Success == nil || !f.Success.Equal(success) || f.SuccessBefore != nil {
			t.Errorf("success: %v, want %v", f.Success, success)
		}
		if p := f.Pending; p.Objects != 3 || p.More || p.Codes["code-0"] != 2 || p.Codes["code-1"] != 1 || p.Read != 3 {
			t.Errorf("pending: %+v", p)
		}
		if f.Proof == nil || f.Proof.Findings != 2 || time.Since(f.Proof.Time) > time.Minute {
			t.Errorf("proof: %+v", f.Proof)
		}
		if got := strings.Join(f.Next, "\n"); len(f.Next) != 3 || !strings.Contains(got, "HEC_URL: refused") || !strings.Contains(got, "3 objects") || !strings.Contains(got, "2 findings") {
			t.Errorf("next:\n%s", got)
		}

		// Nothing of that is told once it is mended.
		for o, err := range q.Pending(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if err := q.Replayed(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		run(t, b, time.Now().Add(time.Minute), good)
		if err := receipt.SaveVerification(t.Context(), b, receipt.Verification{Function: "f", Verify: receipt.NewVerified()}); err != nil {
			t.Fatal(err)
		}
		if f := read(t, b); len(f.Next) != 0 || f.Pending.Objects != 0 {
			t.Errorf("%+v", f)
		}
		time.Sleep(100 * 24 * time.Hour)
		if f := read(t, b); len(f.Next) != 2 || f.Last == nil || !strings.Contains(f.Next[0], "2400h") {
			t.Errorf("after a silence: %+v", f)
		}
	})
}

// A week in which every tick failed says how long it has been, at least.
func TestNoSuccessWithinReach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, b := newStore(t)
		began := time.Now().Add(time.Minute)
		for i := range 300 {
			run(t, b, began.Add(time.Duration(i)*15*time.Minute), receipt.Outcome{Status: receipt.Failed, Err: context.DeadlineExceeded})
		}
		f := read(t, b)
		if f.Success != nil || f.SuccessBefore == nil || time.Since(*f.SuccessBefore) < 47*time.Hour {
			t.Errorf("success %v, before %v", f.Success, f.SuccessBefore)
		}
	})
}

// A year of ticks, proofs and rejects is told of in seconds.
func TestYear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newStore(t)
		began, q := time.Now(), quarantine.New(b, "f")
		for day := range 365 {
			run(t, b, began.AddDate(0, 0, day), receipt.Outcome{Status: receipt.OK})
			run(t, b, began.AddDate(0, 0, day).Add(time.Minute), receipt.Outcome{Status: receipt.Failed, Err: context.DeadlineExceeded})
			if err := receipt.SaveVerification(t.Context(), b, receipt.Verification{Function: "f", Verify: receipt.NewVerified()}); err != nil {
				t.Fatal(err)
			}
			if _, err := q.Put(t.Context(), time.Now(), fmt.Sprint(day), quarantine.Entry{Function: "f", Code: "bad", Source: []byte("{}")}, []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		s.wait.Store(int64(40 * time.Millisecond))
		s.calls.Store(0)
		start := time.Now()
		f := read(t, b)
		t.Logf("%v, %d calls", time.Since(start), s.calls.Load())
		if time.Since(start) > 5*time.Second {
			t.Errorf("it took %v", time.Since(start))
		}
		if f.Success == nil || f.Pending.Objects != 365 || f.Proof == nil {
			t.Errorf("%+v", f)
		}
	})
}

// What is damaged, or was put there by somebody else, hides nothing of the rest.
func TestForeignObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, b := newStore(t)
		run(t, b, time.Now().Add(time.Minute), receipt.Outcome{Status: receipt.OK})
		if err := receipt.SaveVerification(t.Context(), b, receipt.Verification{Function: "f", Verify: receipt.NewVerified()}); err != nil {
			t.Fatal(err)
		}
		if _, err := quarantine.New(b, "f").Put(t.Context(), time.Now(), "x", quarantine.Entry{Code: "bad"}, nil); err != nil {
			t.Fatal(err)
		}
		today := time.Now().UTC().Format("2006/01/02/")
		for _, key := range []string{
			"f/receipts/" + today + "20991231T000000.000-X.json", "f/receipts/" + today + "notes.txt", "f/verify/" + today + "notes.txt", "f/" + today + "zz.ndjson.gz",
		} {
			if err := b.WriteAll(t.Context(), key, []byte(`{"half`), nil); err != nil {
				t.Fatal(err)
			}
		}
		f := read(t, b)
		if f.Last == nil || f.Success == nil || f.Proof == nil || f.Pending.Objects != 2 || f.Pending.Codes["bad"] != 1 || f.Pending.Codes[status.Unreadable] != 1 {
			t.Errorf("%+v", f)
		}
		if got := strings.Join(f.Next, "\n"); !strings.Contains(got, "f/receipts/"+today+"notes.txt") {
			t.Errorf("next:\n%s", got)
		}
	})
}
