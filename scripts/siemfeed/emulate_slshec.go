package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"time"

	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
)

type emulateSLS struct {
	listenFlags
	Shards int `help:"Shards of the logstore." default:"4"`
	Logs   int `help:"Logs in each shard from the beginning." default:"10000"`
	Rate   int `help:"Logs a second that come in while it runs." default:"0"`

	Trail bool `help:"The logs are events of ActionTrail, about instances of siemfeed emulate alibaba, and there is a logstore security/tagged for what becomes of them."`

	events int
}

// Run implements the command.
func (e *emulateSLS) Run(ctx context.Context) error {
	s := emulator.New(emulator.Options{Shards: e.Shards})
	if err := e.inject(s.Faults); err != nil {
		return err
	}
	if e.Trail {
		s.AddLogstore("security", "tagged", e.Shards).SetIndex(false, "eventName", "userName", "resourceName", "tagStatus", "tag_project", "tag_env")
	}
	gen := emulator.NewGenerator(e.Seed)
	for id := range e.Shards {
		for left := e.Logs; left > 0; left -= 100 {
			s.Logstore().Append(id, e.group(gen, min(left, 100)))
		}
	}
	go e.trickle(ctx, s.Logstore(), gen) // ends with ctx, as the process does
	return e.serve(ctx, s, func(raw string) {
		u, err := url.Parse(raw)
		if err != nil {
			return
		}
		fmt.Fprintf(os.Stderr, "SLS_ENDPOINT=%s SLS_AK_ID=ak SLS_AK_KEY=secret SLS_PROJECT=project SLS_LOGSTORE=logstore SLS_CG=demo SLS_START=begin\n", u.Host)
		if e.Trail {
			fmt.Fprintln(os.Stderr, "SLS_TARGET_PROJECT=security SLS_TARGET_LOGSTORE=tagged")
		}
	})
}

// group makes n logs.
func (e *emulateSLS) group(gen *emulator.Generator, n int) []byte {
	if !e.Trail {
		return gen.Group(n)
	}
	return gen.TrailOf(n, func(event map[string]any) {
		e.events++
		event["recipientAccountId"] = emulatedAccount(e.events % emulatedAccounts)
		event["resourceType"], event["resourceName"] = emulatedType, emulatedInstance(e.events/emulatedAccounts%emulatedInstances)
	})
}

func (e *emulateSLS) trickle(ctx context.Context, l *emulator.Logstore, gen *emulator.Generator) {
	if e.Rate <= 0 {
		return
	}
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			l.Append(n%e.Shards, e.group(gen, e.Rate))
		}
	}
}

type emulateHEC struct {
	listenFlags
	Token    string        `help:"The token it knows." default:"00000000-0000-0000-0000-000000000000"`
	Ack      bool          `help:"The token has indexer acknowledgement."`
	AckDelay time.Duration `help:"How long after acceptance an event counts as indexed." default:"1s"`
	Queue    int           `help:"Events the indexing queue holds; 0 means no end." default:"0"`
	Drain    float64       `help:"Events a second that leave it." default:"10000"`
}

// Run implements the command.
func (e *emulateHEC) Run(ctx context.Context) error {
	s := splunk.New(splunk.Options{
		Tokens:   []splunk.Token{{Value: e.Token, UseACK: e.Ack}},
		AckDelay: e.AckDelay, QueueEvents: e.Queue, QueueRate: e.Drain,
	})
	if err := e.inject(s.Faults); err != nil {
		return err
	}
	err := e.serve(ctx, s, func(url string) {
		fmt.Fprintf(os.Stderr, "HEC_URL=%s HEC_TOKEN=%s HEC_ACK=%t\n", url, e.Token, e.Ack)
	})
	st := s.Stats()
	fmt.Fprintf(os.Stderr, "%s events accepted, %s of them before; %s\n", count(st.Events), count(int64(s.Repeats())), size(st.Bytes))
	return err
}
