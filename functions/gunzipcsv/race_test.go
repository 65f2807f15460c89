package gunzipcsv_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/objcsv/logpush"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

func notices(keys ...string) trigger.Event {
	ev := trigger.Event{Kind: trigger.Objects, Path: "gcs"}
	for _, k := range keys {
		ev.Notices = append(ev.Notices, trigger.Notice{Source: trigger.R2, Bucket: "logs", Key: k, Size: -1, Created: true, Time: time.Now()})
	}
	return ev
}

func TestChangedSourceIsConvertedAgain(t *testing.T) {
	w := newWorld(t, nil)
	f := w.function()
	// Of different lengths, as a directory tells versions apart by time and size,
	// and two writes within one tick of the kernel's clock have the same time.
	for i, text := range []string{"1\n", "2,b\n", "3,c,defg\n"} {
		w.put("a.log.gz", gz(t, text))
		w.notify("a.log.gz")
		w.notify("a.log.gz")
		r := w.mustTick(f)
		if r.Out != 1 || r.Unchanged != 1 || w.targets()["a.csv"] != text {
			t.Fatalf("version %d: %+v, %q", i, r.Core, w.targets())
		}
	}
}

func TestTwoSourcesOfOneTargetAtOnce(t *testing.T) {
	for round := range 8 {
		w := newWorld(t, map[string]string{"CONCURRENCY": "8"})
		keys := []string{"a.log.gz", "a.json.gz", "a.csv.gz", "a.txt.gz", "a.ndjson.gz", "a.gz"}
		for _, k := range keys {
			w.put(k, gz(t, k+"\n"))
		}
		// From three functions at once, each notice twice.
		var wg sync.WaitGroup
		for range 3 {
			f := w.function()
			wg.Go(func() {
				if _, err := run(t, f, notices(append(keys, keys...)...)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		got := w.targets()
		winner := strings.TrimSuffix(got["a.csv"], "\n")
		if len(got) != 1 || !slices.Contains(keys, winner) {
			t.Fatalf("round %d: %q", round, got)
		}
		attrs, err := w.parts.Dest.Attributes(t.Context(), "a.csv")
		if err != nil || attrs.Metadata["source-key"] != winner {
			t.Fatalf("round %d: made from %s, says %v, %v", round, winner, attrs, err)
		}
		q := w.quarantined()
		if len(q) != len(keys)-1 { // once each, however often it was rejected
			t.Fatalf("round %d: %v", round, codes(q))
		}
		for _, r := range q {
			if r.Code != gunzipcsv.CodeCollision || !strings.Contains(r.Reason, "target collision") || strings.Contains(string(r.Source), `"`+winner+`"`) {
				t.Errorf("round %d: %+v", round, r.Entry)
			}
		}
	}
}

func TestAForeignTargetIsNotOverwritten(t *testing.T) {
	w := newWorld(t, nil)
	if err := w.parts.Dest.WriteAll(t.Context(), "a.csv", []byte("mine"), nil); err != nil {
		t.Fatal(err)
	}
	w.put("a.log.gz", gz(t, "1\n"))
	w.notify("a.log.gz")
	w.mustTick(w.function())
	if got := w.targets()["a.csv"]; got != "mine" || len(w.quarantined()) != 1 {
		t.Errorf("%q, %v", got, w.quarantined())
	}
}

// TestReplacedWhileRead replaces a large object again and again, by renaming
// and by writing in place, while it is converted: what is there in the end is
// its last version, and never a mix of two.
func TestReplacedWhileRead(t *testing.T) {
	w := newWorld(t, nil)
	f := w.function()
	dir := strings.TrimPrefix(w.env["SOURCE_URL"], "file://")
	versions := make([][]byte, 3)
	plain := map[string]bool{}
	var last string
	for i := range versions {
		text, object := generated(t, uint64(i), 1000, logpush.CSV)
		versions[i], last = object, text
		plain[text] = true
	}
	longest := 0
	for _, v := range versions {
		longest = max(longest, len(v))
	}
	for i, v := range versions { // zero padding is valid, and lets them be written in place
		versions[i] = append(v, make([]byte, longest-len(v))...)
	}
	w.put("a.log.gz", versions[0])
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			v := versions[n%len(versions)]
			if n%2 == 0 {
				w.put("a.log.gz", v)
			} else if err := overwrite(filepath.Join(dir, "a.log.gz"), v); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Duration(10+n%37) * time.Millisecond)
		}
	})
	seen := 0
	for ctx.Err() == nil {
		_, _ = run(t, f, notices("a.log.gz")) // the object may change too fast to be caught
		if got, ok := w.targets()["a.csv"]; ok {
			seen++
			if !plain[got] {
				t.Fatal("the target is a mix of versions")
			}
		}
	}
	wg.Wait()
	w.put("a.log.gz", versions[len(versions)-1])
	if _, err := run(t, f, notices("a.log.gz")); err != nil {
		t.Fatal(err)
	}
	if w.targets()["a.csv"] != last {
		t.Error("the target is not the last version")
	}
	if q := w.quarantined(); len(q) != 0 {
		t.Errorf("an object that was whole at every moment is in quarantine: %+v", q[0].Entry)
	}
	t.Logf("%d looks at a target", seen)
}

func overwrite(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0) //nolint:gosec // of the test
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	return errors.Join(err, f.Close())
}

// TestRacingRunsEndWithTheNewestVersion lets two runs race, one of which read the old
// version: the last to write must not be the one with the old content.
func TestRacingRunsEndWithTheNewestVersion(t *testing.T) {
	w := newWorld(t, nil)
	_, before := generated(t, 1, 1000, logpush.CSV)
	after, object := generated(t, 2, 10, logpush.CSV)
	for round := range 10 {
		key := fmt.Sprintf("r%d.log.gz", round)
		w.put(key, before)
		var wg sync.WaitGroup
		for i := range 4 {
			f := w.function()
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				if _, err := run(t, f, notices(key)); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(time.Duration(round%6) * time.Millisecond)
		w.put(key, object)
		// The notice of the new version comes last, as it does in earnest.
		wg.Go(func() {
			if _, err := run(t, w.function(), notices(key)); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if w.targets()[strings.TrimSuffix(key, ".log.gz")+".csv"] != after {
			t.Fatalf("round %d: the old version won", round)
		}
	}
}

func TestDeletedAfterTheNotice(t *testing.T) {
	w := newWorld(t, nil)
	w.put("a.log.gz", gz(t, "1\n"))
	w.put("b.log.gz", gz(t, "2\n"))
	w.notify("a.log.gz")
	w.notify("b.log.gz")
	if err := w.parts.Source.Delete(t.Context(), "a.log.gz"); err != nil {
		t.Fatal(err)
	}
	w.mustTick(w.function())
	if got := w.targets(); !maps.Equal(got, map[string]string{"b.csv": "2\n"}) {
		t.Errorf("%q", got)
	}
	if q := codes(w.quarantined()); !slices.Equal(q, []string{gunzipcsv.CodeGone}) {
		t.Errorf("%v", q)
	}
}
