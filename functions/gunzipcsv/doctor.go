package gunzipcsv

import (
	"context"
	"errors"
	"fmt"

	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/cfqueue"
	"github.com/siemfeed/siemfeed/pkg/doctor"
)

// Doctor checks the queue and the four buckets. That they are apart was
// checked with the configuration.
func (f *Function) Doctor(ctx context.Context) []doctor.Check {
	x, p := doctor.New(f.cfg.RunTimeout), f.parts
	checks := []doctor.Check{doctor.Passed("configuration", "destination, state and quarantine are apart from the source")}
	if p.Queue == nil {
		checks = append(checks, doctor.Passed("queue", "none is configured: notices have to be pushed"))
	} else {
		checks = append(checks, x.Clock(ctx, f.queue("CF_QUEUE_ID"), f.cfg.CFBaseURL))
		checks = append(checks, f.checkQueue(ctx, x)...)
	}
	checks = append(checks, x.Source(ctx, "source", doctor.Bucket{Bucket: p.Source, Variable: "SOURCE_URL"}, func(ctx context.Context, key string) error {
		_, err := f.isGzip(ctx, key)
		return err
	}))
	checks = append(checks, x.Output(ctx, "destination", doctor.Bucket{Bucket: p.Dest, Variable: "DEST_URL"})...)
	return append(checks, x.Kept(ctx, p.State, p.Quarantine, "gunzipcsv")...)
}

// queue is the queue that variable names, as a check asks it.
func (f *Function) queue(variable string) doctor.Subject {
	return doctor.Subject{
		Asked: f.cfg.CFBaseURL, Where: "CF_API_BASE_URL", Name: variable + " (an id, not a name) and CF_ACCOUNT_ID",
		Credentials: "CF_API_TOKEN", Grant: "Queues Read and Queues Write on the account CF_ACCOUNT_ID",
	}
}

func (f *Function) checkQueue(ctx context.Context, x doctor.Examiner) []doctor.Check {
	var info cfqueue.Info
	c := x.Ask(ctx, f.queue("CF_QUEUE_ID"), "queue", func(ctx context.Context) (detail string, err error) {
		info, err = f.parts.Queue.Info(ctx)
		return info.Name + " can be reached", err
	})
	checks := []doctor.Check{c}
	if !c.OK() {
		return checks
	}
	if len(info.Consumers) == 0 || info.Consumers[0].Type != "http_pull" {
		return append(checks, doctor.Failed("queue consumer", cause.Incomplete, errors.New("the queue has no HTTP pull consumer"), "npx wrangler queues consumer http add "+info.Name+"; a queue with a Worker as its consumer cannot be pulled"))
	}
	pull := info.Consumers[0]
	if pull.DeadLetter == "" {
		return append(checks, doctor.Failed("dead-letter queue", cause.Incomplete, fmt.Errorf("none: a message that failed %d times is deleted", pull.MaxRetries), "give the consumer one: npx wrangler queues consumer http add "+info.Name+" --dead-letter-queue NAME"))
	}
	return append(append(checks, doctor.Passed("dead-letter queue", "%s, after %d retries", pull.DeadLetter, pull.MaxRetries)), f.checkDead(ctx, x, pull.DeadLetter)...)
}

// checkDead checks whether the queue asked for dead letters can be asked, and is
// where they go: the one of that name.
func (f *Function) checkDead(ctx context.Context, x doctor.Examiner, name string) []doctor.Check {
	if f.parts.Dead == nil {
		return nil
	}
	var info cfqueue.Info
	c := x.Ask(ctx, f.queue("CF_DEAD_QUEUE_ID"), "dead letters", func(ctx context.Context) (detail string, err error) {
		if info, err = f.parts.Dead.Info(ctx); err != nil {
			return "", err
		}
		b, err := f.parts.Dead.Backlog(ctx)
		return fmt.Sprintf("%d notices were given up", b.Messages), err
	})
	if c.OK() && info.Name != name {
		c = doctor.Failed("dead letters", cause.Misconfigured, fmt.Errorf("they go to the queue %s, and CF_DEAD_QUEUE_ID is the queue %s", name, info.Name), "set CF_DEAD_QUEUE_ID to the id of "+name+": npx wrangler queues info "+name)
	}
	return []doctor.Check{c}
}
