package anypoint_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	client "github.com/siemfeed/siemfeed/pkg/anypoint"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var day = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func isQuery(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/query") }

// start serves o and returns a client that is quick to retry.
func start(t *testing.T, o emulator.Options, change ...func(*client.Options)) (*emulator.Server, *client.Client) {
	t.Helper()
	srv := emulator.New(o).Start()
	t.Cleanup(srv.Close)
	opts := client.Options{
		BaseURL: srv.URL(), ClientID: "client", ClientSecret: "secret", RatePerMinute: 6_000_000,
		Retry:    retry.Policy{Attempts: 20, Base: time.Millisecond, Max: 5 * time.Millisecond},
		MinPause: time.Millisecond, MaxPause: 5 * time.Millisecond,
	}
	for _, f := range change {
		f(&opts)
	}
	c := client.New(opts)
	t.Cleanup(c.CloseIdle)
	return srv, c
}

// collector keeps what a query handed out, as a handler should: a page that is
// read again replaces its first attempt.
type collector struct {
	entries  [][]byte
	page     int // where the page in hand starts
	attempts int
	fail     error
	each     func()
}

func (c *collector) PageStart(attempt int) {
	c.attempts = max(c.attempts, attempt)
	c.entries = c.entries[:c.page]
}

func (c *collector) Entry(raw []byte) error {
	c.entries = append(c.entries, bytes.Clone(raw))
	if c.each != nil {
		c.each()
	}
	return c.fail
}

func (c *collector) Reject(r client.Rejected) error {
	return fmt.Errorf("rejected: %s", r.Reason)
}

func (c *collector) PageEnd(bool) error {
	c.page = len(c.entries)
	return nil
}

func compacted(t *testing.T, events []emulator.Event) [][]byte {
	t.Helper()
	out := make([][]byte, len(events))
	for i, e := range events {
		var b bytes.Buffer
		if err := json.Compact(&b, e.Raw); err != nil {
			t.Fatal(err)
		}
		out[i] = b.Bytes()
	}
	return out
}

func sameEntries(t *testing.T, got, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d entries, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("entry %d:\n got %.300s\nwant %.300s", i, got[i], want[i])
		}
	}
}

func TestEntriesAreWhatWasSent(t *testing.T) {
	for _, zip := range []bool{false, true} {
		srv, c := start(t, emulator.Options{Gzip: zip})
		events := emulator.Generate("o", emulator.Generated{Seed: 1, N: 601, From: day, To: day.Add(24 * time.Hour), Large: 200_000, LargeEvery: 200})
		if err := srv.Add("o", events...); err != nil {
			t.Fatal(err)
		}
		var h collector
		st, err := c.Entries(t.Context(), client.Query{Org: "o", From: day, To: day.Add(24 * time.Hour)}, &h)
		if err != nil {
			t.Fatal(err)
		}
		sameEntries(t, h.entries, compacted(t, events))
		if st.Pages != 4 || st.Entries != 601 || st.Total != 601 || st.Retries != 0 || st.Bytes < 600_000 {
			t.Errorf("stats = %+v", st)
		}
	}
}

func TestEntriesUnderFire(t *testing.T) {
	srv, c := start(t, emulator.Options{})
	events := emulator.Generate("o", emulator.Generated{Seed: 2, N: 4000, From: day, To: day.Add(24 * time.Hour)})
	if err := srv.Add("o", events...); err != nil {
		t.Fatal(err)
	}
	srv.Faults.Match = isQuery
	srv.Faults.Random(7, map[fault.Kind]float64{
		fault.Error500: 0.08, fault.Error503: 0.05, fault.Error429: 0.05,
		fault.ResetBefore: 0.05, fault.ResetAfter: 0.05, fault.ResetMid: 0.1, fault.Truncate: 0.1,
	})
	n := 0
	h := collector{each: func() {
		if n++; n%500 == 0 {
			srv.RevokeTokens()
		}
	}}
	st, err := c.Entries(t.Context(), client.Query{Org: "o", From: day, To: day.Add(24 * time.Hour)}, &h)
	if err != nil {
		t.Fatal(err)
	}
	sameEntries(t, h.entries, compacted(t, events))
	if st.Retries == 0 || h.attempts < 2 || st.Entries != 4000 {
		t.Errorf("stats = %+v, attempts = %d: want retries", st, h.attempts)
	}
	if srv.Metrics().Requests["token"] < 5 {
		t.Errorf("requests = %v: want tokens renewed", srv.Metrics().Requests)
	}
}

func TestBoundsAreHalfOpen(t *testing.T) {
	srv, c := start(t, emulator.Options{})
	var events []emulator.Event
	for ms := range 10 {
		at := day.Add(time.Duration(ms) * time.Millisecond)
		events = append(events, emulator.Event{Time: at, Raw: fmt.Appendf(nil, `{"timestamp":%d}`, at.UnixMilli())})
	}
	if err := srv.Add("o", events...); err != nil {
		t.Fatal(err)
	}
	const us = time.Microsecond
	for _, tt := range []struct{ from, to, first, n int }{
		{0, 10_000, 0, 10}, {3000, 3000, 0, 0}, {3000, 4000, 3, 1}, {2001, 4001, 3, 2}, {2999, 3000, 0, 0}, {9000, 8000, 0, 0},
	} {
		q := client.Query{Org: "o", From: day.Add(time.Duration(tt.from) * us), To: day.Add(time.Duration(tt.to) * us)}
		var h collector
		st, err := c.Entries(t.Context(), q, &h)
		if err != nil {
			t.Fatal(err)
		}
		sameEntries(t, h.entries, compacted(t, events[tt.first:tt.first+tt.n]))
		// The API counts a little more than is asked for; see what lies beside.
		if n, err := c.Total(t.Context(), q); err != nil || tt.n > 0 && n != st.Total || n < int64(tt.n) {
			t.Errorf("%v: total = %d, %v, counted %d", tt, n, err, st.Total)
		}
		if st.Entries != tt.n || st.Total >= 0 && st.Total != int64(st.Entries+st.Outside) {
			t.Errorf("%v: %+v", tt, st)
		}
	}
}

func TestLateEventsDoNotShiftPages(t *testing.T) {
	srv, c := start(t, emulator.Options{}, func(o *client.Options) { o.PageSize = 10 })
	events := emulator.Generate("o", emulator.Generated{Seed: 3, N: 200, From: day, To: day.Add(time.Hour)})
	if err := srv.Add("o", events...); err != nil {
		t.Fatal(err)
	}
	n := 0
	h := collector{each: func() {
		if n++; n%7 == 0 { // at the start: behind every page
			if err := srv.Add("o", emulator.Event{Time: day, Raw: []byte(`{"late":true}`)}); err != nil {
				t.Error(err)
			}
		}
	}}
	if _, err := c.Entries(t.Context(), client.Query{Org: "o", From: day, To: day.Add(time.Hour)}, &h); err != nil {
		t.Fatal(err)
	}
	h.entries = slices.DeleteFunc(h.entries, func(b []byte) bool { return string(b) == `{"late":true}` })
	sameEntries(t, h.entries, compacted(t, events))
}

func TestHierarchy(t *testing.T) {
	srv, c := start(t, emulator.Options{})
	srv.AddOrg("root", "")
	srv.AddOrg("a", "root")
	srv.AddOrg("b", "root")
	srv.AddOrg("a1", "a")
	got, err := c.Hierarchy(context.Background(), "root")
	if err != nil || !slices.Equal(got, []string{"root", "a", "b", "a1"}) {
		t.Errorf("got %v, %v", got, err)
	}
}
