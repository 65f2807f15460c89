package gunzipcsv_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/cfqueue"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

func kinds(v gunzipcsv.Verified) map[string]string {
	out := map[string]string{}
	for _, f := range v.Findings {
		out[f.Where] = f.Kind
	}
	return out
}

func TestBackfillAndVerify(t *testing.T) {
	w := newWorld(t, map[string]string{"CF_QUEUE_ID": "", "CF_ACCOUNT_ID": "", "CF_API_TOKEN": "", "SOURCE_BUCKET": ""})
	w.env["SOURCE_URL"] += "?prefix=in/"
	w.parts.Source = w.open(w.env["SOURCE_URL"])
	const objects = 703
	for i := range objects {
		w.put(fmt.Sprintf("day/%04d.log.gz", i), gz(t, fmt.Sprint(i, "\n")))
	}
	w.put("day-2/x.log.gz", gz(t, "x\n")) // a directory lists it after day/, in byte order it is before
	w.put("challenge.txt", []byte("x"))
	w.put("broken.log.gz", []byte("x"))
	f := w.function()

	// Interrupted after the second run, it goes on from there.
	ctx, cancel := context.WithCancel(t.Context())
	runs := 0
	err := f.Backfill(ctx, gunzipcsv.Selection{}, func(*gunzipcsv.Receipt, int64) {
		if runs++; runs == 2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	v, err := f.Verify(t.Context(), gunzipcsv.VerifyOptions{})
	if err != nil || v.Converted < 500 || v.Converted > 600 {
		t.Fatalf("%+v, %v", v, err)
	}
	var sum receipt.Core
	var listed int64
	err = f.Backfill(t.Context(), gunzipcsv.Selection{}, func(r *gunzipcsv.Receipt, n int64) {
		sum.In += r.In
		sum.Out += r.Out
		listed = n
	})
	if err != nil || sum.In >= objects || listed != objects+3 {
		t.Fatalf("%v: %d notices taken, %d of %d listed", err, sum.In, listed, objects+3)
	}
	v, err = f.Verify(t.Context(), gunzipcsv.VerifyOptions{})
	if err != nil || v.Objects != objects+3 || v.Converted != objects+1 || v.Skipped != 1 || !maps.Equal(kinds(v), map[string]string{"in/broken.log.gz": "quarantined"}) {
		t.Fatalf("%+v, %v", v, err)
	}

	// What a verification has to find.
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(w.parts.Dest.Delete(t.Context(), "day/0001.csv"))
	ok(w.parts.Dest.WriteAll(t.Context(), "day/0002.csv", []byte("not ours"), nil))
	w.put("day/0003.log.gz", gz(t, "changed\n"))
	w.put("broken.log.gz", gz(t, "mended\n"))
	v, err = f.Verify(t.Context(), gunzipcsv.VerifyOptions{})
	want := map[string]string{"in/day/0001.log.gz": "missing", "in/day/0002.log.gz": "altered", "in/day/0003.log.gz": "stale", "in/broken.log.gz": "quarantined"}
	if err != nil || !maps.Equal(kinds(v), want) {
		t.Fatalf("%v, %v", kinds(v), err)
	}
	ok(f.Backfill(t.Context(), gunzipcsv.Selection{}, func(*gunzipcsv.Receipt, int64) {}))
	// What was rejected counts until it is replayed, whatever its source is now.
	want = map[string]string{"in/day/0002.log.gz": "altered", "in/broken.log.gz": "quarantined"}
	v, err = f.Verify(t.Context(), gunzipcsv.VerifyOptions{})
	if err != nil || !maps.Equal(kinds(v), want) || v.Kinds["quarantined"] != 2 {
		t.Fatalf("%v, %v", kinds(v), err)
	}
	_, err = f.Replay(t.Context(), gunzipcsv.ReplayOptions{})
	ok(err)
	v, err = f.Verify(t.Context(), gunzipcsv.VerifyOptions{})
	if err != nil || v.Found != 2 || v.Kinds["altered"] != 1 || v.Kinds["quarantined"] != 1 || kinds(v)["in/day/0002.log.gz"] != "altered" {
		t.Fatalf("%v, %v", kinds(v), err)
	}
	if n, err := f.Count(t.Context(), gunzipcsv.Selection{Prefix: "day/", From: time.Now().Add(time.Hour)}); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := f.Count(t.Context(), gunzipcsv.Selection{Prefix: "day/", To: time.Now().Add(time.Hour)}); n != objects || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

func TestReplay(t *testing.T) {
	w := newWorld(t, map[string]string{"MAX_RECORD_BYTES": "20"})
	w.put("good.log.gz", gz(t, `{"n":1}`+"\n"+`{"n":"`+strings.Repeat("x", 40)+"\"}\nbroken\n"))
	w.put("bad.log.gz", []byte("no gzip"))
	w.put("worse.log.gz", []byte("no gzip"))
	for _, k := range []string{"good", "bad", "worse"} {
		w.notify(k + ".log.gz")
	}
	w.send([]byte(`{"hello":1}`))
	w.mustTick(w.function())
	want := []string{"malformed_json", "not_gzip", "not_gzip", "record_too_long", gunzipcsv.CodeMessage}
	if got := codes(w.quarantined()); !slices.Equal(got, want) {
		t.Fatalf("%v", got)
	}

	// Mended: the configuration, and one of the objects.
	w.env["MAX_RECORD_BYTES"] = "1000"
	w.put("bad.log.gz", gz(t, "1,2\n"))
	f := w.function()
	done, err := f.Replay(t.Context(), gunzipcsv.ReplayOptions{})
	if err != nil || done.Objects != 4 || done.Left != 0 || done.Delivered != 2 || done.Rejected != 3 || done.Receipt.Out != 2 || done.Receipt.Quarantined != 2 {
		t.Fatalf("%+v, %v", done, err)
	}
	got := w.targets()
	if got["good.csv"] != "n\n1\n"+strings.Repeat("x", 40)+"\n" || got["bad.csv"] != "1,2\n" {
		t.Errorf("%q", got)
	}
	want = []string{"malformed_json", "not_gzip", gunzipcsv.CodeMessage} // rejected again
	if got := codes(w.quarantined()); !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}

	// By the queue, and by code.
	w.put("worse.log.gz", gz(t, "3,4\n"))
	done, err = f.Replay(t.Context(), gunzipcsv.ReplayOptions{Queue: true, Code: "not_gzip"})
	if err != nil || done.Sent != 1 || done.Left != 2 || w.queue.Backlog() != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	w.mustTick(f)
	if got := w.targets()["worse.csv"]; got != "3,4\n" {
		t.Errorf("%q", got)
	}
	want = []string{"malformed_json", gunzipcsv.CodeMessage}
	if got := codes(w.quarantined()); !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
}

func TestDoctor(t *testing.T) {
	w := newWorld(t, nil)
	w.put("a.log.gz", gz(t, "1\n"))
	for _, c := range w.function().Doctor(t.Context()) {
		if !c.OK() {
			t.Errorf("%s: %v", c.Name, c.Problem)
		}
	}
	for id, want := range map[string]string{
		"dead": "0 notices were given up", "unknown": "CF_DEAD_QUEUE_ID", "q2": "they go to the queue dead, and CF_DEAD_QUEUE_ID is the queue q2",
	} {
		w.api.AddQueue("q2", emulator.QueueOptions{})
		w.env["CF_DEAD_QUEUE_ID"] = id
		for _, c := range w.function().Doctor(t.Context()) {
			if c.Name != "dead letters" {
				continue
			}
			said := c.Detail
			if !c.OK() {
				said = c.Problem.Error() + "; " + c.Fix
			}
			if !strings.Contains(said, want) || c.OK() != (id == "dead") {
				t.Errorf("%s: %q, want %q", id, said, want)
			}
		}
	}
	delete(w.env, "CF_DEAD_QUEUE_ID")
	w.api.AddQueue("no-dead-letters", emulator.QueueOptions{})
	for queue, want := range map[string]string{"unknown": "CF_QUEUE_ID", "no-dead-letters": "deleted"} {
		w.env["CF_QUEUE_ID"] = queue
		said := ""
		for _, c := range w.function().Doctor(t.Context()) {
			if !c.OK() {
				said += c.Name + ": " + c.Problem.Error() + "; " + c.Fix
			}
		}
		if !strings.Contains(said, want) || strings.Contains(said, token) {
			t.Errorf("%s: %q, want %q", queue, said, want)
		}
	}
}
