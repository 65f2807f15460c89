package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/report"
)

// Each receipt that is removed, altered or put into the past is a finding of the
// page, on its day and however often the page is made, whether days were rolled
// up before or not; and none is where all is as it was.
func TestBrokenChain(t *testing.T) {
	for name, before := range map[string]bool{"rolled up before": true, "not rolled up": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.days(6, nil, nil)
				gather := func() report.Function { return w.gather(0, 6) }
				if before {
					if f := gather(); len(f.Findings) > 0 {
						t.Fatalf("%v", f.Findings)
					}
				}
				want := func(what string, day int, kind, where string) {
					t.Helper()
					for range 2 {
						f := gather()
						if len(f.Findings) != 1 || f.Findings[0].Kind != kind || f.Findings[0].Where != where || f.Days[day].Verdict != report.Gap {
							t.Errorf("%s: %v, and the day is %s", what, f.Findings, f.Days[day].Verdict)
						}
					}
				}
				keys, err := w.b.Keys(t.Context(), "f/receipts/")
				if err != nil {
					t.Fatal(err)
				}
				put := func(key string, text []byte) {
					t.Helper()
					if err := w.b.WriteAll(t.Context(), key, text, nil); err != nil {
						t.Fatal(err)
					}
				}
				for _, i := range []int{0, 3, 7, 11, 16, 22} { // some the last of their day
					day, key := i/4, keys[i]
					text, err := w.b.ReadAll(t.Context(), key)
					if err != nil {
						t.Fatal(err)
					}
					if err := w.b.Delete(t.Context(), key); err != nil {
						t.Fatal(err)
					}
					want("removed", day, receipt.Missing, key)
					put(key, append(slices.Clone(text), '\n'))
					want("altered", day, receipt.Altered, key)
					put(key, text)
					n, err := receipt.NameOf(key)
					if err != nil {
						t.Fatal(err)
					}
					forged := bytes.Replace(text, []byte(`"bytes_in":0`), []byte(`"bytes_in":1`), 1)
					n.At, n.SHA256 = n.At.Add(time.Minute), sumOf(forged)
					put(n.Key("f"), forged)
					w.run(time.Now().Add(time.Minute), nil)
					w.run(time.Now().Add(time.Minute), nil)
					w.run(time.Now().Add(time.Minute), nil)
					want("put there", day, receipt.Unknown, n.Key("f"))
					if err := w.b.Delete(t.Context(), n.Key("f")); err != nil {
						t.Fatal(err)
					}
					if f := gather(); len(f.Findings) > 0 {
						t.Errorf("as it was: %v", f.Findings)
					}
				}
			})
		})
	}
}

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
