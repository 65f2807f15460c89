package config

import (
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// Common is the configuration that every function has.
type Common struct {
	StateURL      string        `env:"STATE_URL, required" help:"bucket for checkpoints, receipts and leases, apart from the output, such as gs://name?prefix=state/"`
	QuarantineURL string        `env:"QUARANTINE_URL" help:"bucket for rejected records; default: quarantine/ below STATE_URL"`
	RunTimeout    time.Duration `env:"RUN_TIMEOUT, default=8m" help:"budget of one triggered run"`
}

// Validate checks the values. output names the variable and the URL of each
// place that a SIEM reads: state inside one would be ingested as logs.
func (c *Common) Validate(output map[string]string) (f Faults) {
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
	for name, out := range output {
		for own, url := range map[string]string{"STATE_URL": c.StateURL, "QUARANTINE_URL": c.QuarantineURL} {
			if url == "" || out == "" {
				continue
			}
			if inside, err := bucket.Inside(url, out); err == nil && inside {
				f.Add(own, "lies inside %s, where a SIEM would ingest it: use another bucket or prefix", name)
			}
		}
	}
	return f
}
