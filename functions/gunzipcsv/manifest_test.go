package gunzipcsv_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
)

// manifests returns every line of every manifest, and the names of their parts.
func (w *world) manifests() (lines []gunzipcsv.Written, parts []string) {
	w.t.Helper()
	parts, err := w.parts.State.Keys(w.t.Context(), "gunzipcsv/manifests/")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range parts {
		data, err := w.parts.State.ReadAll(w.t.Context(), p)
		if err != nil {
			w.t.Fatal(err)
		}
		gz, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			w.t.Fatal(err)
		}
		for dec := json.NewDecoder(gz); ; {
			var l gunzipcsv.Written
			err := dec.Decode(&l)
			if err == io.EOF { //nolint:errorlint // never wrapped
				break
			}
			if err != nil {
				w.t.Fatal(err)
			}
			lines = append(lines, l)
		}
	}
	return lines, parts
}

// wantListed checks that every target is in a manifest, once, as it is there.
func (w *world) wantListed() {
	w.t.Helper()
	lines, _ := w.manifests()
	byTarget := map[string]gunzipcsv.Written{}
	for _, l := range lines {
		if _, twice := byTarget[l.Target]; twice {
			w.t.Errorf("%s was entered twice", l.Target)
		}
		byTarget[l.Target] = l
	}
	targets := w.targets()
	for key, content := range targets {
		attrs, err := w.parts.Dest.Attributes(w.t.Context(), key)
		if err != nil {
			w.t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(content))
		l := byTarget[key]
		if l.TargetETag != attrs.ETag || l.TargetSize != int64(len(content)) || l.TargetSHA256 != hex.EncodeToString(sum[:]) || l.SourceETag != attrs.Metadata["source-etag"] || l.Source != attrs.Metadata["source-key"] {
			w.t.Errorf("%s: entered as %+v, is %+v", key, l, attrs)
		}
	}
	if len(byTarget) != len(targets) {
		w.t.Errorf("%d targets in manifests, %d there", len(byTarget), len(targets))
	}
}

func TestManifestHasAllThatWasWritten(t *testing.T) {
	const objects = 700
	w := newWorld(t, nil)
	var keys []string
	for i := range objects {
		key := fmt.Sprintf("%04d.log.gz", i)
		w.put(key, gz(t, fmt.Sprint(i, "\n")))
		keys = append(keys, key)
		if i%2 == 0 {
			w.notify(key)
		}
	}
	f := w.function()
	r := w.mustTick(f) // a part before each acknowledgement
	lines, parts := w.manifests()
	if len(lines) != objects/2 || len(parts) < objects/2/100 || !strings.HasPrefix(parts[0], r.Manifest) {
		t.Fatalf("%d lines in %d parts: %v", len(lines), len(parts), parts)
	}
	if _, err := run(t, f, notices(keys...)); err != nil {
		t.Fatal(err)
	}
	w.wantListed()
}

// TestNothingIsAcknowledgedBeforeItIsListed breaks the folder of the manifests.
func TestNothingIsAcknowledgedBeforeItIsListed(t *testing.T) {
	w := newWorld(t, nil)
	w.put("a.log.gz", gz(t, "1\n"))
	w.notify("a.log.gz")
	if err := w.parts.State.WriteAll(t.Context(), "gunzipcsv/manifests", nil, nil); err != nil {
		t.Fatal(err)
	}
	r, err := run(t, w.function(), tick)
	if err == nil || w.queue.Counts().Acked != 0 || !strings.Contains(r.Error, "list of what was written") {
		t.Fatalf("%v, %+v", err, w.queue.Counts())
	}
	r, err = run(t, w.function(), notices("a.log.gz"))
	if err == nil || r.Status != "failed" {
		t.Fatalf("%v, %+v", err, r)
	}
	if err := w.parts.State.Delete(t.Context(), "gunzipcsv/manifests"); err != nil {
		t.Fatal(err)
	}
	before := w.modTimes()
	if r := w.mustTick(w.function()); r.Unchanged != 1 {
		t.Errorf("%+v", r)
	}
	if !w.modTimes()["a.csv"].Equal(before["a.csv"]) {
		t.Error("the target was written again")
	}
	w.wantListed()
}

// TestAnUnlistedTargetIsProved forgets the manifests, as a kill between a write
// and its entry does.
func TestAnUnlistedTargetIsProved(t *testing.T) {
	w := newWorld(t, nil)
	for _, k := range []string{"a", "b"} {
		w.put(k+".log.gz", gz(t, k+"\n"))
	}
	f := w.function()
	if _, err := run(t, f, notices("a.log.gz", "b.log.gz")); err != nil {
		t.Fatal(err)
	}
	_, parts := w.manifests()
	for _, p := range parts {
		if err := w.parts.State.Delete(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	w.tamper("b.csv", "x\n") // of the same size, and with the metadata kept
	written := w.modTimes()
	r, err := run(t, w.function(), notices("a.log.gz", "b.log.gz"))
	if err != nil || r.Unchanged != 1 || r.Out != 1 {
		t.Fatalf("%v, %+v", err, r)
	}
	if got := w.targets(); got["a.csv"] != "a\n" || got["b.csv"] != "b\n" || !w.modTimes()["a.csv"].Equal(written["a.csv"]) {
		t.Errorf("%q", got)
	}
	w.wantListed()
	_, parts = w.manifests()
	if r, err := run(t, w.function(), notices("a.log.gz", "b.log.gz")); err != nil || r.Unchanged != 2 {
		t.Errorf("%v, %+v", err, r)
	}
	if _, after := w.manifests(); len(after) != len(parts) {
		t.Errorf("what was entered is entered again: %v, then %v", parts, after)
	}
}

// TestTheNameOfARunIsNotTakenOnTrust has targets whose metadata names places
// instead of a run: the notice changes nothing, what is there is entered where this
// run's is, and nobody else is held up.
func TestTheNameOfARunIsNotTakenOnTrust(t *testing.T) {
	for _, name := range []string{"20260101/../../../../x", "20260101/..", "20260101\x00", "20260101 or so", "", "yesterday", "20260101é"} {
		w := newWorld(t, map[string]string{"DEST_URL": "mem://"})
		for _, k := range []string{"a", "b"} {
			w.put(k+".log.gz", gz(t, k+"\n"))
		}
		if _, err := run(t, w.function(), notices("a.log.gz")); err != nil {
			t.Fatal(err)
		}
		attrs, err := w.parts.Dest.Attributes(t.Context(), "a.csv")
		if err != nil {
			t.Fatal(err)
		}
		attrs.Metadata["run"] = name
		if err := w.parts.Dest.WriteAll(t.Context(), "a.csv", []byte("a\n"), &blob.WriterOptions{Metadata: attrs.Metadata}); err != nil {
			t.Fatal(err)
		}
		r, err := run(t, w.function(), notices("a.log.gz", "b.log.gz"))
		if err != nil || r.Unchanged != 1 || r.Out != 1 {
			t.Errorf("%q: %v, %+v", name, err, r)
		}
		if _, parts := w.manifests(); len(parts) != 2 || !strings.HasPrefix(parts[1], r.Manifest) {
			t.Errorf("%q: %v", name, parts)
		}
	}
}
