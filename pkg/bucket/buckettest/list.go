package buckettest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// list holds lists that begin in the middle to what a list of all has.
func (k Kind) list(t *testing.T) { List(t, k.Open(t)) }

// List holds the lists of an empty bucket to what they promise.
func List(t *testing.T, b *bucket.Bucket) {
	t.Helper()
	day := time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC)
	var keys []string
	for d := range 3 {
		for i := range 3 {
			keys = append(keys, fmt.Sprintf("f/r/%s%02d", day.AddDate(0, 0, d).Format("2006/01/02/"), i))
		}
	}
	for _, key := range append(keys, "f/q/x", "f/r0", "g/r/2026/03/01/00", "f/r/notes/00") {
		if err := b.WriteAll(t.Context(), key, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	for i, key := range keys {
		var after, since []string
		for o, err := range b.ObjectsAfter(t.Context(), "f/r/2026/", key) {
			if err != nil {
				t.Fatal(err)
			}
			after = append(after, o.Key)
		}
		for o, err := range b.Since(t.Context(), "f/r/", day.AddDate(0, 0, i/3), key[len(key)-2:]) {
			if err != nil {
				t.Fatal(err)
			}
			if o.Key < "f/r/3" { // what is no day comes after them, or not at all
				since = append(since, o.Key)
			}
		}
		if want := keys[i+1:]; !slices.Equal(after, want) || !slices.Equal(since, want) {
			t.Errorf("after %s: %q and %q, want %q", key, after, since, want)
		}
	}
	for before, want := range map[string]string{
		"f/r/2027/01/01/": "f/r/2026/03/02/", "f/r/2026/03/02/": "f/r/2026/03/01/", "f/r/2026/03/01/": "f/r/2026/02/28/", "f/r/2026/02/28/": "",
	} {
		if got, err := b.LastDay(t.Context(), "f/r/", before); err != nil || got != want {
			t.Errorf("the last day before %s: %q, %v, want %q", before, got, err, want)
		}
	}
}
