package main

import (
	"errors"
	"fmt"
	"io"
)

// replayAnswer is what came of what was in quarantine.
type replayAnswer struct {
	header
	// Function is the function whose quarantine it is.
	Function functionName `json:"function"`
	// Objects counts the objects in quarantine that were wholly replayed.
	Objects int64 `json:"objects"`
	// Delivered counts the records, or source objects, that were delivered.
	Delivered int64 `json:"delivered"`
	// Sent counts the notices that were sent back to the queue.
	Sent int64 `json:"sent"`
	// Rejected counts what is in quarantine again.
	Rejected int64 `json:"rejected"`
	// Left counts what stays pending.
	Left int64 `json:"left"`
	// Why says of what stays why, or what to do about it.
	Why []string `json:"why"`

	line string // that tells of it in the function's terms
}

func newReplayAnswer(name functionName) *replayAnswer {
	return &replayAnswer{Function: name, Why: []string{}}
}

// ended shows what was replayed, and returns what the command is to end with.
func (r *replayAnswer) ended(c *cli, err error) error {
	if shown := c.show(r); err == nil || shown != nil && !errors.Is(shown, errFindings) {
		return shown
	}
	return err
}

func (r *replayAnswer) kind() string { return "replay" }
func (r *replayAnswer) found() bool  { return r.Rejected > 0 || len(r.Why) > 0 }

func (r *replayAnswer) text(w io.Writer) {
	for _, why := range r.Why {
		_, _ = fmt.Fprintln(w, why)
	}
	_, _ = fmt.Fprintln(w, r.line)
}
