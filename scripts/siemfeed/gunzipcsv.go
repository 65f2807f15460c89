package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/config"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/cfqueue"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

func gunzipcsvFunction() function {
	return function{
		name:      "gunzipcsv",
		new:       gunzipcsv.New,
		variables: config.Variables[gunzipcsv.Config](),
		demo:      demoGunzipcsv,

		run:      command{"Logpush objects that the queue tells of to CSV.", &runFunction{}},
		backfill: command{"Logpush objects that lie in the source, to CSV.", &backfillGunzipcsv{}},
		verify:   command{"Every source object and its target.", &verifyGunzipcsv{}},
		doctor:   command{"Queue and buckets.", doctorOf(gunzipcsv.Open)},
		replay:   command{"Objects and records that were rejected.", &replayGunzipcsv{}},
		prune:    command{"Receipts, verifications, manifests, quarantine that was seen to.", pruneOf(gunzipcsv.Open)},
	}
}

// selectFlags say which source objects a command is about.
type selectFlags struct {
	Prefix string    `help:"Only keys that start with this, below the prefix of SOURCE_URL." placeholder:"20260102/"`
	From   time.Time `help:"Only objects written at this time or later: RFC 3339, a date, or a span before now such as 7d."`
	To     time.Time `help:"Only objects written before this time."`
	Shard  string    `help:"Only the share of task i of n, i from 0. Default: what the job's platform says (Cloud Run, Kubernetes with JOB_COMPLETIONS, AWS Batch)." placeholder:"i/n"`
}

// selection looks up, where no shard is given, which task of a job this is.
func (s selectFlags) selection() (sel gunzipcsv.Selection, err error) {
	sel = gunzipcsv.Selection{Prefix: s.Prefix, From: s.From, To: s.To}
	if s.Shard != "" {
		sel.Shard, err = gunzipcsv.ParseShard(s.Shard)
		return sel, err
	}
	sel.Shard, err = gunzipcsv.TaskShard(os.LookupEnv)
	return sel, err
}

type backfillGunzipcsv struct{ selectFlags }

// Run implements the command.
func (b *backfillGunzipcsv) Run(ctx context.Context, c *cli) error {
	f, err := open(ctx, c, gunzipcsv.Open)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	sel, err := b.selection()
	if err != nil {
		return err
	}
	total, err := f.Count(ctx, sel)
	if err != nil {
		return err
	}
	bar := newProgress("backfill", total)
	var sum receipt.Core
	err = f.Backfill(ctx, sel, func(r *gunzipcsv.Receipt, listed int64) {
		sum.Out += r.Out
		sum.Filtered += r.Filtered
		sum.Quarantined += r.Quarantined
		bar.set(listed)
	})
	bar.finish()
	c.note("%s objects: %s converted, %s were so already or are no logs, %s in quarantine",
		count(total), count(sum.Out), count(sum.Filtered), count(sum.Quarantined))
	var left *gunzipcsv.Unconverted
	if errors.As(err, &left) {
		for _, m := range left.Objects {
			c.note("  failed for now: %s: %s", m.Key, m.Error)
		}
	}
	if err != nil {
		return fmt.Errorf("backfill: %w; the same command goes on from here", err)
	}
	return nil
}

type verifyGunzipcsv struct {
	selectFlags
	Deep bool `help:"Read every target and compare its content, not only size and ETag."`
	JSON bool `help:"Print the result as JSON. The results of the shards of one selection add up." name:"json"`
}

// Run implements the command.
func (v *verifyGunzipcsv) Run(ctx context.Context, c *cli) error {
	f, err := open(ctx, c, gunzipcsv.Open)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	sel, err := v.selection()
	if err != nil {
		return err
	}
	total, err := f.Count(ctx, sel)
	if err != nil {
		return err
	}
	bar := newProgress("verify", total)
	var n atomic.Int64
	got, err := f.Verify(ctx, gunzipcsv.VerifyOptions{Selection: sel, Deep: v.Deep}, func() { bar.set(n.Add(1)) })
	bar.finish()
	if err != nil {
		return err
	}
	if v.JSON {
		return showJSON(c.stdout, got)
	}
	return showConverted(c.stdout, got)
}

func showJSON(w io.Writer, v gunzipcsv.Verified) error {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		return err
	}
	if !v.Complete() {
		return errFindings
	}
	return nil
}

func showConverted(w io.Writer, v gunzipcsv.Verified) error {
	table(w, [][]string{
		{"SOURCE OBJECTS", "CONVERTED", "NO LOGS", "SOURCE GONE SINCE", "SOURCE BYTES", "RECORDS IN QUARANTINE", "FINDINGS", "OF THESE UNREAD"},
		{count(v.Objects), count(v.Converted), count(v.Skipped), count(v.Gone), size(v.Bytes), count(v.Records), count(v.Found), count(v.Unread)},
	})
	err := findingList(w, v.FindingList)
	if v.Accepted > 0 {
		_, _ = fmt.Fprintf(w, "%s records in quarantine were accepted as lost\n", count(v.Accepted))
	}
	if !v.Pruned.IsZero() {
		_, _ = fmt.Fprintf(w, "not looked at: what was written before %s, whose proof was pruned\n", v.Pruned.Format(time.RFC3339))
	}
	_, _ = fmt.Fprintf(w, "%s could not be looked at\n", count(v.Unread))
	return err
}

type replayGunzipcsv struct {
	Queue bool   `help:"Send notices back to the queue instead of converting here and now."`
	Code  string `help:"Only what was rejected with this code." placeholder:"target_collision"`
}

// Run implements the command.
func (r *replayGunzipcsv) Run(ctx context.Context, c *cli) error {
	f, err := open(ctx, c, gunzipcsv.Open)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	done, err := f.Replay(ctx, gunzipcsv.ReplayOptions{Queue: r.Queue, Code: r.Code}, nil)
	if err != nil {
		return err
	}
	c.note("%s objects in quarantine replayed: %s records delivered, %s sent to the queue, %s rejected again; %s left",
		count(done.Objects), count(done.Delivered), count(done.Sent), count(done.Rejected), count(done.Left))
	if !r.Queue {
		c.note("%s", summary(done.Receipt.Base()))
	}
	return nil
}

type emulateCfqueue struct {
	listenFlags
	Queue      string   `help:"The queue's id." default:"demo-queue"`
	DeadLetter string   `help:"Id of its dead-letter queue; without one, failed messages are deleted." placeholder:"ID"`
	MaxRetries int      `help:"Deliveries after the first that failed." default:"3"`
	Notify     []string `help:"Keys of objects to queue a notice about, or - to read them from standard input, a line each." placeholder:"KEY"`
	Bucket     string   `help:"Bucket that these notices name." default:"logs"`
}

// Run implements the command.
func (e *emulateCfqueue) Run(ctx context.Context) error {
	s := emulator.New(emulator.Options{})
	if err := e.inject(s.Faults); err != nil {
		return err
	}
	q := s.AddQueue(e.Queue, emulator.QueueOptions{MaxRetries: e.MaxRetries, DeadLetter: e.DeadLetter})
	if err := notifyAll(q, e.Bucket, e.Notify); err != nil {
		return err
	}
	return e.serve(ctx, s, func(url string) {
		fmt.Fprintf(os.Stderr, "CF_API_BASE_URL=%s/client/v4 CF_ACCOUNT_ID=account CF_QUEUE_ID=%s CF_API_TOKEN=token\n", url, e.Queue)
	})
}
