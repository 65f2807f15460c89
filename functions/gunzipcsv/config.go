package gunzipcsv

import (
	"slices"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/cfqueue"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/objcsv"
)

// Config is the function's configuration, from the environment.
type Config struct {
	SourceURL    string `env:"SOURCE_URL, required" help:"bucket of the log objects, such as r2://name?account_id=…, s3://name?region=… or gs://name; with prefix=logs/ only the keys below it"`
	SourceBucket string `env:"SOURCE_BUCKET" help:"the bucket's name in notices, where SOURCE_URL does not tell (file://: any if unset)"`
	DestURL      string `env:"DEST_URL, required" help:"bucket the CSV objects go to, apart from the source"`

	CFAccountID  string        `env:"CF_ACCOUNT_ID" help:"Cloudflare account of the queue that a tick pulls from; needed for ticks only"`
	CFQueueID    string        `env:"CF_QUEUE_ID" help:"the queue's id, not its name"`
	CFDead       string        `env:"CF_DEAD_QUEUE_ID" help:"id of the queue that its dead letters wait in: verify and the daily proof tell of them"`
	CFToken      config.Secret `env:"CF_API_TOKEN" help:"API token with Queues Read and Queues Write"`
	CFBaseURL    string        `env:"CF_API_BASE_URL, default=https://api.cloudflare.com/client/v4" help:"base URL of the API"`
	CFInsecure   bool          `env:"CF_API_INSECURE, default=false" help:"true allows plain http to a named host in CF_API_BASE_URL"`
	CFVisibility time.Duration `env:"CF_VISIBILITY_TIMEOUT" help:"how long a pulled message is hidden from other runs, up to 12h; default: RUN_TIMEOUT + 1m"`
	CFRetryDelay time.Duration `env:"CF_RETRY_DELAY, default=30s" help:"delay of a message's first retry; it doubles with each further one, up to 1h"`

	Columns        []string `env:"CSV_COLUMNS" help:"column order for NDJSON input, comma-separated; default: the names of an object's first record"`
	Header         bool     `env:"CSV_HEADER, default=false" help:"true puts CSV_COLUMNS as a first line on every output, also of CSV input"`
	FormulaGuard   bool     `env:"CSV_FORMULA_GUARD, default=false" help:"true puts a ' before text cells of NDJSON input that a spreadsheet takes for a formula"`
	MaxRecordBytes int      `env:"MAX_RECORD_BYTES, default=16777216" help:"longest NDJSON record; a longer one goes to quarantine alone"`
	MaxOutputBytes int64    `env:"MAX_OUTPUT_BYTES, default=21474836480" help:"most bytes an object may decompress to"`
	MaxRatio       int      `env:"MAX_RATIO, default=250" help:"most bytes out for a byte in, looked at from 64 MiB of output on"`

	Concurrency int `env:"CONCURRENCY, default=4" help:"objects converted at once, 1 to 64"`

	config.R2
	config.Alibaba
	config.Common
}

// maxRecord is the longest record that objcsv takes.
const maxRecord = 1 << 30

