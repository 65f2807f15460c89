package main

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/cfqueue"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// selectFlags say which source objects a command is about.
type selectFlags struct {
	Prefix string    `help:"Only keys that start with this, below the prefix of SOURCE_URL." placeholder:"20260102/"`
	From   time.Time `help:"Only objects written at this time or later, RFC 3339."`
	To     time.Time `help:"Only objects written before this time."`
}

func (s selectFlags) selection() gunzipcsv.Selection {
	return gunzipcsv.Selection{Prefix: s.Prefix, From: s.From, To: s.To}
}

type backfillGunzipcsv struct{ selectFlags }

// Run implements the command.
func (b *backfillGunzipcsv) Run(ctx context.Context, c *cli) error {
	f, err := open(ctx, c, gunzipcsv.Open)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	total, err := f.Count(ctx, b.selection())
	if err != nil {
		return err
	}
	bar := newProgress("backfill", total)
	var sum receipt.Core
	err = f.Backfill(ctx, b.selection(), func(r *gunzipcsv.Receipt, listed int64) {
		sum.Out += r.Out
		sum.Filtered += r.Filtered
		sum.Quarantined += r.Quarantined
		bar.set(listed)
	})
	bar.finish()
	fmt.Fprintf(os.Stderr, "%s objects: %s converted, %s were so already or are no logs, %s in quarantine\n",
		count(total), count(sum.Out), count(sum.Filtered), count(sum.Quarantined))
	if err != nil {
		return fmt.Errorf("backfill: %w; the same command goes on from here", err)
	}
	return nil
}

type verifyGunzipcsv struct{ selectFlags }

// Run implements the command.
func (v *verifyGunzipcsv) Run(ctx context.Context, c *cli) error {
	f, err := open(ctx, c, gunzipcsv.Open)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	total, err := f.Count(ctx, v.selection())
	if err != nil {
		return err
	}
	bar := newProgress("verify", total)
	var n atomic.Int64
	got, err := f.Verify(ctx, v.selection(), func() { bar.set(n.Add(1)) })
	bar.finish()
	if err != nil {
		return err
	}
	return showConverted(got)
}

func showConverted(v gunzipcsv.Verified) error {
	table(os.Stdout, [][]string{
		{"SOURCE OBJECTS", "CONVERTED", "NO LOGS", "SOURCE BYTES", "RECORDS IN QUARANTINE", "FINDINGS"},
		{count(v.Objects), count(v.Converted), count(v.Skipped), size(v.Bytes), count(v.Records), count(int64(len(v.Findings)))},
	})
	return findings(os.Stdout, v.Findings)
}

type doctorGunzipcsv struct{}

// Run implements the command.
func (doctorGunzipcsv) Run(ctx context.Context, c *cli) error {
	f, err := open(ctx, c, gunzipcsv.Open)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return checks(os.Stdout, f.Doctor(ctx))
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
	fmt.Fprintf(os.Stderr, "%s records replayed from %s objects in quarantine; %s left\n", count(done.Records), count(done.Objects), count(done.Left))
	if !r.Queue {
		fmt.Fprintln(os.Stderr, summary(done.Receipt.Base()))
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
