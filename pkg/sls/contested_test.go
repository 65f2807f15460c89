package sls_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// counted is a processor that takes everything and counts the pages.
func counted(pages *atomic.Int64) sls.Processor {
	return sls.ProcessorFunc(func(_ context.Context, p *sls.Page, done sls.Done) error {
		pages.Add(1)
		done(nil, nil)
		return nil
	})
}

// A shard whose checkpoint is refused, and that stays assigned, is begun again
// at the next heartbeat and not before; after some times the run fails.
func TestRefusedCheckpointIsPaced(t *testing.T) {
	for _, tc := range []struct {
		name      string
		drain     bool
		heartbeat time.Duration
		refuse    int // so many
		run       time.Duration
		pages     int64 // at most
		beats     int   // at most
		fails     bool
	}{
		{"within a heartbeat", false, 10 * time.Second, 1000, time.Second, 1, 5, false},
		{"within a heartbeat, in a drain", true, 10 * time.Second, 1000, time.Second, 1, 15, true},
		{"for ever", false, 50 * time.Millisecond, 1000, time.Minute, 3, 50, true},
		{"for ever, in a drain", true, 50 * time.Millisecond, 1000, time.Minute, 3, 50, true},
		{"once", true, 50 * time.Millisecond, 1, time.Minute, 2, 50, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := startServer(t, emulator.Options{Shards: 1, Misspelt: true})
			l, gen := s.Logstore(), emulator.NewGenerator(1)
			l.Append(0, gen.Group(10))
			refused := 0
			l.RefuseCheckpoints(func(e emulator.CheckpointEvent) bool {
				refused++
				return refused <= tc.refuse
			})
			var pages atomic.Int64
			o := quick()
			o.Drain, o.Heartbeat, o.Timeout = tc.drain, tc.heartbeat, 60*time.Second
			ctx, cancel := context.WithTimeout(t.Context(), tc.run)
			defer cancel()
			_, err := newWorker(t, newClient(t, s, sls.Options{}), "c", counted(&pages), o).Run(ctx)
			if failed := err != nil && strings.Contains(err.Error(), "ConsumerNotMatch"); failed != tc.fails {
				t.Errorf("got %v", err)
			}
			if n := pages.Load(); n > tc.pages {
				t.Errorf("the one page was delivered %d times", n)
			}
			if n := s.Calls()["HeartBeat"]; n > tc.beats {
				t.Errorf("%d heartbeats", n)
			}
		})
	}
}

// Codes count in whatever case and spelling they come.
func TestCodesInEverySpelling(t *testing.T) {
	for _, code := range []string{"ConsumerNotExist", "ConsumerNotExsit", "consumernotexist", "CONSUMERNOTEXSIT"} {
		if !sls.IsCode(&sls.Error{HTTP: 404, Code: code}, sls.CodeConsumerNotExist) {
			t.Errorf("%s is not known", code)
		}
		if sls.IsCode(&sls.Error{HTTP: 404, Code: code}, sls.CodeShardNotExist, sls.CodeConsumerNotMatch) {
			t.Errorf("%s is taken for another", code)
		}
	}
	for code, kind := range map[string]sls.Kind{"readquotaexceed": sls.Quota, "ProjectNotExsit": sls.Config, "SIGNATURENOTMATCH": sls.Config, "InvalidKey": sls.Permanent} {
		status := 400
		if kind == sls.Quota {
			status = 403
		}
		if e := (&sls.Error{HTTP: status, Code: code}); e.Kind() != kind {
			t.Errorf("%s is of kind %v", code, e.Kind())
		}
	}
}

// A group that is deleted under a worker is told by the misspelt code, too.
func TestGroupDeletedMisspelt(t *testing.T) {
	s := startServer(t, emulator.Options{Misspelt: true})
	c := newClient(t, s, sls.Options{})
	w := newWorker(t, c, "c", newSink(t, 0), quick())
	done := make(chan error, 1)
	go func() { _, err := w.Run(context.WithoutCancel(t.Context())); done <- err }()
	eventually(t, "shards", func() bool { return len(w.Status()) == 2 })
	if err := c.DeleteGroup(t.Context(), "group"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !sls.IsCode(err, sls.CodeGroupNotExist) {
		t.Errorf("got %v", err)
	}
}
