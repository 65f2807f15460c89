package receipt_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// history is the state of a function called f, whose receipts are its runs'.
type history struct {
	testing.TB
	state *bucket.Bucket
}

func newHistory(t testing.TB, url string) *history {
	t.Helper()
	b, err := bucket.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return &history{t, b}
}

// run keeps the receipt of a run, and returns its key.
func (h *history) run() string {
	h.Helper()
	c := receipt.Start("f")
	c.In, c.Out = 10, 10
	c.Finish(receipt.Outcome{Status: receipt.OK})
	if err := receipt.Save(h.Context(), h.state, &c); err != nil {
		h.Fatal(err)
	}
	return c.Key()
}

// runs keeps those of n runs, one every so often.
func (h *history) runs(n int, every time.Duration) (keys []string) {
	h.Helper()
	for range n {
		keys = append(keys, h.run())
		time.Sleep(every)
	}
	return keys
}

// check returns what is found, as "kind key", and what is counted.
func (h *history) check(ctx context.Context) ([]string, receipt.Chained) {
	h.Helper()
	list, told, err := receipt.Read(ctx, h.state, "f", receipt.ReadSpan{}, func(receipt.Core) {})
	if err != nil {
		h.Fatal(err)
	}
	found := []string{}
	for _, f := range list.Findings {
		found = append(found, f.Kind+" "+f.Where)
	}
	slices.Sort(found)
	return found, told
}

// want checks that just these are found.
func (h *history) want(what string, want ...string) receipt.Chained {
	h.Helper()
	return h.wantAt(h.Context(), what, want...)
}

// wantAt is want with a context.
func (h *history) wantAt(ctx context.Context, what string, want ...string) receipt.Chained {
	h.Helper()
	found, told := h.check(ctx)
	slices.Sort(want)
	if !slices.Equal(found, append([]string{}, want...)) {
		h.Errorf("%s: %q, want %q", what, found, want)
	}
	return told
}

func (h *history) read(key string) []byte {
	h.Helper()
	text, err := h.state.ReadAll(h.Context(), key)
	if err != nil {
		h.Fatal(err)
	}
	return text
}

func (h *history) write(key string, text []byte) {
	h.Helper()
	if err := h.state.WriteAll(h.Context(), key, text, nil); err != nil {
		h.Fatal(err)
	}
}

func (h *history) remove(key string) {
	h.Helper()
	if err := h.state.Delete(h.Context(), key); err != nil {
		h.Fatal(err)
	}
}

// Each single receipt but the newest that is removed, altered by a byte or
// written anew with the same content, or that changes places with another, is
// named, and no other is; nothing is once all is as it was.
func TestEachDamageOfTheChainIsNamed(t *testing.T) {
	for _, url := range []string{"mem://", "file://"} {
		t.Run(url, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if url == "file://" {
					url += t.TempDir()
				}
				h := newHistory(t, url)
				keys := h.runs(12, 15*time.Minute)
				keys = append(keys, h.runs(3, 30*time.Hour)...)
				if told := h.want("nothing"); told.Chained != 14 || told.Unfollowed != 1 || len(told.Newest) != 1 {
					t.Errorf("%+v", told)
				}
				for i, key := range keys[:len(keys)-1] {
					text := h.read(key)
					h.remove(key)
					h.want("removed", "missing "+key)
					for _, change := range []func([]byte) []byte{
						func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
						func(b []byte) []byte { b[0] = ' '; return b },
						func(b []byte) []byte { return bytes.Replace(b, []byte(`"in":10`), []byte(`"in":11`), 1) },
						func(b []byte) []byte { return append(b, '\n') },
						func([]byte) []byte { return nil },
						anew,
					} {
						h.write(key, change(slices.Clone(text)))
						h.want("altered", "altered "+key)
					}
					other := keys[(i+5)%(len(keys)-1)]
					theirs := h.read(other)
					h.write(key, theirs)
					h.write(other, text)
					h.want("exchanged", "altered "+key, "altered "+other)
					h.write(key, text)
					h.write(other, theirs)
				}
				h.want("all as it was")
			})
		})
	}
}

// anew is the same JSON, encoded anew.
func anew(text []byte) []byte {
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		panic(err)
	}
	out, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		panic(err)
	}
	return out
}

// under is the key under which text would lie as the receipt of a run that ended
// at another time.
func under(text []byte, at time.Time, id string) string {
	sum := sha256.Sum256(text)
	return receipt.Name{At: at, ID: id, SHA256: hex.EncodeToString(sum[:])}.Key("f")
}

// A receipt that is put into the past is named once runs have gone on, whatever
// it says that it follows; and so is one that was given another time, or another
// hash for what it holds now.
func TestWhatIsPutIntoThePastIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t, "mem://")
		keys := h.runs(8, 15*time.Minute)
		for i, key := range keys[:len(keys)-3] {
			text := h.read(key)
			n, err := receipt.NameOf(key)
			if err != nil {
				t.Fatal(err)
			}
			forged := bytes.Replace(text, []byte(`"in":10`), []byte(`"in":99`), 1)
			put := under(forged, n.At.Add(time.Minute), "FORGEDFORG")
			h.write(put, forged)
			keys = append(keys, h.runs(3, 15*time.Minute)...)
			h.want("inserted", "unknown "+put)
			h.remove(put)

			moved := under(text, n.At.Add(time.Minute), n.ID)
			h.write(moved, text)
			h.remove(key)
			keys = append(keys, h.runs(3, 15*time.Minute)...)
			h.want("moved", "missing "+key, "unknown "+moved)
			h.remove(moved)

			renamed := under(forged, n.At, n.ID)
			h.write(renamed, forged)
			keys = append(keys, h.runs(3, 15*time.Minute)...)
			h.want(fmt.Sprint("forged ", i), "missing "+key, "unknown "+renamed)
			h.remove(renamed)
			h.write(key, text)
		}
		h.write(strings.Replace(keys[0], ".json", ".txt", 1), nil)
		h.want("no receipt", "unknown "+strings.Replace(keys[0], ".json", ".txt", 1))
	})
}

