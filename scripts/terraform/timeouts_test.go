package main

import (
	"path/filepath"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// limits are how time-outs nest where a run is triggered, in seconds. Outside of
// tests each module's validations hold what its user sets to the same.
func TestTimeoutsNest(t *testing.T) {
	module := func(name string) func(string) float64 {
		c, err := load(filepath.Join(root, "modules", name))
		if err != nil {
			t.Fatal(err)
		}
		return func(variable string) float64 { return defaultOf(t, c, variable) }
	}
	scheduled := module("scheduled-function")
	watch := module("pipeline-alerts")
	lambda := module("s3-logs")
	fc := module("fc-function")
	pushed := module("../stacks/r2-to-csv")
	pool := module("worker-pool")
	interval := 60 * scheduled("interval_minutes")
	for _, rule := range []struct {
		what        string
		least, most float64
	}{
		{"RUN_TIMEOUT ≤ function − 30 s", scheduled("run_timeout_seconds"), scheduled("timeout_seconds") - 30},
		{"function − 30 s ≤ acknowledgement deadline", scheduled("timeout_seconds") - 30, scheduled("ack_deadline_seconds")},
		{"acknowledgement deadline ≤ 600 s", scheduled("ack_deadline_seconds"), 600},
		{"LEASE_TTL ≤ interval", scheduled("lease_ttl_seconds"), interval},
		{"absence ≥ 2 intervals and a run", 2*interval + scheduled("run_timeout_seconds"), watch("missed_runs")*interval + scheduled("run_timeout_seconds")},
		{"absence ≤ 3 intervals and a run", watch("missed_runs")*interval + scheduled("run_timeout_seconds"), 3*interval + scheduled("run_timeout_seconds")},
		// RUN_TIMEOUT = timeout − 60 s, and SQS's visibility six times it, are
		// computed there.
		{"Lambda ≤ 900 s", lambda("timeout_seconds"), 900},
		// So is what the pushing Worker waits for an answer: RUN_TIMEOUT + 60 s.
		{"Worker ≤ 15 minutes for a batch", pushed("run_timeout_seconds") + 60, 900},
		// A pool's proof, its service and the tick that asks for it have the 1800 s of
		// the longest tick by HTTP, of which a tenth is kept to answer in.
		{"a proof ≤ nine tenths of a tick", pool("run_timeout_seconds"), 1800 * 9 / 10},
		// So is Function Compute's time-out: RUN_TIMEOUT + 30 s.
		{"LEASE_TTL ≤ 5 minutes of the timer", fc("lease_ttl_seconds"), 300},
	} {
		if rule.least > rule.most {
			t.Errorf("%s: %v > %v", rule.what, rule.least, rule.most)
		}
	}
}

// defaultOf is the default of a variable that is a number.
func defaultOf(t *testing.T, c *configuration, name string) float64 {
	t.Helper()
	b := c.variable(name)
	if b == nil || b.Body.Attributes["default"] == nil {
		t.Fatalf("%s: variable %s has no default", c.dir, name)
	}
	v, diags := b.Body.Attributes["default"].Expr.Value(nil)
	if diags.HasErrors() || v.Type() != cty.Number {
		t.Fatalf("%s: the default of %s is no number", c.dir, name)
	}
	f, _ := v.AsBigFloat().Float64()
	return f
}
