package quarantine_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/quarantine"
)

func collect(t *testing.T, list func(yield func(string, error) bool)) (names []string) {
	t.Helper()
	for name, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// What is accepted is neither pending nor gone, until it is rejected again.
func TestAccept(t *testing.T) {
	s := quarantine.New(open(t), "f")
	put := func(id string, codes ...string) string {
		t.Helper()
		b := s.Batch(t.Context(), day, id)
		for _, c := range codes {
			if err := b.Add(quarantine.Entry{Code: c}, bytes.NewReader([]byte(id))); err != nil {
				t.Fatal(err)
			}
		}
		name, err := b.Commit()
		if err != nil {
			t.Fatal(err)
		}
		return name
	}
	gone := put("gone", "gone", "gone")
	mixed := put("mixed", "gone", "broken")
	broken := put("broken", "broken")
	accept := func(want ...string) {
		t.Helper()
		var got []string
		err := s.Accept(t.Context(), func(r quarantine.Record) bool { return r.Code == "gone" }, func(a quarantine.Acceptance) {
			got = append(got, fmt.Sprintln(a.Object, a.Records, a.Left))
		})
		slices.Sort(got)
		slices.Sort(want)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v, want %v, %v", got, want, err)
		}
	}
	wantPending := func(want ...string) {
		t.Helper()
		slices.Sort(want)
		if got := collect(t, s.Names(t.Context(), time.Time{}, time.Time{})); !slices.Equal(got, want) {
			t.Errorf("pending are %v, want %v", got, want)
		}
		n := 0
		for _, err := range s.Pending(t.Context()) {
			if n++; err != nil {
				t.Fatal(err)
			}
		}
		if n != len(want) {
			t.Errorf("%d are pending, want %d", n, len(want))
		}
	}
	accept(fmt.Sprintln(gone, 2, 0), fmt.Sprintln(mixed, 1, 1))
	wantPending(mixed, broken)
	if got := collect(t, s.Accepted(t.Context(), day, day)); !slices.Equal(got, []string{gone}) {
		t.Errorf("accepted are %v", got)
	}
	accept(fmt.Sprintln(mixed, 1, 1)) // the other one is done with
	put("gone", "gone")               // rejected again
	wantPending(gone, mixed, broken)
	if got := collect(t, s.Accepted(t.Context(), time.Time{}, time.Time{})); len(got) != 0 {
		t.Errorf("accepted are %v", got)
	}
}
