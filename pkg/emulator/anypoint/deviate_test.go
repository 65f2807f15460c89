package anypoint_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	client "github.com/siemfeed/siemfeed/pkg/anypoint"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// However an API breaks its pages off, a query that succeeds has all of it, and
// one that fails may be tried again.
func TestTruncatedPagesAreNoEnd(t *testing.T) {
	times := func(num, den int) func(int) int { return func(n int) int { return n * num / den } }
	none := func(int) int { return -1 }
	for name, tt := range map[string]struct {
		emulator.Deviations
		whole bool // all of it can be had
	}{
		"as documented":                  {emulator.Deviations{}, true},
		"no total":                       {emulator.Deviations{Total: none}, true},
		"total too small":                {emulator.Deviations{Total: times(1, 2)}, true},
		"total of a page":                {emulator.Deviations{Total: func(n int) int { return min(n, 20) }}, true},
		"total of nothing":               {emulator.Deviations{Total: times(0, 1)}, true},
		"total too large":                {emulator.Deviations{Total: times(2, 1)}, false},
		"short pages":                    {emulator.Deviations{PageCap: 7}, true},
		"short pages, no total":          {emulator.Deviations{PageCap: 7, Total: none}, true},
		"short pages, total too small":   {emulator.Deviations{PageCap: 7, Total: times(1, 2)}, true},
		"short pages, total of two":      {emulator.Deviations{PageCap: 7, Total: func(n int) int { return min(n, 14) }}, true},
		"no cursor":                      {emulator.Deviations{NoCursor: true}, false},
		"no cursor, no total":            {emulator.Deviations{NoCursor: true, Total: none}, false},
		"no cursor, total too small":     {emulator.Deviations{NoCursor: true, Total: times(1, 20)}, false},
		"no cursor, short pages":         {emulator.Deviations{NoCursor: true, PageCap: 7}, false},
		"no cursor, short, no total":     {emulator.Deviations{NoCursor: true, PageCap: 7, Total: none}, false},
		"repeating cursor":               {emulator.Deviations{StuckAfter: 60}, false},
		"repeating cursor, no total":     {emulator.Deviations{StuckAfter: 60, Total: none}, false},
		"repeating cursor, total small":  {emulator.Deviations{StuckAfter: 60, Total: times(1, 2)}, false},
		"empty page":                     {emulator.Deviations{EmptyAfter: 60}, false},
		"empty page, more behind":        {emulator.Deviations{HoleAfter: 60}, false},
		"empty page, more, and no total": {emulator.Deviations{HoleAfter: 60, Total: none}, true},
	} {
		for _, n := range []int{250, 260} { // with a page of 20, the last is short or full
			t.Run(fmt.Sprint(name, n), func(t *testing.T) {
				t.Parallel()
				srv, c := start(t, emulator.Options{Deviations: tt.Deviations}, func(o *client.Options) {
					o.PageSize = 20
					o.Retry.Attempts = 3
				})
				events := emulator.Generate("o", emulator.Generated{Seed: 4, N: n, From: day, To: day.Add(time.Hour)})
				if err := srv.Add("o", events...); err != nil {
					t.Fatal(err)
				}
				var h collector
				st, err := c.Entries(t.Context(), client.Query{Org: "o", From: day, To: day.Add(time.Hour)}, &h)
				if (err == nil) != tt.whole || retry.IsPermanent(err) {
					t.Fatalf("err = %v (permanent %v) after %d entries", err, retry.IsPermanent(err), st.Entries)
				}
				if tt.whole {
					sameEntries(t, h.entries, compacted(t, events))
				}
				if q := srv.Metrics().Queries["o"]; q > 2*n/7 {
					t.Errorf("%d requests", q)
				}
			})
		}
	}
}

// Where total and last page agree, no further request tells the end.
func TestEndCostsNoRequest(t *testing.T) {
	for n, want := range map[int]int{0: 1, 1: 1, 19: 1, 20: 2, 21: 2, 50: 3} {
		srv, c := start(t, emulator.Options{}, func(o *client.Options) { o.PageSize = 20 })
		srv.AddSynthetic("o", emulator.Synthetic{N: n, From: day, To: day.Add(time.Hour)})
		st, err := c.Entries(t.Context(), client.Query{Org: "o", From: day, To: day.Add(time.Hour)}, &collector{})
		if err != nil || st.Entries != n || st.Pages != want {
			t.Errorf("%d entries: %+v, %v; want %d pages", n, st, err, want)
		}
	}
}

// Windows that adjoin have every entry once between them, wherever the API cuts.
func TestBoundsOfTheAPIDoNotMatter(t *testing.T) {
	var events []emulator.Event
	for ms := -2500; ms <= 4500; ms += 100 {
		for _, off := range []int{-1, 0, 1} {
			at := day.Add(time.Duration(ms+off) * time.Millisecond)
			events = append(events, emulator.Event{Raw: fmt.Appendf(nil, `{"timestamp":%d}`, at.UnixMilli())})
		}
	}
	for _, edges := range [][]int{{-2000, 0, 1000, 3000}, {-1900, -1, 1, 500, 1700, 4001}} {
		for _, first := range []emulator.Bound{emulator.Inclusive, emulator.Exclusive, emulator.Seconds} {
			for _, last := range []emulator.Bound{emulator.Inclusive, emulator.Exclusive, emulator.Seconds} {
				srv, c := start(t, emulator.Options{Deviations: emulator.Deviations{Start: first, End: last}}, func(o *client.Options) { o.PageSize = 7 })
				if err := srv.Add("o", events...); err != nil {
					t.Fatal(err)
				}
				var h collector
				at := func(i int) time.Time { return day.Add(time.Duration(edges[i]) * time.Millisecond) }
				for i := range edges[1:] {
					q := client.Query{Org: "o", From: at(i), To: at(i + 1)}
					st, err := c.Entries(t.Context(), q, &h)
					if err != nil {
						t.Fatal(err)
					}
					if n, err := c.Total(t.Context(), q); err != nil || n != int64(st.Entries+st.Outside) {
						t.Errorf("total %d, %v; received %+v", n, err, st)
					}
				}
				want := slices.Clone(events)
				want = slices.DeleteFunc(want, func(e emulator.Event) bool {
					ms, _ := client.Timestamp(e.Raw)
					return ms < at(0).UnixMilli() || ms >= at(len(edges)-1).UnixMilli()
				})
				sameEntries(t, h.entries, compacted(t, want))
			}
		}
	}
}

// An entry whose own time is nowhere near where the API files it is kept.
func TestEntryFiledElsewhereIsKept(t *testing.T) {
	srv, c := start(t, emulator.Options{})
	stray := emulator.Event{Time: day.Add(time.Minute), Raw: []byte(`{"timestamp":1}`)}
	if err := srv.Add("o", stray); err != nil {
		t.Fatal(err)
	}
	var h collector
	if _, err := c.Entries(t.Context(), client.Query{Org: "o", From: day, To: day.Add(time.Hour)}, &h); err != nil {
		t.Fatal(err)
	}
	sameEntries(t, h.entries, [][]byte{stray.Raw})
}
