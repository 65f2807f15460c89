package slshec

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/doctor"
	"github.com/siemfeed/siemfeed/pkg/hec"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// Doctor checks clock, key, logstore, consumer group, HEC and buckets, without
// moving or sending anything.
func (f *Function) Doctor(ctx context.Context) []doctor.Check {
	checks := []doctor.Check{
		doctor.Passed("configuration", "%s/%s, consumer group %s, to %s", f.cfg.Project, f.cfg.Logstore, f.cfg.Group, strings.Join(f.cfg.HECURLs, ", ")),
		doctor.Clock(ctx, &http.Client{Timeout: 10 * time.Second}, f.clockURL()),
	}
	checks = append(checks, f.doctorSLS(ctx)...)
	index, fixed := f.cfg.index()
	if !fixed {
		checks = append(checks, doctor.Passed("HEC index", "%s is filled for each log group: only events show whether the token may write to what comes of it", f.cfg.Index))
	}
	for _, find := range f.hec.Check(ctx, index) {
		name := "HEC " + find.What + " at " + find.Endpoint
		if find.Status == hec.Failed {
			checks = append(checks, doctor.Failed(name, find.Err, "see the message; HEC_URL, HEC_TOKEN, HEC_INDEX and HEC_ACK are what it depends on"))
			continue
		}
		checks = append(checks, doctor.Passed(name, "%s", find.Detail))
	}
	return append(checks, doctor.State(ctx, "state", f.state), doctor.State(ctx, "quarantine", f.held))
}

// clockURL is a place whose Date header is SLS's.
func (f *Function) clockURL() string {
	scheme, host, found := strings.Cut(f.cfg.Endpoint, "://")
	if !found {
		scheme, host = "https", f.cfg.Endpoint
		if name, _, _ := strings.Cut(host, ":"); config.IsLocal(name) {
			scheme = "http"
		}
	}
	return scheme + "://" + host + "/"
}

func (f *Function) doctorSLS(ctx context.Context) []doctor.Check {
	shards, err := f.sls.Shards(ctx)
	if err != nil {
		// Without that the questions after it would all fail alike.
		return []doctor.Check{doctor.Failed("logstore", err, "see the message; the key needs log:ListShards on project/"+f.cfg.Project+"/logstore/"+f.cfg.Logstore)}
	}
	checks := []doctor.Check{doctor.Passed("logstore", "%d shards", len(shards))}
	if len(shards) > 0 {
		checks = append(checks, f.canRead(ctx, shards[0].ID))
	}
	if f.cfg.Processor != "" {
		checks = append(checks, f.consumeProcessor(ctx))
	}
	groups, err := f.sls.ConsumerGroups(ctx)
	i := slices.IndexFunc(groups, func(g sls.ConsumerGroup) bool { return g.Name == f.cfg.Group })
	switch {
	case err != nil:
		return append(checks, doctor.Failed("consumer group", err, "let the key list consumer groups (log:ListConsumerGroup)"))
	case i < 0:
		return append(checks, doctor.Passed("consumer group", "%s does not exist yet: the first run makes it, and begins at SLS_START=%s", f.cfg.Group, f.cfg.Start))
	}
	saved, err := f.sls.Checkpoints(ctx, f.cfg.Group)
	if err != nil {
		return append(checks, doctor.Failed("consumer group", err, "let the key read checkpoints (log:GetConsumerGroupCheckPoint)"))
	}
	checks = append(checks, doctor.Passed("consumer group", "%s, %d checkpoints", f.cfg.Group, len(saved)))
	for _, c := range saved {
		if c.Cursor != "" {
			checks = append(checks, f.reaches(ctx, c))
		}
	}
	return checks
}

func (f *Function) canRead(ctx context.Context, shard int) doctor.Check {
	const name, fix = "read", "let the key read (log:GetCursorOrData)"
	cursor, err := f.sls.Cursor(ctx, shard, sls.Begin)
	if err != nil {
		return doctor.Failed(name, err, fix)
	}
	page, err := f.sls.Pull(ctx, sls.PullRequest{Shard: shard, Cursor: cursor, Count: 1, Query: f.cfg.Query, ConsumeProcessor: f.cfg.Processor})
	if err != nil {
		return doctor.Failed(name, err, fix+", and check SLS_QUERY and SLS_PROCESSOR")
	}
	defer page.Release()
	return doctor.Passed(name, "shard %d gives %d LogGroups for one asked for", shard, page.Count)
}

func (f *Function) consumeProcessor(ctx context.Context) doctor.Check {
	const name = "consume processor"
	spl, err := f.sls.ConsumeProcessor(ctx, f.cfg.Processor)
	if err != nil {
		return doctor.Failed(name, err, "set SLS_PROCESSOR to the name (not the display name) of a consume processor of project "+f.cfg.Project+", or make it, and let the key read it")
	}
	return doctor.Passed(name, "%s: %s", f.cfg.Processor, spl)
}

// reaches checks that what follows a checkpoint is still kept.
func (f *Function) reaches(ctx context.Context, c sls.Checkpoint) doctor.Check {
	name := fmt.Sprint("checkpoint of shard ", c.Shard)
	_, err := f.sls.CursorTime(ctx, c.Shard, c.Cursor)
	if err != nil {
		return doctor.Failed(name, err, "what follows it is no longer kept: set SLS_ON_INVALID_CURSOR=oldest to go on from the oldest log that is, and keep logs longer or run more often")
	}
	return doctor.Passed(name, "saved %s by %s", c.Updated().Format(time.RFC3339), c.Consumer)
}
