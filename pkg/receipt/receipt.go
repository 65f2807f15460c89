// Package receipt is the proof of what a run did. Every function answers its
// trigger with one, logs it as its last record, and keeps it in STATE_URL.
package receipt

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/version"
)

// Status says how a run ended.
type Status string

// The ways a run can end.
const (
	OK      Status = "ok"      // all that was asked is done
	Partial Status = "partial" // what was done is durable, the deadline left a rest
	Busy    Status = "busy"    // another run is at it
	Failed  Status = "failed"  // something transient or misconfigured is left
)

// Code says why a run failed, for alarms: a word that stays the same while texts
// change.
type Code string

// The reasons for which a run can fail.
const (
	Misconfigured Code = "misconfigured" // no retry mends it: a variable, a credential, a permission
	Unavailable   Code = "unavailable"   // what it needs did not answer, or not well; a retry may
	TimedOut      Code = "timeout"       // its time was up before anything was done
)

// Running is the status of a receipt that is kept before its run has ended. No
// trigger is answered with it; a run that was killed leaves it behind.
const Running Status = "running"

// Core is what every receipt has. A function's own receipt embeds it.
type Core struct {
	Function string `json:"function"`
	// Version is the release that ran.
	Version string `json:"version"`
	// Run names the run: the time it started, and enough chance to be unique.
	Run    string `json:"run"`
	Status Status `json:"status"`

	// In = Out + Filtered + Quarantined, in records, whenever a run ends.
	In          int64 `json:"in"`
	Out         int64 `json:"out"`
	Filtered    int64 `json:"filtered"`
	Quarantined int64 `json:"quarantined"`

	BytesIn  int64 `json:"bytes_in"`
	BytesOut int64 `json:"bytes_out"`
	Retries  int64 `json:"retries"`

	// LagSeconds is how far the oldest checkpoint is behind now, whether or not
	// it moved; null where that could not be found out. See [Core.Lag].
	LagSeconds *float64 `json:"lag_seconds"`
	// Lags are the lags that were found out, in seconds, by source.
	Lags map[string]float64 `json:"lags,omitempty"`

	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
	// Seconds is how long the run took.
	Seconds float64 `json:"seconds"`

	// Trouble is what was being retried last, in a run that ended well, after what
	// was noted, see [Core.Note].
	Trouble string `json:"trouble,omitempty"`
	// Error says what failed and what to fix, Code of which kind that is.
	Error string `json:"error,omitempty"`
	Code  Code   `json:"code,omitempty"`
	// Redeliver says that only another delivery of the same trigger finishes
	// a partial or busy run: no later tick would.
	Redeliver bool `json:"-"`
	// Remaining says, in words, what the next run has to do.
	Remaining []string `json:"remaining,omitempty"`

	notes []string
	// Follows names the receipts that this one follows, once it is kept.
	Follows *Follows `json:"follows,omitempty"`
	// Kept tells that one was kept before the run has ended. See [Save].
	Kept bool `json:"-"`
	// key is where it was kept last.
	key string
}

// Receipt is any function's receipt.
type Receipt interface {
	// Base returns the part that all receipts share.
	Base() *Core
	// Balance returns an error unless what came in is accounted for. A function
	// that makes several records of one has a balance of its own.
	Balance() error
}

// Base makes whatever embeds Core a [Receipt].
func (c *Core) Base() *Core { return c }

// Start begins the receipt of a run of function.
func Start(function string) Core {
	now := time.Now().UTC()
	return Core{
		Function:  function,
		Version:   version.String(),
		Run:       newID(now),
		Status:    OK,
		StartedAt: now,
	}
}

// newID names what began now.
func newID(now time.Time) string {
	return now.Format(stamp) + "-" + rand.Text()[:idLen]
}

// idLen is how long the part of the name of a run is that is chance.
const idLen = 10

// stamp is how the name of a run tells when it began.
const stamp = "20060102T150405.000"

// Outcome is how a run ended. Package outcome makes it.
type Outcome struct {
	Status  Status
	Err     error  // why, if Status is Failed
	Code    Code   // of which kind Err is
	Trouble string // what was being retried last, if it is not
}

// Note notes trouble that does not keep a run from ending well, once.
func (c *Core) Note(trouble string) {
	if !slices.Contains(c.notes, trouble) {
		c.notes = append(c.notes, trouble)
	}
}

// Finish stamps the end of the run with its outcome.
func (c *Core) Finish(o Outcome) {
	c.FinishedAt = time.Now().UTC()
	c.Seconds = c.FinishedAt.Sub(c.StartedAt).Seconds()
	trouble := slices.Clone(c.notes)
	if o.Trouble != "" {
		trouble = append(trouble, o.Trouble)
	}
	c.Status, c.Trouble, c.Error, c.Code = o.Status, strings.Join(trouble, "; "), "", o.Code
	if o.Err != nil {
		c.Error = o.Err.Error()
	}
}

// Lag notes how far the checkpoint of source, such as an organisation, a shard
// or a queue, is behind now.
func (c *Core) Lag(source string, d time.Duration) {
	if c.Lags == nil {
		c.Lags = map[string]float64{}
	}
	lag := max(d, 0).Seconds()
	c.Lags[source] = lag
	if c.LagSeconds == nil || lag > *c.LagSeconds {
		c.LagSeconds = &lag
	}
}

// Reached returns up to when each source was delivered as the run ended: what
// [Core.Lag] noted, as moments.
func (c *Core) Reached() map[string]time.Time {
	reached := make(map[string]time.Time, len(c.Lags))
	for source, lag := range c.Lags {
		reached[source] = c.FinishedAt.Add(-time.Duration(lag * float64(time.Second))).Truncate(time.Second)
	}
	return reached
}

// Balance returns an error unless in = out + filtered + quarantined.
func (c *Core) Balance() error {
	if c.In != c.Out+c.Filtered+c.Quarantined {
		return fmt.Errorf("receipt %s does not add up: in %d ≠ out %d + filtered %d + quarantined %d",
			c.Run, c.In, c.Out, c.Filtered, c.Quarantined)
	}
	return nil
}
