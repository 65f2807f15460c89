package gunzipcsv

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/siemfeed/siemfeed/pkg/doctor"
)

// Doctor checks the queue and the four buckets. That they are apart was
// checked with the configuration.
func (f *Function) Doctor(ctx context.Context) []doctor.Check {
	p := f.parts
	checks := []doctor.Check{doctor.Passed("configuration", "destination, state and quarantine are apart from the source")}
	if p.Queue == nil {
		checks = append(checks, doctor.Passed("queue", "none is configured: notices have to be pushed"))
	} else {
		checks = append(checks, doctor.Clock(ctx, &http.Client{Timeout: 10 * time.Second}, f.cfg.CFBaseURL))
		checks = append(checks, f.checkQueue(ctx)...)
	}
	checks = append(checks, f.checkSource(ctx))
	checks = append(checks, doctor.Output(ctx, "destination", p.Dest)...)
	checks = append(checks, doctor.State(ctx, "state", p.State, "gunzipcsv"))
	return append(checks, doctor.State(ctx, "quarantine", p.Quarantine, "gunzipcsv"))
}

func (f *Function) checkQueue(ctx context.Context) []doctor.Check {
	info, err := f.parts.Queue.Info(ctx)
	if err != nil {
		return []doctor.Check{doctor.Failed("queue", err, "set CF_ACCOUNT_ID, CF_QUEUE_ID (an id, not a name) and CF_API_TOKEN (Queues Read and Queues Write)")}
	}
	checks := []doctor.Check{doctor.Passed("queue", "%s can be reached", info.Name)}
	if len(info.Consumers) == 0 || info.Consumers[0].Type != "http_pull" {
		return append(checks, doctor.Failed("queue consumer", errors.New("the queue has no HTTP pull consumer"), "npx wrangler queues consumer http add "+info.Name+"; a queue with a Worker as its consumer cannot be pulled"))
	}
	c := info.Consumers[0]
	if c.DeadLetter == "" {
		return append(checks, doctor.Failed("dead-letter queue", fmt.Errorf("none: a message that failed %d times is deleted", c.MaxRetries), "give the consumer one: npx wrangler queues consumer http add "+info.Name+" --dead-letter-queue NAME"))
	}
	return append(checks, doctor.Passed("dead-letter queue", "%s, after %d retries", c.DeadLetter, c.MaxRetries))
}

// checkSource lists the source and reads the first byte of an object of it.
func (f *Function) checkSource(ctx context.Context) doctor.Check {
	const name = "source"
	fix := "let the function's identity list and read " + f.parts.Source.URL + " (gs: roles/storage.objectViewer; s3: s3:ListBucket and s3:GetObject; r2: Object Read)"
	if err := f.parts.Source.Reachable(ctx); err != nil {
		return doctor.Failed(name, err, fix)
	}
	for o, err := range f.parts.Source.Objects(ctx, "") {
		if err == nil {
			_, err = f.isGzip(ctx, o.Key)
		}
		if err != nil {
			return doctor.Failed(name, err, fix)
		}
		return doctor.Passed(name, "%s, where one object was read", f.parts.Source.URL)
	}
	return doctor.Passed(name, "%s is empty", f.parts.Source.URL)
}
