package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/report"
)

// world is the state of a function that runs every six hours and is proven every
// day at 03:00, from the first day of a synctest bubble on.
type world struct {
	*testing.T
	b     *bucket.Bucket
	first time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	b, err := bucket.Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return &world{t, b, time.Now().UTC().Truncate(24 * time.Hour)}
}

// run keeps the receipt of a run that is done as change says.
func (w *world) run(at time.Time, change func(*receipt.Core)) receipt.Core {
	w.Helper()
	time.Sleep(time.Until(at))
	c := receipt.Start("f")
	c.In, c.Out, c.Filtered, c.Quarantined = 100, 90, 9, 1
	c.Lag("a", 10*time.Minute)
	c.Finish(receipt.Outcome{Status: receipt.OK})
	if change != nil {
		change(&c)
	}
	if err := receipt.Save(w.Context(), w.b, &c); err != nil {
		w.Fatal(err)
	}
	return c
}

// prove keeps the outcome of a proof of the two days before at.
func (w *world) prove(at time.Time, found ...receipt.Finding) {
	w.Helper()
	time.Sleep(time.Until(at))
	v := receipt.NewVerified()
	v.From, v.To, v.Checked = at.Add(-50*time.Hour), at.Add(-2*time.Hour), 400
	v.Find(found...)
	if err := receipt.SaveVerification(w.Context(), w.b, receipt.Verification{Function: "f", Verify: v}); err != nil {
		w.Fatal(err)
	}
}

// days runs n days of all being well, but for what change does to the receipts
// of a day, and for found at the proof of it, the morning after.
func (w *world) days(n int, change func(day, run int, c *receipt.Core), found func(day int) []receipt.Finding) {
	w.Helper()
	for day := range n {
		at := w.first.AddDate(0, 0, day)
		for run := range 4 {
			w.run(at.Add(time.Duration(1+6*run)*time.Hour), func(c *receipt.Core) {
				if change != nil {
					change(day, run, c)
				}
			})
			if run == 0 && day > 1 {
				var list []receipt.Finding
				if found != nil {
					list = found(day - 1)
				}
				w.prove(at.Add(3*time.Hour), list...)
			}
		}
	}
}

func (w *world) gather(from, to int) report.Function {
	w.Helper()
	f, err := report.Gather(w.Context(), w.b, w.b, "f", report.Span{From: w.first.AddDate(0, 0, from), To: w.first.AddDate(0, 0, to)})
	if err != nil {
		w.Fatal(err)
	}
	return f
}

func TestGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.days(12, func(day, run int, c *receipt.Core) {
			c.Version = fmt.Sprintf("v1.%d.0", day/6)
			switch {
			case day == 3 && run == 2:
				c.Finish(receipt.Outcome{Status: receipt.Failed, Err: errors.New("HEC_URL: refused")})
			case day == 4 && run == 1:
				c.Lag("a", 2*time.Hour)
			case day == 5 && run == 1:
				c.Out-- // one vanished
			case day == 6 && run == 3:
				c.Status = receipt.Running
			}
		}, func(day int) []receipt.Finding {
			// A gap of day 8 is named by the proofs of the mornings after 8 and 9: the
			// page names it once.
			if day == 8 || day == 9 {
				return []receipt.Finding{{Kind: receipt.Gap, Where: "slice of day 8", Detail: "never read"}}
			}
			return nil
		})
		q := quarantine.New(w.b, "f")
		if _, err := q.Put(t.Context(), time.Now(), "x", quarantine.Entry{Function: "f", Code: "too_long", Source: []byte(`{"org":"a","page":7}`)}, []byte("secret content")); err != nil {
			t.Fatal(err)
		}
		f := w.gather(0, 11)
		var got []string
		for _, d := range f.Days {
			got = append(got, string(d.Verdict))
		}
		want := []string{
			"not looked at", // the first proof began at one in the morning of it
			"complete", "complete", "late", "late", "gap", "complete", "complete", "gap", "gap", "complete",
			"not looked at", // the last day is not over
		}
		if strings.Join(got, ",") != strings.Join(want, ",") {
			t.Errorf("verdicts\n%q, want\n%q", got, want)
		}
		if n := f.Totals; n.Runs != 48 || n.In != 4800 || n.Delivered != 48*90-1 || n.Out != n.Delivered || n.Filtered != 48*9 || n.Quarantined != 48 || n.Failed != 1 || n.Killed != 1 || n.Unbalanced != 1 {
			t.Errorf("totals %+v", n)
		}
		if len(f.Findings) != 2 || f.Findings[0].Kind != receipt.Unbalanced || f.Findings[1].Kind != receipt.Gap || f.MoreFindings != 0 {
			t.Errorf("findings %+v, %d more", f.Findings, f.MoreFindings)
		}
		if v := f.Versions; len(v) != 2 || v[0].Runs != 24 || !v[1].First.Equal(w.first.AddDate(0, 0, 6)) || !v[1].Last.Equal(w.first.AddDate(0, 0, 11)) {
			t.Errorf("versions %+v", v)
		}
		if got := w.gather(2, 2); len(got.Days) != 1 || got.Totals.Runs != 4 || got.Days[0].Verdict != report.Complete {
			t.Errorf("a day alone: %+v", got)
		}

		var html bytes.Buffer
		if err := (report.Page{Made: time.Now(), Version: "v1.0.0", Functions: []report.Function{f}}).Write(&html); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"slice of day 8", "too_long", `{&#34;org&#34;:&#34;a&#34;,&#34;page&#34;:7}`, "4,319", f.Days[3].Root, "v1.1.0"} {
			if !strings.Contains(html.String(), want) {
				t.Errorf("%q is not in the page", want)
			}
		}
		if strings.Contains(html.String(), "secret content") {
			t.Error("the page shows what is in quarantine")
		}
	})
}

