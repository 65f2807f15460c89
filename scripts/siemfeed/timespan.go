package main

import (
	"fmt"
	"time"
)

// checkSpan refuses what the command line asks for where it is no span of the
// past: nothing would be looked at, and nothing found wrong with it. A zero time
// is none that was given.
func checkSpan(from, to time.Time) error {
	now := time.Now()
	for _, at := range []struct {
		flag string
		time.Time
	}{{"--from", from}, {"--to", to}} {
		if at.After(now) {
			return usageError{fmt.Errorf("%s, %s, lies in the future", at.flag, moment(at.Time))}
		}
	}
	if !from.IsZero() && !to.IsZero() && !from.Before(to) {
		return usageError{fmt.Errorf("--from, %s, is not before --to, %s", moment(from), moment(to))}
	}
	return nil
}
