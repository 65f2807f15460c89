package consume

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/doctor"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// Doctor checks clock, key, logstore, consumer group and buckets, without moving
// or reading anything for good.
func (c *Consumer) Doctor(ctx context.Context) []doctor.Check {
	checks := []doctor.Check{doctor.Clock(ctx, &http.Client{Timeout: 10 * time.Second}, c.clockURL())}
	checks = append(checks, c.doctorSLS(ctx)...)
	return append(checks, doctor.State(ctx, "state", c.state, c.fn.Name), doctor.State(ctx, "quarantine", c.held, c.fn.Name))
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

func (c *Consumer) doctorSLS(ctx context.Context) []doctor.Check {
	shards, err := c.sls.Shards(ctx)
	if err != nil {
		// Without that the questions after it would all fail alike.
		return []doctor.Check{doctor.Failed("logstore", err, "see the message; the key needs log:ListShards on project/"+c.cfg.Project+"/logstore/"+c.cfg.Logstore)}
	}
	checks := []doctor.Check{doctor.Passed("logstore", "%d shards", len(shards))}
	if len(shards) > 0 {
		checks = append(checks, c.canRead(ctx, shards[0].ID))
	}
	if c.cfg.Processor != "" {
		checks = append(checks, c.consumeProcessor(ctx))
	}
	groups, err := c.sls.ConsumerGroups(ctx)
	i := slices.IndexFunc(groups, func(g sls.ConsumerGroup) bool { return g.Name == c.cfg.Group })
	switch {
	case err != nil:
		return append(checks, doctor.Failed("consumer group", err, "let the key list consumer groups (log:ListConsumerGroup)"))
	case i < 0:
		return append(checks, doctor.Passed("consumer group", "%s does not exist yet: the first run makes it, and begins at SLS_START=%s", c.cfg.Group, c.cfg.Start))
	}
	saved, err := c.sls.Checkpoints(ctx, c.cfg.Group)
	if err != nil {
		return append(checks, doctor.Failed("consumer group", err, "let the key read checkpoints (log:GetConsumerGroupCheckPoint)"))
	}
	checks = append(checks, doctor.Passed("consumer group", "%s, %d checkpoints", c.cfg.Group, len(saved)))
	for _, at := range saved {
		if at.Cursor != "" {
			checks = append(checks, c.reaches(ctx, at))
		}
	}
	return checks
}

func (c *Consumer) canRead(ctx context.Context, shard int) doctor.Check {
	const name, fix = "read", "let the key read (log:GetCursorOrData)"
	cursor, err := c.sls.Cursor(ctx, shard, sls.Begin)
	if err != nil {
		return doctor.Failed(name, err, fix)
	}
	page, err := c.sls.Pull(ctx, sls.PullRequest{Shard: shard, Cursor: cursor, Count: 1, Query: c.cfg.Query, ConsumeProcessor: c.cfg.Processor})
	if err != nil {
		return doctor.Failed(name, err, fix+", and check SLS_QUERY and SLS_PROCESSOR")
	}
	defer page.Release()
	return doctor.Passed(name, "shard %d gives %d LogGroups for one asked for", shard, page.Count)
}

func (c *Consumer) consumeProcessor(ctx context.Context) doctor.Check {
	const name = "consume processor"
	spl, err := c.sls.ConsumeProcessor(ctx, c.cfg.Processor)
	if err != nil {
		return doctor.Failed(name, err, "set SLS_PROCESSOR to the name (not the display name) of a consume processor of project "+c.cfg.Project+", or make it, and let the key read it")
	}
	return doctor.Passed(name, "%s: %s", c.cfg.Processor, spl)
}

// reaches checks that what follows a checkpoint is still kept.
func (c *Consumer) reaches(ctx context.Context, at sls.Checkpoint) doctor.Check {
	name := fmt.Sprint("checkpoint of shard ", at.Shard)
	_, err := c.sls.CursorTime(ctx, at.Shard, at.Cursor)
	if err != nil {
		return doctor.Failed(name, err, "what follows it is no longer kept: set SLS_ON_INVALID_CURSOR=oldest to go on from the oldest log that is, and keep logs longer or run more often")
	}
	return doctor.Passed(name, "saved %s by %s", at.Updated().Format(time.RFC3339), at.Consumer)
}
