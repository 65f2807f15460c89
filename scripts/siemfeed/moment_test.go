package main

import (
	"testing"
	"time"
)

func TestParseMoment(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.FixedZone("", 3600))
	for _, c := range []struct{ text, want string }{
		{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"},
		{"2026-01-02T03:04:05.5+02:00", "2026-01-02T01:04:05.5Z"},
		{"2026-01-02", "2026-01-02T00:00:00Z"},
		{"24h", "2026-03-09T11:00:00Z"},
		{"7d", "2026-03-03T11:00:00Z"},
		{"1h30m", "2026-03-10T09:30:00Z"},
		{"400d", "2025-02-03T11:00:00Z"},
		{"1y", "2025-03-10T11:00:00Z"},
		{"2w", "2026-02-24T11:00:00Z"},
		{"0s", "2026-03-10T11:00:00Z"},
	} {
		got, err := parseMoment(c.text, now)
		if err != nil || got.Format(time.RFC3339Nano) != c.want {
			t.Errorf("%s: %v, %v, want %s", c.text, got, err, c.want)
		}
	}
	for _, text := range []string{"", "yesterday", "-24h", "-7d", "7.5d", "99999d", "2026-1-2", "2026-02-30", "12:00", "d", "24", "y", "1.5y", "200y", "-1w"} {
		if got, err := parseMoment(text, now); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}
