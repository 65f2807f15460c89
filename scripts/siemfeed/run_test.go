package main

import (
	"io"
	"syscall"
	"testing"
)

// deaf is a pipe that nobody reads.
type deaf struct{}

func (deaf) Write([]byte) (int, error) { return 0, syscall.EPIPE }

// What goes on for good ends, and as a failure, once nobody reads what it says.
func TestFollowThatNobodyReads(t *testing.T) {
	for name, dir := range map[string]string{"SOURCE_URL": t.TempDir(), "DEST_URL": t.TempDir(), "STATE_URL": t.TempDir()} {
		t.Setenv(name, "file://"+dir)
	}
	// Without a queue every run fails, and says so.
	if code := siemfeed(t.Context(), functions(), io.Discard, deaf{}, []string{"run", "gunzipcsv", "--follow", "1h"}); code != exitFailed {
		t.Errorf("ended with %d", code)
	}
}
