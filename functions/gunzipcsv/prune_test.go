package gunzipcsv_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/prune"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// age makes all that the world holds older, and files what is kept by day under
// a day as long ago.
func (w *world) age(by time.Duration) {
	w.t.Helper()
	at := time.Now().UTC().Add(-by)
	for _, url := range []string{w.env["SOURCE_URL"], w.env["DEST_URL"]} {
		root := strings.TrimPrefix(url, "file://")
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			return os.Chtimes(path, at, at)
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	ctx := w.t.Context()
	keys, err := w.parts.State.Keys(ctx, "gunzipcsv/")
	if err != nil {
		w.t.Fatal(err)
	}
	today := time.Now().UTC().Format("/2006/01/02/")
	for _, k := range keys {
		old := strings.Replace(k, today, at.Format("/2006/01/02/"), 1)
		if n, err := receipt.NameOf(k); err == nil && n.Ended() {
			n.At = n.At.Add(-by)
			old = n.Key("gunzipcsv")
		}
		if old != k {
			if err := w.parts.State.Copy(ctx, old, k, nil); err != nil {
				w.t.Fatal(err)
			}
			if err := w.parts.State.Remove(ctx, k); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// What is pruned is not missed: a verification begins where proof does. Old
// targets stay what they are when their notices come again.
func TestPrune(t *testing.T) {
	w := convertedWorld(t)
	w.age(500 * 24 * time.Hour)
	if v := w.verify(gunzipcsv.VerifyOptions{}); v.Objects != verified {
		t.Fatalf("%+v", v)
	}
	w.put("new/000.log.gz", gz(t, "1,b\n"))
	if _, err := run(t, w.function(), notices("new/000.log.gz")); err != nil {
		t.Fatal(err)
	}
	r, err := w.function().Prune(t.Context(), prune.Options{Keep: 400 * 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range r.Lines {
		if old := l.What == "receipts" || l.What == "manifests"; (l.Objects > 0) != old || l.Kept != 0 {
			t.Errorf("%+v", l)
		}
	}
	v := w.verify(gunzipcsv.VerifyOptions{Deep: true})
	if v.Found != 0 || v.Objects != 1 || v.Converted != 1 || !v.Pruned.Equal(r.Before) {
		t.Errorf("%+v", v)
	}
	if v := w.verify(gunzipcsv.VerifyOptions{Selection: gunzipcsv.Selection{From: time.Now().Add(-time.Hour)}}); v.Found != 0 || v.Objects != 1 || !v.Pruned.IsZero() {
		t.Errorf("of what there is proof: %+v", v)
	}
	before := w.targets()
	if _, err := run(t, w.function(), notices(sourceKey(1))); err != nil {
		t.Fatal(err)
	}
	if after := w.targets(); after[targetKey(1)] != before[targetKey(1)] {
		t.Errorf("a target became %q", after[targetKey(1)])
	}
}
