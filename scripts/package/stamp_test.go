package main

import (
	"testing"
	"time"
)

func TestArchiveTime(t *testing.T) {
	for text, want := range map[string]time.Time{
		"":           epoch,
		"1767225600": time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		"yesterday":  {},
		"0":          {}, // no zip archive can tell it
	} {
		t.Setenv("SOURCE_DATE_EPOCH", text)
		if got, err := archiveTime(); !got.Equal(want) || (err == nil) == want.IsZero() {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
