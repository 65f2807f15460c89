package quarantine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/quarantine"
)

// TestNames lists days, among them those whose objects were replayed, and
// rejected again since.
func TestNames(t *testing.T) {
	s := quarantine.New(open(t), "f")
	var names []string // two of each day
	for d := range 4 {
		var today []string
		for _, id := range []string{"a", "b"} {
			name, err := s.Put(t.Context(), day.AddDate(0, 0, d), id, quarantine.Entry{Code: "c"}, []byte("1"))
			if err != nil {
				t.Fatal(err)
			}
			today = append(today, name)
		}
		slices.Sort(today)
		names = append(names, today...)
	}
	want := func(what string, from, to time.Time, want []string) {
		t.Helper()
		var got []string
		for name, err := range s.Names(t.Context(), from, to) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	want("all", time.Time{}, time.Time{}, names)
	want("two days", day.AddDate(0, 0, 1), day.AddDate(0, 0, 2), names[2:6])
	var pending []quarantine.Object
	for o, err := range s.Pending(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		pending = append(pending, o)
	}
	for _, i := range []int{1, 2, 5} {
		if err := s.Replayed(t.Context(), pending[i]); err != nil {
			t.Fatal(err)
		}
	}
	left := []string{names[0], names[3], names[4], names[6], names[7]}
	want("after a replay", time.Time{}, time.Time{}, left)
	want("a day of it", day, day.AddDate(0, 0, 1), left[:2])
	for _, id := range []string{"a", "b"} { // rejected again, under the same names
		if _, err := s.Put(t.Context(), day.AddDate(0, 0, 1), id, quarantine.Entry{Code: "other"}, []byte("22")); err != nil {
			t.Fatal(err)
		}
	}
	want("rejected again", time.Time{}, time.Time{}, append([]string{names[0], names[2]}, left[1:]...))
}