// A day that is not over is judged by what ran on it.
func TestToday(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.run(w.first.Add(time.Hour), nil)
		verdict := func() report.Verdict { return w.gather(0, 0).Days[0].Verdict }
		if got := verdict(); got != report.Unseen {
			t.Errorf("without a proof: %s", got)
		}
		w.prove(w.first.Add(2 * time.Hour)) // up to two hours before
		if got := verdict(); got != report.Complete {
			t.Errorf("proven: %s", got)
		}
		w.run(w.first.Add(3*time.Hour), nil)
		if got := verdict(); got != report.Unseen {
			t.Errorf("with another run: %s", got)
		}
		w.prove(w.first.Add(4 * time.Hour))
		if got := verdict(); got != report.Complete {
			t.Errorf("proven again: %s", got)
		}
		time.Sleep(24 * time.Hour)
		if got := verdict(); got != report.Unseen {
			t.Errorf("when it was over: %s", got)
		}
	})
}

// The day's sum is what `sha256sum * | sha256sum` prints, and another receipt, or
// another byte in one, makes it another.
func TestRoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.days(1, nil, nil)
		keys, err := w.b.Keys(t.Context(), "f/receipts/")
		if err != nil || len(keys) != 4 {
			t.Fatal(keys, err)
		}
		all := sha256.New()
		for _, key := range keys {
			data, err := w.b.ReadAll(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(data)
			_, _ = fmt.Fprintf(all, "%s  %s\n", hex.EncodeToString(sum[:]), path.Base(key))
		}
		root := w.gather(0, 0).Days[0].Root
		if root != hex.EncodeToString(all.Sum(nil)) {
			t.Errorf("%s", root)
		}
		data, err := w.b.ReadAll(t.Context(), keys[1])
		if err != nil {
			t.Fatal(err)
		}
		if err := w.b.WriteAll(t.Context(), keys[1], append(data, '\n'), nil); err != nil {
			t.Fatal(err)
		}
		altered := w.gather(0, 0).Days[0].Root
		if err := w.b.Delete(t.Context(), keys[1]); err != nil {
			t.Fatal(err)
		}
		if removed := w.gather(0, 0).Days[0].Root; altered == root || removed == root || removed == altered {
			t.Error(root, altered, removed)
		}
	})
}

// What anybody may write into a receipt or a finding is text on the page.
func TestNothingBreaksOut(t *testing.T) {
	const evil = `"><script>alert(1)</script>`
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.days(4, func(_, _ int, c *receipt.Core) { c.Version = evil }, func(int) []receipt.Finding {
			return []receipt.Finding{{Kind: evil, Where: evil, Detail: evil}}
		})
		q := quarantine.New(w.b, "f")
		if _, err := q.Put(t.Context(), time.Now(), "x", quarantine.Entry{Function: "f", Code: evil, Source: []byte(`{"key":"</code><script>"}`)}, nil); err != nil {
			t.Fatal(err)
		}
		var html bytes.Buffer
		if err := (report.Page{Version: evil, Functions: []report.Function{w.gather(0, 3)}}).Write(&html); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(html.String(), "<script"); n != 1 || strings.Contains(html.String(), "alert(1)</script>") { // the page has one of its own
			t.Error(html.String())
		}
	})
}

// What a proof found is named on the page, not only what its answer had room for.
func TestFindingsOfProofsAreNamed(t *testing.T) {
	for name, c := range map[string]struct{ found, named int }{"all": {250, 250}, "what the page has room for": {1400, 300}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.days(4, nil, func(day int) (list []receipt.Finding) {
					if day != 2 {
						return nil
					}
					for i := range c.found {
						list = append(list, receipt.Finding{Kind: receipt.Missing, Where: fmt.Sprint("object ", i), Detail: "it is not there"})
					}
					return list
				})
				f := w.gather(0, 4)
				if len(f.Findings) != c.named || f.MoreFindings != int64(c.found-c.named) {
					t.Fatalf("%d findings are named and %d more counted, of %d", len(f.Findings), f.MoreFindings, c.found)
				}
				if last := f.Findings[c.named-1].Where; last != fmt.Sprint("object ", c.named-1) {
					t.Errorf("the last that is named is %s", last)
				}
			})
		})
	}
}
