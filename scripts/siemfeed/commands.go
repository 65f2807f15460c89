package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/functions/muleaudit"
	"github.com/siemfeed/siemfeed/functions/slshec"
	"github.com/siemfeed/siemfeed/functions/trailtags"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

type (
	runCmd struct {
		Muleaudit runFunction `cmd:"" help:"MuleSoft audit logs to a bucket."`
		Gunzipcsv runFunction `cmd:"" help:"Logpush objects that the queue tells of to CSV."`
		Slshec    runConsumer `cmd:"" help:"Logs of a logstore to Splunk."`
		Trailtags runConsumer `cmd:"" help:"ActionTrail events with the tags of what they touched, to another logstore."`
	}
	backfillCmd struct {
		Muleaudit backfillMuleaudit `cmd:"" help:"MuleSoft audit logs of a span of time."`
		Gunzipcsv backfillGunzipcsv `cmd:"" help:"Logpush objects that lie in the source, to CSV."`
		Slshec    backfillConsumer  `cmd:"" help:"Logs that were received in a span of time, in a consumer group of their own."`
		Trailtags backfillConsumer  `cmd:"" help:"Events that were received in a span of time, likewise."`
	}
	verifyCmd struct {
		Muleaudit verifyMuleaudit `cmd:"" help:"Receipts, objects and the API's totals."`
		Gunzipcsv verifyGunzipcsv `cmd:"" help:"Every source object and its target."`
		Slshec    verifyConsumer  `cmd:"" help:"Receipts against the logs in SLS, shard by shard."`
		Trailtags verifyConsumer  `cmd:"" help:"Receipts against the events in SLS, and each of their rows in the target."`
	}
	doctorCmd struct {
		Muleaudit doctorMuleaudit `cmd:"" help:"Token, scopes, clock and buckets."`
		Gunzipcsv doctorGunzipcsv `cmd:"" help:"Queue and buckets."`
		Slshec    doctorConsumer  `cmd:"" help:"Key, logstore, consumer group, HEC, clock and buckets."`
		Trailtags doctorConsumer  `cmd:"" help:"Keys, both logstores, the target's index, each account's role, clock and buckets."`
	}
	replayCmd struct {
		Muleaudit replayMuleaudit `cmd:"" help:"Says how entries that were rejected are delivered."`
		Gunzipcsv replayGunzipcsv `cmd:"" help:"Objects and records that were rejected."`
		Slshec    replayConsumer  `cmd:"" help:"Events that Splunk refused."`
		Trailtags replayConsumer  `cmd:"" help:"Rows that SLS refused."`
	}
	serveCmd struct {
		Muleaudit serveFunction `cmd:""`
		Gunzipcsv serveFunction `cmd:""`
		Slshec    serveFunction `cmd:""`
		Trailtags serveFunction `cmd:""`
	}
)

// functions are what the commands are about, by name.
var functions = map[functionName]function{
	"muleaudit": {muleaudit.New, config.Variables[muleaudit.Config]()},
	"gunzipcsv": {gunzipcsv.New, config.Variables[gunzipcsv.Config]()},
	"slshec":    {slshec.New, config.Variables[slshec.Config]()},
	"trailtags": {trailtags.New, config.Variables[trailtags.Config]()},
}

type function struct {
	new       serve.New
	variables []config.Variable
}

// runFunction runs a function by a plain tick.
type runFunction struct {
	Follow time.Duration `help:"Run again and again, this long apart." placeholder:"5m"`
	Quiet  bool          `help:"Do not print the receipt as JSON."`
}

// Run implements the command; name is the function's.
func (r *runFunction) Run(ctx context.Context, c *cli, name functionName) error {
	rt, err := c.runtime(ctx)
	if err != nil {
		return err
	}
	fn, err := functions[name].new(ctx, envconfig.OsLookuper(), rt)
	if err != nil {
		return err
	}
	defer func() { _ = fn.Close() }()
	for {
		rec, status, err := serve.Execute(ctx, fn, trigger.Event{Kind: trigger.Tick, Path: "command line"}, rt)
		if rec != nil {
			if !r.Quiet {
				enc := json.NewEncoder(os.Stdout)
				enc.SetIndent("", "  ")
				if err := enc.Encode(rec); err != nil {
					return err
				}
			}
			fmt.Fprintln(os.Stderr, summary(rec.Base()))
		}
		if r.Follow <= 0 {
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("%s: run it again for the rest", rec.Base().Status)
			}
			return err
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "siemfeed: %v\n", err)
		}
		if retry.Sleep(ctx, r.Follow) != nil {
			return nil // the operator ended it
		}
	}
}

// serveFunction serves a function over HTTP until it is told to stop.
type serveFunction struct{}

// Run implements the command.
func (serveFunction) Run(name functionName) error {
	serve.Main(string(name), functions[name].new)
	return nil
}
