package gunzipcsv_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gocloud.dev/blob"
	"pgregory.net/rapid"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
)

// damage is something that happens to one of several converted objects, and the
// kind of finding that tells of it.
type damage struct {
	name string
	do   func(w *world, i int)
	kind string
	deep bool // found by content alone
	// where names what the finding is about: the source, if empty.
	where func(i int) string
}

func sourceKey(i int) string { return fmt.Sprintf("day%d/%03d.log.gz", i%3, i) }
func targetKey(i int) string { return fmt.Sprintf("day%d/%03d.csv", i%3, i) }

func damages() []damage {
	check := func(w *world, err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	path := func(w *world, i int) string {
		return filepath.Join(strings.TrimPrefix(w.env["DEST_URL"], "file://"), filepath.FromSlash(targetKey(i)))
	}
	return []damage{
		{name: "overwritten, same size", kind: "altered", do: func(w *world, i int) { w.tamper(targetKey(i), strings.Repeat("x", len(w.targets()[targetKey(i)]))) }},
		{name: "overwritten, another size", kind: "altered", do: func(w *world, i int) { w.tamper(targetKey(i), "more than there was before\n") }},
		{name: "overwritten by somebody else", kind: "altered", do: func(w *world, i int) {
			check(w, w.parts.Dest.WriteAll(w.t.Context(), targetKey(i), []byte("x\n"), nil))
		}},
		{name: "emptied", kind: "altered", do: func(w *world, i int) { w.tamper(targetKey(i), "") }},
		{name: "bytes flipped, time put back", kind: "altered", deep: true, do: func(w *world, i int) {
			was, err := os.Stat(path(w, i))
			check(w, err)
			check(w, overwrite(path(w, i), []byte("!")))
			check(w, os.Chtimes(path(w, i), was.ModTime(), was.ModTime()))
		}},
		{name: "target deleted", kind: "missing", do: func(w *world, i int) { check(w, w.parts.Dest.Delete(w.t.Context(), targetKey(i))) }},
		{name: "source replaced", kind: "stale", do: func(w *world, i int) { w.put(sourceKey(i), gz(w.t, "a later version\n")) }},
		{name: "both deleted", kind: "missing", where: targetKey, do: func(w *world, i int) {
			check(w, w.parts.Source.Delete(w.t.Context(), sourceKey(i)))
			check(w, w.parts.Dest.Delete(w.t.Context(), targetKey(i)))
		}},
		{name: "overwritten after its source went", kind: "altered", where: targetKey, do: func(w *world, i int) {
			check(w, w.parts.Source.Delete(w.t.Context(), sourceKey(i)))
			w.tamper(targetKey(i), "x")
		}},
		{name: "a source nobody told of", kind: "missing", where: func(i int) string { return "new/" + sourceKey(i) }, do: func(w *world, i int) { w.put("new/"+sourceKey(i), gz(w.t, "x\n")) }},
		{name: "went before it was read", kind: "quarantined", where: func(i int) string { return "gone/" + sourceKey(i) }, do: func(w *world, i int) {
			_, err := run(w.t, w.function(), notices("gone/"+sourceKey(i)))
			check(w, err)
		}},
		{name: "a rejected record", kind: "quarantined", where: func(i int) string { return "bad/" + sourceKey(i) + " line 2" }, do: func(w *world, i int) {
			w.put("bad/"+sourceKey(i), gz(w.t, "{\"n\":1}\nbroken\n"))
			_, err := run(w.t, w.function(), notices("bad/"+sourceKey(i)))
			check(w, err)
		}},
		{name: "a rejected object whose source went", kind: "quarantined", where: func(i int) string { return "bad/" + sourceKey(i) }, do: func(w *world, i int) {
			w.put("bad/"+sourceKey(i), []byte("no gzip"))
			_, err := run(w.t, w.function(), notices("bad/"+sourceKey(i)))
			check(w, err)
			check(w, w.parts.Source.Delete(w.t.Context(), "bad/"+sourceKey(i)))
		}},
		{name: "a target from nowhere", kind: "unknown", where: func(i int) string { return "new/" + targetKey(i) }, do: func(w *world, i int) {
			check(w, w.parts.Dest.WriteAll(w.t.Context(), "new/"+targetKey(i), []byte("x"), nil))
		}},
	}
}

const verified = 12

func convertedWorld(t testing.TB) *world {
	w := newWorld(t, nil)
	var keys []string
	for i := range verified {
		w.put(sourceKey(i), gz(t, fmt.Sprintf("%d,b\n", i)))
		keys = append(keys, sourceKey(i))
	}
	if _, err := run(t, w.function(), notices(keys...)); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) verify(o gunzipcsv.VerifyOptions) gunzipcsv.Verified {
	w.t.Helper()
	v, err := w.function().Verify(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func TestEachDamageIsFound(t *testing.T) {
	for _, d := range damages() {
		t.Run(d.name, func(t *testing.T) {
			w := convertedWorld(t)
			for _, deep := range []bool{false, true} {
				if v := w.verify(gunzipcsv.VerifyOptions{Deep: deep}); !v.Complete() || v.Converted != verified {
					t.Fatalf("before: %+v", v)
				}
			}
			d.do(w, 5)
			where := sourceKey(5)
			if d.where != nil {
				where = d.where(5)
			}
			for _, deep := range []bool{false, true} {
				v := w.verify(gunzipcsv.VerifyOptions{Deep: deep})
				want := map[string]string{where: d.kind}
				if d.deep && !deep {
					want = map[string]string{}
				}
				if !maps.Equal(kinds(v), want) || v.Complete() != (len(want) == 0) || v.Unread != 0 {
					t.Errorf("deep %v: %v, want %v", deep, v.Findings, want)
				}
			}
		})
	}
}

// TestRewrittenWithTheSameContent copies a target onto itself, as a change of
// its encryption does.
func TestRewrittenWithTheSameContent(t *testing.T) {
	w := convertedWorld(t)
	w.tamper(targetKey(3), "3,b\n")
	v := w.verify(gunzipcsv.VerifyOptions{})
	if !maps.Equal(kinds(v), map[string]string{sourceKey(3): "altered"}) || !strings.Contains(v.Findings[0].Detail, "--deep") {
		t.Errorf("%v", v.Findings)
	}
	if v := w.verify(gunzipcsv.VerifyOptions{Deep: true}); !v.Complete() || v.Converted != verified {
		t.Errorf("%v", v.Findings)
	}
}

// TestAnyDamageIsFound does several of them at once, and verifies in shards: with
// the content of each target, and by what lists tell.
func TestAnyDamageIsFound(t *testing.T) {
	all := damages()
	rapid.Check(t, func(rt *rapid.T) {
		w := convertedWorld(t)
		victims := rapid.SliceOfNDistinct(rapid.IntRange(0, verified-1), 1, 6, rapid.ID[int]).Draw(rt, "victims")
		want, listed := map[string]string{}, map[string]string{}
		for _, i := range victims {
			d := rapid.SampledFrom(all).Draw(rt, "damage")
			d.do(w, i)
			where := sourceKey(i)
			if d.where != nil {
				where = d.where(i)
			}
			want[where] = d.kind
			if !d.deep {
				listed[where] = d.kind
			}
		}
		shards := rapid.IntRange(1, 9).Draw(rt, "shards")
		whole := w.verify(gunzipcsv.VerifyOptions{Deep: true})
		var sum, lists gunzipcsv.Verified
		for i := range shards {
			share := gunzipcsv.Selection{Shard: gunzipcsv.Shard{Index: i, Of: shards}}
			sum.Add(w.verify(gunzipcsv.VerifyOptions{Deep: true, Selection: share}))
			lists.Add(w.verify(gunzipcsv.VerifyOptions{Selection: share}))
		}
		if sound := whole.Converted + int64(len(want)-len(listed)); !maps.Equal(kinds(lists), listed) || lists.Objects != whole.Objects || lists.Gone != whole.Gone || lists.Converted != sound {
			rt.Fatalf("by lists: %+v, want %v and %d sound", lists, listed, sound)
		}
		if !maps.Equal(kinds(whole), want) {
			rt.Fatalf("%v, want %v", whole.Findings, want)
		}
		wantSame(rt, sum, whole)
	})
}

// wantSame compares verifications but for the order of their findings.
func wantSame(t interface{ Fatalf(string, ...any) }, got, want gunzipcsv.Verified) {
	key := func(v gunzipcsv.Verified) string {
		var list []string
		for _, f := range v.Findings {
			list = append(list, fmt.Sprint(f))
		}
		slices.Sort(list)
		v.Findings = nil
		return fmt.Sprintf("%+v %q", v, list)
	}
	if key(got) != key(want) {
		t.Fatalf("%s\nwant %s", key(got), key(want))
	}
}

// TestVerifySpan looks at what was written in a span of time alone, and reads
// no manifest from before it.
func TestVerifySpan(t *testing.T) {
	w := convertedWorld(t)
	dir := strings.TrimPrefix(w.env["SOURCE_URL"], "file://")
	old := time.Now().AddDate(0, 0, -10)
	for i := range 4 { // written, and converted, ten days ago
		if err := os.Chtimes(filepath.Join(dir, sourceKey(i)), old, old); err != nil {
			t.Fatal(err)
		}
		if err := w.parts.Dest.Delete(t.Context(), targetKey(i)); err != nil {
			t.Fatal(err)
		}
	}
	past := "gunzipcsv/manifests/" + old.UTC().Format("2006/01/02/") + "20260101T000000.000-XXXXXXXXXX-00001-1.jsonl.gz"
	if err := w.parts.State.WriteAll(t.Context(), past, []byte("cannot be read"), nil); err != nil {
		t.Fatal(err)
	}
	from := time.Now().AddDate(0, 0, -2)
	v := w.verify(gunzipcsv.VerifyOptions{Selection: gunzipcsv.Selection{From: from}})
	// The four targets that are gone were written within the span's manifests,
	// and from sources that were of the span then.
	if v.Objects != verified-4 || v.Converted != verified-4 || v.Unread != 0 || v.Kinds["missing"] != 4 {
		t.Errorf("%+v", v)
	}
	v = w.verify(gunzipcsv.VerifyOptions{})
	if v.Objects != verified || v.Unread != 1 || v.Kinds["unread"] != 1 {
		t.Errorf("a manifest that cannot be read: %+v", v)
	}
}

// TestTargetsWithoutARecord loses the state: each target is named, and a
// backfill compares and enters it without writing it again.
func TestTargetsWithoutARecord(t *testing.T) {
	w := convertedWorld(t)
	if err := removeDir(w.env["STATE_URL"]); err != nil {
		t.Fatal(err)
	}
	v := w.verify(gunzipcsv.VerifyOptions{})
	if v.Kinds["unknown"] != verified || v.Found != verified || v.Converted != 0 {
		t.Errorf("without manifests: %+v", v)
	}
	w.tamper(targetKey(1), "!,b\n")
	before := w.modTimes()
	if err := w.function().Backfill(t.Context(), gunzipcsv.Selection{}, quietly); err != nil {
		t.Fatal(err)
	}
	if v := w.verify(gunzipcsv.VerifyOptions{Deep: true}); !v.Complete() || v.Converted != verified {
		t.Errorf("after a backfill: %+v", v)
	}
	for key, at := range w.modTimes() {
		if at.Equal(before[key]) == (key == targetKey(1)) {
			t.Errorf("%s: written again, though it was as it should be; or not, though it was not", key)
		}
	}
}

// Targets of the first release name no run. That is said, and not that they are
// wrong.
func TestTargetsOfAReleaseWithoutManifests(t *testing.T) {
	w := convertedWorld(t)
	if err := removeDir(w.env["STATE_URL"]); err != nil {
		t.Fatal(err)
	}
	for key, content := range w.targets() {
		attrs, err := w.parts.Dest.Attributes(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		delete(attrs.Metadata, "run")
		if err := w.parts.Dest.WriteAll(t.Context(), key, []byte(content), &blob.WriterOptions{Metadata: attrs.Metadata}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.parts.Source.Delete(t.Context(), sourceKey(2)); err != nil {
		t.Fatal(err)
	}
	v := w.verify(gunzipcsv.VerifyOptions{})
	if v.Kinds["unknown"] != verified || v.Found != verified {
		t.Errorf("%+v", v)
	}
	for _, f := range v.Findings {
		if want := "of a release that kept no list"; !strings.Contains(f.Detail, want) || strings.Contains(f.Detail, "()") {
			t.Errorf("%+v", f)
		}
	}
	if err := w.function().Backfill(t.Context(), gunzipcsv.Selection{}, quietly); err != nil {
		t.Fatal(err)
	}
	if v := w.verify(gunzipcsv.VerifyOptions{}); v.Found != 1 || v.Converted != verified-1 {
		t.Errorf("%+v", v)
	}
}
