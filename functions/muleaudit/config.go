package muleaudit

import (
	"slices"
	"time"

	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/config"
)

// Config is the function's configuration, from the environment.
type Config struct {
	Orgs           []string      `env:"MULE_ORG_ID, required" help:"organisation (business group) ids, comma-separated"`
	IncludeSubOrgs bool          `env:"MULE_INCLUDE_SUBORGS, default=false" help:"true adds every business group below them"`
	ClientID       string        `env:"CLIENT_ID, required" help:"client id of a connected app with the Audit Log Viewer scope"`
	ClientSecret   config.Secret `env:"CLIENT_SECRET, required" help:"its client secret"`

	GCSBucket string `env:"GCS_BUCKET" help:"bucket the objects go to: a name, or a URL as for OUTPUT_URL"`
	OutputURL string `env:"OUTPUT_URL" help:"the same as a URL, such as gs://name?prefix=mulesoft/; one of the two is required"`
	// FeedDeletes is what verify has to know of the SIEM.
	FeedDeletes bool `env:"MULE_FEED_DELETES, default=false" help:"true says that the SIEM's feed deletes the objects it has read: to verify, one that is gone is not missing"`

	ControlPlane string `env:"MULE_CONTROL_PLANE, default=us" help:"us, eu, gov, ca or jp: sets the base URL and the request budget"`
	BaseURL      string `env:"MULE_BASE_URL" help:"overrides the control plane's base URL"`
	Insecure     bool   `env:"MULE_INSECURE, default=false" help:"true allows plain http to a named host in MULE_BASE_URL"`
	RatePerMin   int    `env:"MULE_RATE_PER_MIN" help:"overrides the request budget: 700 a minute for us, 40 elsewhere"`

	Lookback    time.Duration `env:"MULE_LOOKBACK, default=24h" help:"how far back the first run goes"`
	Settle      time.Duration `env:"MULE_SETTLE, default=5m" help:"a window ends this long before now, for events that arrive late"`
	Overlap     time.Duration `env:"MULE_OVERLAP, default=1h" help:"how far behind the watermark each run looks again for late events"`
	Slice       time.Duration `env:"MULE_SLICE, default=1h" help:"length of a slice; has to divide a day evenly"`
	Concurrency int           `env:"MULE_CONCURRENCY" help:"most walks side by side, over all organisations; else as many as the request budget can feed"`
	PageSize    int           `env:"MULE_PAGE_SIZE, default=200" help:"entries a request, 1 to 200"`

	MaxRecordBytes int `env:"MAX_RECORD_BYTES, default=16777216" help:"longest entry; a longer one goes to quarantine alone"`

	config.Alibaba
	config.Common
}

// Validate implements [config.Validator], and settles what depends on other
// values: output, base URL and budget.
func (c *Config) Validate() (f config.Faults) {
	switch {
	case c.GCSBucket == "" && c.OutputURL == "":
		f.Add("GCS_BUCKET", "required, or OUTPUT_URL: the bucket the objects go to")
	case c.GCSBucket != "" && c.OutputURL != "" && c.GCSBucket != c.OutputURL:
		f.Add("OUTPUT_URL", "set this or GCS_BUCKET, not both")
	case c.OutputURL == "":
		c.OutputURL = c.GCSBucket
	}
	if c.OutputURL != "" {
		f.AddErr("OUTPUT_URL", bucket.Check(c.OutputURL))
	}
	plane, err := anypoint.ParsePlane(c.ControlPlane)
	f.AddErr("MULE_CONTROL_PLANE", err)
	if err == nil {
		if c.BaseURL == "" {
			c.BaseURL = plane.BaseURL()
		}
		if c.RatePerMin == 0 {
			c.RatePerMin = plane.RatePerMinute()
		}
	}
	if c.BaseURL != "" {
		f.AddErr("MULE_BASE_URL", config.CheckEndpoint(c.BaseURL, c.Insecure, "MULE_INSECURE"))
	}
	if c.RatePerMin < 0 {
		f.Add("MULE_RATE_PER_MIN", "must be positive, not %d", c.RatePerMin)
	}
	slices.Sort(c.Orgs)
	c.Orgs = slices.Compact(c.Orgs)
	for _, org := range c.Orgs {
		if !validOrg(org) {
			f.Add("MULE_ORG_ID", "%q is not an organisation id: letters, digits, - and _ only", org)
		}
	}
	positive := func(name string, d time.Duration, least time.Duration) {
		if d < least {
			f.Add(name, "must be %v or more, not %v", least, d)
		}
	}
	positive("MULE_LOOKBACK", c.Lookback, time.Minute)
	positive("MULE_SETTLE", c.Settle, 0)
	positive("MULE_OVERLAP", c.Overlap, 0)
	if c.Slice < time.Minute || day%c.Slice != 0 {
		f.Add("MULE_SLICE", "must be a minute or more and divide 24h evenly, not %v", c.Slice)
	}
	if c.Concurrency < 0 || c.Concurrency > 64 {
		f.Add("MULE_CONCURRENCY", "must be 1 to 64, not %d", c.Concurrency)
	}
	if c.PageSize < 1 || c.PageSize > 200 {
		f.Add("MULE_PAGE_SIZE", "must be 1 to 200, not %d", c.PageSize)
	}
	if c.MaxRecordBytes < 1 || c.MaxRecordBytes > maxRecord {
		f.Add("MAX_RECORD_BYTES", "must be 1 to %d, since such an entry is held in memory, not %d", maxRecord, c.MaxRecordBytes)
	}
	f = append(f, c.ValidateOSS(c.OutputURL, c.StateURL, c.QuarantineURL)...)
	return append(f, c.Common.Validate("muleaudit", map[string]string{"the output": c.OutputURL})...)
}

// walks is how many walks go on side by side: one of them makes some 200 requests
// a minute where the API takes 300 ms to answer. More than four would only take
// memory.
func (c *Config) walks() int {
	if c.Concurrency > 0 {
		return c.Concurrency
	}
	return min(4, 1+c.RatePerMin/200)
}

// maxRecord is the most that MAX_RECORD_BYTES may allow.
const maxRecord = 1 << 30

// validOrg tells whether an id may stand in object names and paths.
func validOrg(org string) bool {
	for _, r := range org {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return org != "" && len(org) <= 64
}

const day = 24 * time.Hour
