package gunzipcsv_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
)

// What an operator accepts as lost is no finding any more, whether its source is
// gone or still there and broken; what is rejected anew is.
func TestAcceptedLossesAreNoFindings(t *testing.T) {
	w := convertedWorld(t)
	w.put("bad/broken.log.gz", []byte("no gzip"))
	w.put("bad/record.log.gz", gz(t, "{\"n\":1}\nbroken\n"))
	if _, err := run(t, w.function(), notices("bad/gone.log.gz", "bad/broken.log.gz", "bad/record.log.gz")); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"bad/gone.log.gz": "quarantined", "bad/broken.log.gz": "quarantined", "bad/record.log.gz line 2": "quarantined"}
	if v := w.verify(gunzipcsv.VerifyOptions{}); !maps.Equal(kinds(v), want) || v.Accepted != 0 {
		t.Fatalf("%v", v.Findings)
	}
	s := quarantine.New(w.parts.Quarantine, "gunzipcsv")
	accept := func(code string) {
		t.Helper()
		n := 0
		err := s.Accept(t.Context(), func(r quarantine.Record) bool { return r.Code == code }, func(quarantine.Acceptance) { n++ })
		if err != nil || n != 1 {
			t.Errorf("%s: %d objects, %v", code, n, err)
		}
	}
	accept("object_gone")
	delete(want, "bad/gone.log.gz")
	if v := w.verify(gunzipcsv.VerifyOptions{}); !maps.Equal(kinds(v), want) || v.Accepted != 1 {
		t.Errorf("%v", v.Findings)
	}
	accept("not_gzip")
	for _, rec := range w.quarantined() {
		if rec.Code != "object_gone" && rec.Code != "not_gzip" {
			accept(rec.Code)
		}
	}
	if v := w.verify(gunzipcsv.VerifyOptions{Deep: true}); !v.Complete() || v.Accepted != 3 || v.Records != 0 {
		t.Errorf("%+v", v)
	}
	w.put("bad/broken.log.gz", []byte("no gzip either"))
	if _, err := run(t, w.function(), notices("bad/broken.log.gz")); err != nil {
		t.Fatal(err)
	}
	if v := w.verify(gunzipcsv.VerifyOptions{}); v.Found != 1 || v.Kinds["quarantined"] != 1 {
		t.Errorf("rejected anew: %+v", v)
	}
}

// A backfill meets a broken object again whenever it is called: what was accepted
// stays so, until it is another version or another fault.
func TestABackfillKeepsWhatIsAccepted(t *testing.T) {
	w := newWorld(t, nil)
	w.put("good.log.gz", gz(t, "1\n"))
	w.put("broken.log.gz", []byte("no gzip"))
	attrs, err := w.parts.Source.Attributes(t.Context(), "broken.log.gz")
	if err != nil {
		t.Fatal(err)
	}
	told := notices("broken.log.gz")
	told.Notices[0].ETag = strings.Trim(attrs.ETag, `"`)
	told.Notices[0].Time = attrs.ModTime
	if _, err := run(t, w.function(), told); err != nil {
		t.Fatal(err)
	}
	backfill := func() {
		t.Helper()
		if err := w.function().Backfill(t.Context(), gunzipcsv.Selection{}, quietly); err != nil {
			t.Fatal(err)
		}
	}
	backfill()
	if q := w.quarantined(); len(q) != 1 {
		t.Fatalf("one version is in quarantine %d times", len(q))
	}
	s := quarantine.New(w.parts.Quarantine, "gunzipcsv")
	if err := s.Accept(t.Context(), func(quarantine.Record) bool { return true }, func(quarantine.Acceptance) {}); err != nil {
		t.Fatal(err)
	}
	backfill()
	if _, err := run(t, w.function(), told); err != nil { // delivered again
		t.Fatal(err)
	}
	if v := w.verify(gunzipcsv.VerifyOptions{}); !v.Complete() || v.Accepted != 1 || v.Converted != 1 {
		t.Errorf("%+v", v)
	}
	w.put("broken.log.gz", []byte("another one, no gzip"))
	backfill()
	if v := w.verify(gunzipcsv.VerifyOptions{}); v.Found != 1 || v.Kinds["quarantined"] != 1 || v.Accepted != 1 {
		t.Errorf("another version: %+v", v)
	}
}