// The newest receipts are missed by a verification after one that has seen them.
func TestTheNewestIsMissedAfterAVerification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t, "mem://")
		keys := h.runs(4, time.Hour)
		last := keys[len(keys)-1]
		text := h.read(last)
		h.remove(last)
		h.want("before there was a verification")
		h.write(last, text)
		v := receipt.NewVerified()
		_, v.Receipts = h.check(t.Context())
		if err := receipt.SaveVerification(t.Context(), h.state, receipt.Verification{Function: "f", Verify: v}); err != nil {
			t.Fatal(err)
		}
		h.want("all there")
		h.remove(last)
		h.want("removed", "missing "+last)
		h.write(last, text)
		h.runs(3, time.Hour)
		h.want("followed")
	})
}

// What a run keeps while it goes on is no part of the chain, and goes when it has
// ended; what a killed one leaves behind is no finding, nor are receipts of a
// release before there was a chain. Each run is read once.
func TestReceiptsOutsideTheChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t, "mem://")
		old := receipt.Start("f")
		old.Finish(receipt.Outcome{Status: receipt.OK})
		if err := h.state.PutJSON(t.Context(), old.Key(), &old); err != nil {
			t.Fatal(err)
		}
		h.runs(2, time.Hour)
		var left []string
		for i := range 3 {
			c := receipt.Start("f")
			c.Status = receipt.Running
			for range 2 {
				if err := receipt.Save(t.Context(), h.state, &c); err != nil {
					t.Fatal(err)
				}
			}
			left = append(left, c.Key())
			text := h.read(c.Key())
			time.Sleep(30 * time.Minute)
			if i == 0 {
				continue // killed
			}
			c.Finish(receipt.Outcome{Status: receipt.OK})
			if err := receipt.Save(t.Context(), h.state, &c); err != nil {
				t.Fatal(err)
			}
			if ok, err := h.state.Exists(t.Context(), left[i]); err != nil || ok {
				t.Errorf("the receipt of a run that has ended is still kept as if it went on: %v", err)
			}
			if i == 1 {
				h.write(left[i], text) // killed before it could remove it
			}
		}
		h.runs(2, time.Hour)
		if told := h.want("nothing"); told.Chained != 5 || told.Unfollowed != 1 || told.Unchained != 3 {
			t.Errorf("%+v", told)
		}
		runs := map[string]receipt.Status{}
		if _, _, err := receipt.Read(t.Context(), h.state, "f", receipt.ReadSpan{}, func(c receipt.Core) {
			if _, again := runs[c.Run]; again {
				t.Errorf("%s is read twice", c.Run)
			}
			runs[c.Run] = c.Status
		}); err != nil || len(runs) != 8 {
			t.Errorf("%d runs, %v", len(runs), err)
		}
		for run, status := range runs {
			if wantRunning := strings.Contains(left[0], run); (status == receipt.Running) != wantRunning {
				t.Errorf("%s is %s", run, status)
			}
		}
	})
}

// What a store removes by itself once it is very old is not missed, nor what was
// pruned; what is gone from among the others is.
func TestWhatHasExpiredIsNotMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t, "mem://")
		keys := h.runs(4*20, 6*time.Hour)
		for i, key := range keys[:4*7] { // a week, the last day of it in part
			if i < 4*6 || i%2 > 0 {
				h.remove(key)
			}
		}
		h.want("expired")
		h.remove(keys[4*10])
		h.want("removed", "missing "+keys[4*10])
		h.remove(keys[4*18])
		h.want("removed lately", "missing "+keys[4*10], "missing "+keys[4*18])
		pruned, err := receipt.NameOf(keys[4*19])
		if err != nil {
			t.Fatal(err)
		}
		span := receipt.ReadSpan{Pruned: pruned.At}
		if list, _, err := receipt.Read(t.Context(), h.state, "f", span, func(receipt.Core) {}); err != nil || list.Found != 0 {
			t.Errorf("pruned: %v, %v", list, err)
		}
	})
}

// A span is looked at from its beginning on.
func TestChainOfASpan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t, "mem://")
		keys := h.runs(4*6, 6*time.Hour)
		h.remove(keys[4])
		h.remove(keys[4*4])
		n, err := receipt.NameOf(keys[4*3])
		if err != nil {
			t.Fatal(err)
		}
		list, _, err := receipt.Read(t.Context(), h.state, "f", receipt.ReadSpan{From: n.At}, func(receipt.Core) {})
		if err != nil || len(list.Findings) != 1 || list.Findings[0].Where != keys[4*4] {
			t.Errorf("%v, %v", list.Findings, err)
		}
	})
}
