package config

import (
	"maps"
	"slices"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/doctor"
)

// Common is the configuration that every function has.
type Common struct {
	StateURL      string        `env:"STATE_URL, required" help:"bucket for checkpoints, receipts and leases, apart from the output, such as gs://name?prefix=state/"`
	QuarantineURL string        `env:"QUARANTINE_URL" help:"bucket for rejected records; default: quarantine/ below STATE_URL"`
	RunTimeout    time.Duration `env:"RUN_TIMEOUT, default=8m" help:"budget of one triggered run"`
}

// Validate checks the values of the function of that name. logs names the
// variable and the URL of each place where logs lie, that a SIEM or the function
// reads: what is kept inside one would be taken for logs, and logs inside what
// is kept would be taken for state.
func (c *Common) Validate(function string, logs map[string]string) (f Faults) {
	if c.RunTimeout < time.Second {
		f.Add("RUN_TIMEOUT", "must be 1s or more, not %v", c.RunTimeout)
	}
	if c.StateURL != "" {
		if err := bucket.Check(c.StateURL); err != nil {
			f.AddErr("STATE_URL", err)
			return f
		}
		if c.QuarantineURL == "" {
			var err error
			c.QuarantineURL, err = bucket.Sub(c.StateURL, "quarantine")
			f.AddErr("STATE_URL", err)
		}
	}
	if c.QuarantineURL != "" {
		f.AddErr("QUARANTINE_URL", bucket.Check(c.QuarantineURL))
	}
	for _, name := range slices.Sorted(maps.Keys(logs)) {
		apart(&f, "STATE_URL", c.StateURL, function, name, logs[name])
		apart(&f, "QUARANTINE_URL", c.QuarantineURL, function, name, logs[name])
	}
	return f
}

// apart tells if one of the folders that function keeps below its own URL and
// the logs at another lie one inside the other. What else lies there is not the
// function's: a bucket may hold both, in folders of their own.
func apart(f *Faults, own, ownURL, function, name, logs string) {
	if ownURL == "" || logs == "" {
		return
	}
	for _, folder := range []string{function, doctor.Folder} {
		kept, err := bucket.Sub(ownURL, folder)
		if err != nil {
			return // is a fault already
		}
		if in, err := bucket.Inside(kept, logs); err == nil && in {
			f.Add(own, "what is kept below it, in %s/, would lie inside %s and be taken for logs: use another bucket or prefix", folder, name)
			return
		}
		if in, err := bucket.Inside(logs, kept); err == nil && in {
			f.Add(own, "%s lies inside what is kept below it, in %s/, so that its logs would be taken for state: use another bucket or prefix", name, folder)
			return
		}
	}
}
