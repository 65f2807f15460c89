package slshec_test

import (
	"bytes"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// What a receiver that refuses everything answers, and whatever it means: the run
// fails, nothing lies in quarantine, no checkpoint moves, and it is not asked
// often. Once that is mended, all of it arrives.
func TestReceiverThatRefusesEverything(t *testing.T) {
	for name, h := range map[string]splunk.Options{
		"code 6":  {Refuse: func(splunk.Event) int { return 6 }},
		"a page":  {Firewall: func([]byte) int { return 403 }},
		"no body": {MaxContentLength: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, emulator.Options{Shards: 4}, h, quick)
			w.Fill(emulator.NewGenerator(1), 50, 20)
			f := w.function()
			for range 2 {
				before := w.hec.Stats().Requests
				r, err := w.run(f)
				if err == nil || !retry.IsPermanent(err) || r.Status != receipt.Failed || r.Quarantined != 0 || r.Out != 0 {
					t.Errorf("%v, receipt %+v", err, r)
				}
				if n := w.hec.Stats().Requests - before; n > 40 {
					t.Errorf("%d requests", n)
				}
			}
			if held := w.Quarantined(); len(held) > 0 {
				t.Errorf("%d in quarantine", len(held))
			}
			w.refuse = nil
			w.hec.Set(func(o *splunk.Options) { o.Firewall, o.MaxContentLength = nil, 0 })
			w.mustRun(f)
			w.wantAll(false)
			w.WantCheckpoints(group)
			w.wantProof()
		})
	}
}

// A receiver that does not take gzip gets everything, plain, and the receipt says
// so.
func TestReceiverThatTakesNoGzip(t *testing.T) {
	for _, gzip := range []splunk.Gzip{splunk.RefusesGzip, splunk.LosesEncoding} {
		w := newWorld(t, emulator.Options{Shards: 4}, splunk.Options{Gzip: gzip, Refuse: refusedOf}, quick)
		w.Fill(emulator.NewGenerator(1), 50, 20)
		f := w.function()
		r := w.mustRun(f)
		w.wantAll(false)
		w.WantCheckpoints(group)
		w.wantProof()
		if !slices.Equal(r.Unpacked, []string{w.hec.URL()}) || r.Quarantined == 0 {
			t.Errorf("receipt %+v", r)
		}
		w.hec.Set(func(o *splunk.Options) { o.Gzip = splunk.TakesGzip })
		w.Fill(emulator.NewGenerator(2), 5, 20)
		if r := w.mustRun(f); len(r.Unpacked) > 0 {
			t.Errorf("mended, and yet the receipt says %v", r.Unpacked)
		}
	}
}

// firewall refuses bodies that hold an event of refusedOf.
func firewall(status int) func([]byte) int {
	return func(body []byte) int {
		for found := true; found; {
			var id []byte
			if _, body, found = bytes.Cut(body, []byte(`"sls_id":"`)); found {
				if id, body, _ = bytes.Cut(body, []byte(`"`)); refusedOf(splunk.Event{ID: string(id)}) != 0 {
					return status
				}
			}
		}
		return 0
	}
}

// A firewall on the way refuses some bodies: just those events lie in quarantine,
// with its status, and can be replayed when it lets them through.
func TestFirewallThatRefusesSomeBodies(t *testing.T) {
	for _, status := range []int{400, 403, 413} {
		w := newWorld(t, emulator.Options{Shards: 4}, splunk.Options{Firewall: firewall(status), Refuse: refusedOf}, quick)
		w.Fill(emulator.NewGenerator(1), 50, 20)
		f := w.function()
		r := w.mustRun(f)
		w.wantAll(false)
		w.WantCheckpoints(group)
		w.wantProof()
		if r.Quarantined == 0 || len(r.Unpacked) > 0 {
			t.Errorf("receipt %+v", r)
		}
		for id, code := range w.Quarantined() {
			if code != fmt.Sprint("http-", status) {
				t.Errorf("%s is held as %s", id, code)
			}
		}
		w.refuse = nil
		w.hec.Set(func(o *splunk.Options) { o.Firewall = nil })
		if done, err := f.Replay(t.Context()); err != nil || int64(done.Accepted) != r.Quarantined {
			t.Errorf("%+v %v", done, err)
		}
		w.wantAll(false)
	}
}

// The only log of a quiet logstore is bad: it is not stuck.
func TestOneBadLogInAQuietLogstore(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, splunk.Options{Refuse: func(splunk.Event) int { return 6 }}, quick)
	w.Fill(emulator.NewGenerator(1), 1, 1)
	if r := w.mustRun(w.function()); r.Quarantined != 1 {
		t.Errorf("receipt %+v", r)
	}
	w.wantAll(false)
	w.WantCheckpoints(group)
}

// Something on the way that lets nothing through for a while, in the middle of a
// run, is an outage like any other: what it refuses meanwhile is no event's fault.
func TestDoorThatShutsForAWhile(t *testing.T) {
	for name, lifts := range map[string]bool{"and opens again": true, "and stays shut": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var shut atomic.Bool
			var refusals atomic.Int64
			w := newWorld(t, emulator.Options{Shards: 2, MaxPullBytes: 30000}, splunk.Options{}, quick)
			w.hec.Set(func(o *splunk.Options) {
				o.Firewall = func([]byte) int {
					if !shut.Load() {
						return 0
					}
					if refusals.Add(1) == 5 && lifts {
						shut.Store(false)
					}
					return 403
				}
				o.OnAccept = func(events []splunk.Event) {
					w.accept(events)
					if refusals.Load() == 0 {
						shut.Store(true) // once it has taken some
					}
				}
			})
			w.Fill(emulator.NewGenerator(1), 50, 20)
			r, err := w.run(w.function())
			if held := w.Quarantined(); len(held) > 0 {
				t.Errorf("%d in quarantine", len(held))
			}
			if lifts {
				if err != nil || r.Status != receipt.OK {
					t.Fatalf("%v, receipt %+v", err, r)
				}
				w.wantAll(true)
				return
			}
			if err == nil || r.Status != receipt.Failed {
				t.Errorf("%v, receipt %+v", err, r)
			}
			shut.Store(false)
			w.mustRun(w.function())
			w.wantAll(true)
			w.wantProof()
		})
	}
}
