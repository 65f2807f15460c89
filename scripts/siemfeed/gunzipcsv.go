package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/config"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/cfqueue"
	"github.com/siemfeed/siemfeed/pkg/progress"
)

func gunzipcsvFunction() function {
	return function{
		name:      "gunzipcsv",
		new:       gunzipcsv.New,
		variables: config.Variables[gunzipcsv.Config](),
		unit:      "objects",
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
	if err := checkSpan(s.From, s.To); err != nil {
		return sel, err
	}
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
	sel, err := b.selection()
	if err != nil {
		return err
	}
	f, err := open(ctx, c, gunzipcsv.Open)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	total, err := f.Count(ctx, sel)
	if err != nil {
		return err
	}
	watched, stop := c.watch(ctx, "backfill", c.function.unit)
	progress.Expect(watched, total)
	a := newBackfillAnswer(c.function.name)
	err = f.Backfill(watched, sel, func(r *gunzipcsv.Receipt, _ int64) { a.add(r) })
	stop()
	a.Objects = a.Out
	a.line = fmt.Sprintf("%s: %s converted, %s were so already or are no logs, %s in quarantine",
		plural(total, "object"), count(a.Out), count(a.Filtered), count(a.Quarantined))
	return a.ended(c, err)
}

type verifyGunzipcsv struct {
	selectFlags
	Deep bool `help:"Read every target and compare its content, not only size and ETag."`
}

// Run implements the command.
func (v *verifyGunzipcsv) Run(ctx context.Context, c *cli) error {
	sel, err := v.selection()
	if err != nil {
		return err
	}
	f, err := open(ctx, c, gunzipcsv.Open)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	watched, stop := c.watch(ctx, "verify", c.function.unit)
	got, err := f.Verify(watched, gunzipcsv.VerifyOptions{Selection: sel, Deep: v.Deep})
	stop()
	if err != nil {
		return err
	}
	if sel.Shard.Index == 0 { // one of a job's tasks does
		defer c.sumUp(ctx, f)
	}
	return c.show(gunzipcsvVerified(got))
}

// objects is what was looked at of a source. Those of the shards of one selection
// add up.
type objects struct {
	// Objects counts those in the source.
	Objects int64 `json:"objects"`
	// Converted counts those of them with the target as it was written, of the
	// same version.
	Converted int64 `json:"converted"`
	// Skipped counts those that are gzip neither by name nor by content.
	Skipped int64 `json:"skipped"`
	// Gone counts the converted objects that the source has no more, with the
	// target as it was written.
	Gone int64 `json:"gone"`
	// Bytes is the size of the converted sources.
	Bytes int64 `json:"bytes"`
	// Records counts single records in quarantine, of objects that were converted.
	Records int64 `json:"records_quarantined"`
	// Accepted counts what was rejected and accepted as lost.
	Accepted int64 `json:"accepted"`
	// Unread counts what could not be looked at; each is a finding too.
	Unread int64 `json:"unread"`
	// Findings counts the findings.
	Findings int64 `json:"findings"`
}

func gunzipcsvVerified(v gunzipcsv.Verified) *verifyAnswer {
	a := newVerifyAnswer("gunzipcsv", objects{
		Objects: v.Objects, Converted: v.Converted, Skipped: v.Skipped, Gone: v.Gone, Bytes: v.Bytes,
		Records: v.Records, Accepted: v.Accepted, Unread: v.Unread, Findings: v.Found,
	})
	a.Join(v.FindingList)
	a.Receipts.add(v.Receipts)
	if !v.Pruned.IsZero() {
		a.NotLookedAt = append(a.NotLookedAt, fmt.Sprintf("what was written before %s, whose proof was pruned", v.Pruned.Format(time.RFC3339)))
	}
	return a
}

func (o objects) rows() [][]string {
	return [][]string{
		{"SOURCE OBJECTS", "CONVERTED", "NO LOGS", "SOURCE GONE SINCE", "SOURCE BYTES", "RECORDS IN QUARANTINE", "FINDINGS", "OF THESE UNREAD"},
		{count(o.Objects), count(o.Converted), count(o.Skipped), count(o.Gone), size(o.Bytes), count(o.Records), count(o.Findings), count(o.Unread)},
	}
}

func (o objects) any() bool { return o.Objects+o.Gone > 0 }

func (o objects) notes() (notes []string) {
	if o.Accepted > 0 {
		notes = append(notes, count(o.Accepted)+" records in quarantine were accepted as lost")
	}
	return notes
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
	watched, stop := c.watch(ctx, "replay", c.function.unit)
	done, err := f.Replay(watched, gunzipcsv.ReplayOptions{Queue: r.Queue, Code: r.Code})
	stop()
	a := newReplayAnswer(c.function.name)
	a.Objects, a.Delivered, a.Sent, a.Rejected, a.Left = done.Objects, done.Delivered, done.Sent, done.Rejected, done.Left
	a.line = fmt.Sprintf("%s in quarantine replayed: %s records delivered, %s sent to the queue, %s rejected again; %s left",
		plural(done.Objects, "object"), count(done.Delivered), count(done.Sent), count(done.Rejected), count(done.Left))
	return a.ended(c, err)
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
