package gunzipcsv_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	"github.com/siemfeed/siemfeed/pkg/proctest"
	"github.com/siemfeed/siemfeed/pkg/prune"
	"github.com/siemfeed/siemfeed/pkg/releasetest"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// The objects of a recording: those that the first run converted, of which
// broken went to quarantine, and those that the killed one had under way.
const broken = "first/broken.log.gz"

func releasedKeys(batch string) (keys []string) {
	for i := range 8 {
		ext := ".log.gz"
		if i%2 == 1 {
			ext = ".json.gz"
		}
		keys = append(keys, fmt.Sprintf("%s/%02d%s", batch, i, ext))
	}
	return keys
}

// A release is recorded that converted objects, one of which is cut off, and was
// killed when it had converted others and told nobody yet.
func TestRecord(t *testing.T) {
	releasetest.Record(t, "gunzipcsv", func(r *releasetest.Recording) {
		w := newWorld(t, map[string]string{"CONCURRENCY": "1"})
		text := func(i int) string {
			if i%2 == 1 {
				return fmt.Sprintf("{\"ClientIP\":\"203.0.113.%d\",\"RayID\":\"%d\"}\n", i, i)
			}
			return fmt.Sprintf("203.0.113.%d,%d\n", i, i)
		}
		put := func(batch string) {
			for i, key := range releasedKeys(batch) {
				w.put(key, gz(t, text(i)))
				w.notify(key)
			}
		}
		put("first")
		whole := gz(t, text(0))
		w.put(broken, whole[:len(whole)-6])
		w.notify(broken)
		p := proctest.Start(t, r.Binary, w.env)
		if status, answer, err := p.Post(t.Context(), "{}", nil); err != nil || status != 200 {
			t.Fatalf("%d %s %v", status, answer, err)
		}
		put("second")
		w.api.Faults.Delay = time.Minute
		w.api.Faults.Match = func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/ack") }
		w.api.Faults.Random(1, map[fault.Kind]float64{fault.Slow: 1})
		ctx, cancel := context.WithCancel(t.Context())
		killed := make(chan struct{})
		go func() { defer close(killed); _, _, _ = p.Post(ctx, "{}", nil) }()
		for len(w.targets()) < 14 {
			time.Sleep(5 * time.Millisecond)
		}
		p.Kill()
		cancel()
		<-killed
		for folder, variable := range releasedFolders {
			r.Keep(folder, w.env[variable])
		}
	})
}

var releasedFolders = map[string]string{"state": "STATE_URL", "source": "SOURCE_URL", "dest": "DEST_URL"}

// What any release left is gone on from: nothing is lost, no target that is there
// is written again, and all of it can be read.
func TestStateOfReleasesIsTakenOver(t *testing.T) {
	releasetest.Each(t, func(t *testing.T, r *releasetest.Release) {
		w := newWorld(t, nil)
		for folder, variable := range releasedFolders {
			r.Copy(t, folder, w.env[variable])
		}
		before, written := w.targets(), w.modTimes()
		if held := w.quarantined(); len(before) < 14 || len(held) != 1 {
			t.Fatalf("the recording has %d targets, and in quarantine %v", len(before), codes(held))
		}
		// Who was killed has acknowledged nothing; and what is done comes again.
		all := append(releasedKeys("first"), releasedKeys("second")...)
		for _, key := range all {
			w.notify(key)
		}
		w.put("new.log.gz", gz(t, "1,new\n"))
		w.notify("new.log.gz")
		got := w.mustTick(w.function())
		if want := int64(len(all) - len(before)); got.Out != want+1 || got.Unchanged != int64(len(before)) || got.In != got.Out+got.Filtered {
			t.Errorf("%d of %d targets were there: %+v", len(before), len(all), got)
		}
		after, now := w.targets(), w.modTimes()
		if len(after) != len(all)+1 || after["new.csv"] != "1,new\n" {
			t.Errorf("%d targets", len(after))
		}
		for key := range before {
			if after[key] != before[key] || !now[key].Equal(written[key]) {
				t.Errorf("%s was written again", key)
			}
		}

		s, _ := r.ReadBack(t, "gunzipcsv", w.parts.State, w.parts.Quarantine)
		if s.Pending.Objects != 1 {
			t.Errorf("status: %+v", s.Pending)
		}
		if v := w.verify(gunzipcsv.VerifyOptions{Deep: true}); v.Found != 1 || v.Findings[0].Where != broken {
			t.Errorf("verify, with one in quarantine: %+v", v)
		}
		w.put(broken, gz(t, "1,mended\n"))
		done, err := w.function().Replay(t.Context(), gunzipcsv.ReplayOptions{})
		if err != nil || done.Objects != 1 || done.Delivered != 1 || w.targets()["first/broken.csv"] != "1,mended\n" {
			t.Errorf("replay: %+v, %v", done, err)
		}
		if v := w.verify(gunzipcsv.VerifyOptions{Deep: true}); v.Found != 0 || v.Objects != int64(len(all)+2) {
			t.Errorf("verify, with all delivered: %+v", v)
		}

		// A month later its proof goes, and the targets stay what they are.
		releasetest.Age(t, w.env["STATE_URL"], time.Now().AddDate(0, -1, 0))
		report, err := w.function().Prune(t.Context(), prune.Options{Keep: prune.Least})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range report.Lines {
			if (l.What == "receipts" || l.What == "manifests") && l.Objects == 0 {
				t.Errorf("prune: %+v", l)
			}
		}
		all = append(all, "new.log.gz", broken)
		for _, key := range all {
			w.notify(key)
		}
		written = w.modTimes()
		if r := w.mustTick(w.function()); r.Unchanged != int64(len(all)) || !maps.EqualFunc(written, w.modTimes(), time.Time.Equal) {
			t.Errorf("after the proof has gone: %+v", r)
		}
	})
}

func TestNewerStateIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	w.put("a.log.gz", gz(t, "1\n"))
	w.notify("a.log.gz")
	w.mustTick(w.function())
	w.put("b.log.gz", gz(t, "2\n"))
	w.notify("b.log.gz")
	releasetest.Refused(t, "gunzipcsv", gunzipcsv.New, w.env, []trigger.Event{tick, notices("b.log.gz")}, w.env["DEST_URL"])
	if w.queue.Backlog() != 1 {
		t.Errorf("%d notices are left in the queue", w.queue.Backlog())
	}
}
