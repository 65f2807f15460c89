package consume

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/doctor"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// Doctor checks clock, key, logstore, consumer group and buckets, without moving
// or reading anything for good.
func (c *Consumer) Doctor(ctx context.Context, x doctor.Examiner) []doctor.Check {
	checks := []doctor.Check{x.Clock(ctx, c.source(""), c.clockURL())}
	checks = append(checks, c.doctorSLS(ctx, x)...)
	return append(checks, x.Kept(ctx, c.state, c.held, c.fn.Name)...)
}

// source is the logstore, as a check asks it that needs the permission action.
func (c *Consumer) source(action string) doctor.Subject {
	return Subject(action, "project/"+c.cfg.Project+"/logstore/"+c.cfg.Logstore, "SLS_PROJECT and SLS_LOGSTORE", "SLS_ENDPOINT", c.cfg.Endpoint)
}

// Known judges the error of a question that a key is used for which was good for
// another just before: what is not authorised is then the call. The service has
// one word for both ([sls.CodeUnauthorized]).
func Known(err error) error {
	if sls.IsCode(err, sls.CodeUnauthorized) {
		return cause.Mark(cause.PermissionDenied, err)
	}
	return err
}

// Subject is a logstore, as a check asks it that needs a permission for it. name
// are the variables that name it, where the one that says in which region it is.
func Subject(action, resource, name, where, endpoint string) doctor.Subject {
	return doctor.Subject{
		Asked: endpoint, Where: where, Name: name,
		Credentials: "SLS_AK_ID and SLS_AK_KEY, or the role", Grant: action + " on " + resource,
	}
}

// clockURL is a place whose Date header is SLS's.
func (c *Consumer) clockURL() string {
	scheme, host, found := strings.Cut(c.cfg.Endpoint, "://")
	if !found {
		scheme, host = "https", c.cfg.Endpoint
		if name, _, _ := strings.Cut(host, ":"); config.IsLocal(name) {
			scheme = "http"
		}
	}
	return scheme + "://" + host + "/"
}

func (c *Consumer) doctorSLS(ctx context.Context, x doctor.Examiner) []doctor.Check {
	var shards []sls.Shard
	check := x.Ask(ctx, c.source("log:ListShards"), "logstore", func(ctx context.Context) (detail string, err error) {
		shards, err = c.sls.Shards(ctx)
		return fmt.Sprintf("%d shards", len(shards)), err
	})
	checks := []doctor.Check{check}
	if !check.OK() { // the questions after it would all fail alike
		return checks
	}
	if len(shards) > 0 {
		checks = append(checks, c.canRead(ctx, x, shards[0].ID))
	}
	if c.cfg.Processor != "" {
		checks = append(checks, c.consumeProcessor(ctx, x))
	}
	var saved []sls.Checkpoint
	checks = append(checks, x.Ask(ctx, c.source("log:ListConsumerGroup and log:GetConsumerGroupCheckPoint"), "consumer group", func(ctx context.Context) (string, error) {
		groups, err := c.sls.ConsumerGroups(ctx)
		if err != nil {
			return "", Known(err)
		}
		if !slices.ContainsFunc(groups, func(g sls.ConsumerGroup) bool { return g.Name == c.cfg.Group }) {
			return fmt.Sprintf("%s does not exist yet: the first run makes it, and begins at SLS_START=%s", c.cfg.Group, c.cfg.Start), nil
		}
		saved, err = c.sls.Checkpoints(ctx, c.cfg.Group)
		return fmt.Sprintf("%s, %d checkpoints", c.cfg.Group, len(saved)), Known(err)
	}))
	if len(saved) > 0 {
		checks = append(checks, c.alone(ctx, x, saved)...)
	}
	for _, at := range saved {
		if at.Cursor != "" {
			checks = append(checks, c.reaches(ctx, x, at))
		}
	}
	return checks
}

// alone checks that nobody else reads from the group. Where this function has not
// come to it yet, somebody else who has read from it lately is one too many.
func (c *Consumer) alone(ctx context.Context, x doctor.Examiner, saved []sls.Checkpoint) (checks []doctor.Check) {
	const name = "consumer group to itself"
	if len(c.sharers(saved, time.Time{})) == 0 {
		return []doctor.Check{doctor.Passed(name, "no checkpoint of the last day was saved by another function or deployment")}
	}
	ctx, cancel := context.WithTimeout(ctx, x.Patience())
	defer cancel()
	var b sls.Beginning
	if _, err := c.beginnings(c.cfg.Group).Latest(ctx, &b); err != nil {
		return nil // the check of STATE_URL says so
	}
	for _, s := range c.sharers(saved, b.Settled.Add(handover)) {
		checks = append(checks, doctor.Failed(name, cause.Misconfigured, errors.New(s.String()), advice))
	}
	if checks == nil {
		return []doctor.Check{doctor.Passed(name, "others have saved checkpoints, none since this function came")}
	}
	return checks
}

func (c *Consumer) canRead(ctx context.Context, x doctor.Examiner, shard int) doctor.Check {
	s := c.source("log:GetCursorOrData")
	s.Name += " (and SLS_QUERY, SLS_PROCESSOR)"
	return x.Ask(ctx, s, "read", func(ctx context.Context) (string, error) {
		cursor, err := c.sls.Cursor(ctx, shard, sls.Begin)
		if err != nil {
			return "", Known(err)
		}
		page, err := c.sls.Pull(ctx, sls.PullRequest{Shard: shard, Cursor: cursor, Count: 1, Query: c.cfg.Query, ConsumeProcessor: c.cfg.Processor})
		if err != nil {
			return "", Known(err)
		}
		defer page.Release()
		return fmt.Sprintf("shard %d gives %d LogGroups for one asked for", shard, page.Count), nil
	})
}

func (c *Consumer) consumeProcessor(ctx context.Context, x doctor.Examiner) doctor.Check {
	s := c.source("")
	s.Name = "SLS_PROCESSOR, the name (not the display name) of a consume processor of the project, or make it"
	s.Grant = "log:GetConsumeProcessor on project/" + c.cfg.Project + "/consumeprocessor/" + c.cfg.Processor
	return x.Ask(ctx, s, "consume processor", func(ctx context.Context) (string, error) {
		spl, err := c.sls.ConsumeProcessor(ctx, c.cfg.Processor)
		return c.cfg.Processor + ": " + spl, Known(err)
	})
}

// reaches checks that what follows a checkpoint is still kept.
func (c *Consumer) reaches(ctx context.Context, x doctor.Examiner, at sls.Checkpoint) doctor.Check {
	check := x.Ask(ctx, c.source("log:GetCursorOrData"), fmt.Sprint("checkpoint of shard ", at.Shard), func(ctx context.Context) (string, error) {
		_, err := c.sls.CursorTime(ctx, at.Shard, at.Cursor)
		return fmt.Sprintf("saved %s by %s", at.Updated().Format(time.RFC3339), at.Consumer), err
	})
	if sls.IsInvalidCursor(check.Problem) {
		check.Code = cause.Expired
		check.Fix = "what follows it is no longer kept: set SLS_ON_INVALID_CURSOR=oldest to go on from the oldest log that is, and keep logs longer or run more often"
	}
	return check
}
