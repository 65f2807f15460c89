package bucket_test

import (
	"slices"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

func TestDays(t *testing.T) {
	b, err := bucket.Open(t.Context(), "file://"+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	all := []string{"f/2024/12/31/z", "f/2026/01/31/a", "f/2026/02/01/a", "f/2026/02/01/b", "f/2026/02/02/a"}
	for _, key := range append(all, "g/2026/02/01/x", "f-2026/02/01/x") {
		if err := b.WriteAll(t.Context(), key, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	at := func(day string) time.Time {
		if day == "" {
			return time.Time{}
		}
		d, err := time.Parse(time.RFC3339, day)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, tc := range []struct {
		from, to string
		want     []string
	}{
		{"", "", all},
		{"2026-01-31T23:59:59Z", "2026-02-01T00:00:00Z", all[1:4]},
		{"2026-02-01T01:00:00+02:00", "", all[1:]}, // the day before, in UTC
		{"", "2026-01-31T00:00:00Z", all[:2]},
		{"2024-12-31T00:00:00Z", "2026-02-01T12:00:00Z", all[:4]}, // too many days to list one by one
		{"2026-02-03T00:00:00Z", "2026-02-01T00:00:00Z", nil},
	} {
		var got []string
		for o, err := range b.Days(t.Context(), "f/", at(tc.from), at(tc.to)) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, o.Key)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("from %q to %q: %v, want %v", tc.from, tc.to, got, tc.want)
		}
	}
}