// Validate implements [config.Validator], and settles what depends on other
// values: the source's name and the visibility timeout.
func (c *Config) Validate() (f config.Faults) {
	c.validateBuckets(&f)
	c.validateQueue(&f)
	_, err := objcsv.New(objcsv.Options{Columns: c.Columns})
	f.AddErr("CSV_COLUMNS", err)
	if slices.Contains(c.Columns, "") {
		f.Add("CSV_COLUMNS", "a column without a name: is there a comma too many?")
	}
	if c.Header && len(c.Columns) == 0 {
		f.Add("CSV_HEADER", "needs CSV_COLUMNS: CSV input has no column names of its own")
	}
	if c.MaxRecordBytes < 1 || c.MaxRecordBytes > maxRecord {
		f.Add("MAX_RECORD_BYTES", "must be 1 to %d, since such a record is held in memory, not %d", maxRecord, c.MaxRecordBytes)
	}
	if c.MaxOutputBytes < 1 {
		f.Add("MAX_OUTPUT_BYTES", "must be 1 or more, not %d", c.MaxOutputBytes)
	}
	if c.MaxRatio < 1 {
		f.Add("MAX_RATIO", "must be 1 or more, not %d", c.MaxRatio)
	}
	if c.Concurrency < 1 || c.Concurrency > 64 {
		f.Add("CONCURRENCY", "must be 1 to 64, not %d", c.Concurrency)
	}
	f = append(f, c.ValidateR2(map[string]string{"SOURCE_URL": c.SourceURL, "DEST_URL": c.DestURL, "STATE_URL": c.StateURL, "QUARANTINE_URL": c.QuarantineURL})...)
	f = append(f, c.ValidateOSS(c.SourceURL, c.DestURL, c.StateURL, c.QuarantineURL)...)
	return append(f, c.Common.Validate("gunzipcsv", map[string]string{"DEST_URL": c.DestURL, "SOURCE_URL": c.SourceURL})...)
}

func (c *Config) validateBuckets(f *config.Faults) {
	if c.DestURL != "" {
		f.AddErr("DEST_URL", bucket.Check(c.DestURL))
	}
	if c.SourceURL == "" {
		return
	}
	source, err := bucket.Parse(c.SourceURL)
	if err != nil {
		f.AddErr("SOURCE_URL", err)
		return
	}
	if c.SourceBucket == "" {
		c.SourceBucket = source.Name
	}
	for _, pair := range [][2]string{{c.DestURL, c.SourceURL}, {c.SourceURL, c.DestURL}} {
		if inside, err := bucket.Inside(pair[0], pair[1]); err == nil && inside {
			f.Add("DEST_URL", "and SOURCE_URL lie one inside the other, so that outputs would be inputs: use two buckets, or prefixes apart")
			break
		}
	}
}

func (c *Config) validateQueue(f *config.Faults) {
	set := 0
	vars := map[string]string{"CF_ACCOUNT_ID": c.CFAccountID, "CF_QUEUE_ID": c.CFQueueID, "CF_API_TOKEN": c.CFToken.Reveal()}
	for _, v := range vars {
		if v != "" {
			set++
		}
	}
	for name, v := range vars {
		if v == "" && set > 0 {
			f.Add(name, "required with the other CF_ variables: a tick pulls from that queue")
		}
	}
	switch {
	case c.CFDead != "" && c.CFQueueID == "":
		f.Add("CF_DEAD_QUEUE_ID", "has the dead letters of the queue CF_QUEUE_ID, which is not set")
	case c.CFDead != "" && c.CFDead == c.CFQueueID:
		f.Add("CF_DEAD_QUEUE_ID", "is another queue than CF_QUEUE_ID: what waits there would count as given up")
	}
	f.AddErr("CF_API_BASE_URL", config.CheckEndpoint(c.CFBaseURL, c.CFInsecure, "CF_API_INSECURE"))
	if c.CFVisibility == 0 {
		c.CFVisibility = min(c.RunTimeout+time.Minute, cfqueue.MaxVisibility)
	}
	if c.CFVisibility < time.Millisecond || c.CFVisibility > cfqueue.MaxVisibility {
		f.Add("CF_VISIBILITY_TIMEOUT", "must be 1ms to %v, not %v", cfqueue.MaxVisibility, c.CFVisibility)
	}
	if c.CFRetryDelay < 0 || c.CFRetryDelay > maxDelay {
		f.Add("CF_RETRY_DELAY", "must be 0s to %v, not %v", maxDelay, c.CFRetryDelay)
	}
}

func (c *Config) csv() objcsv.Options {
	return objcsv.Options{
		Columns: c.Columns, Header: c.Header, FormulaGuard: c.FormulaGuard,
		MaxRecordBytes: c.MaxRecordBytes, MaxOutputBytes: c.MaxOutputBytes, MaxRatio: c.MaxRatio,
	}
}
