package rollup_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/rollup"
	"github.com/siemfeed/siemfeed/pkg/rollup/rolluptest"
)

// date is a day that is over.
var date = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

const folder = "f/receipts/2026/03/01/"

// tester is a *testing.T or a *rapid.T.
type tester interface {
	Helper()
	Fatal(args ...any)
	Context() context.Context
}

func open(t *testing.T, url string) *bucket.Bucket {
	t.Helper()
	b, err := bucket.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func put(t tester, b *bucket.Bucket, key string, v any) {
	t.Helper()
	text, ok := v.([]byte)
	if !ok {
		var err error
		if text, err = json.Marshal(v); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.WriteAll(t.Context(), key, text, nil); err != nil {
		t.Fatal(err)
	}
}

func read(t tester, b *bucket.Bucket, o rollup.Options) (rollup.Day, bool) {
	t.Helper()
	r := rollup.NewReader(b, "f", o)
	d, err := r.Day(t.Context(), date)
	if err == nil {
		err = r.Keep(t.Context(), d)
	}
	if err != nil {
		t.Fatal(err)
	}
	rolled := d.RolledUp
	d.RolledUp = false
	return d, rolled
}

// run is the receipt of a run at a minute of the day.
func run(minute int) (key string, c *receipt.Core) {
	c = &receipt.Core{Function: "f", Version: "v1", Status: receipt.OK, In: 10, Out: 8, Filtered: 1, Quarantined: 1, StartedAt: date.Add(time.Duration(minute) * time.Minute)}
	c.Run = c.StartedAt.Format("20060102T150405.000") + "-X"
	return c.Key(), c
}

// anyRun is a receipt of any kind.
func anyRun(t *rapid.T) (key string, v any) {
	key, c := run(rapid.IntRange(0, 24*60-1).Draw(t, "minute"))
	c.Version = rapid.SampledFrom([]string{"", "v1", "v2"}).Draw(t, "version")
	c.Status = rapid.SampledFrom([]receipt.Status{receipt.OK, receipt.Partial, receipt.Busy, receipt.Failed, receipt.Running}).Draw(t, "status")
	c.Out += rapid.SampledFrom([]int64{0, 0, 0, 1}).Draw(t, "too many")
	if c.Status == receipt.Failed {
		c.Code = rapid.SampledFrom([]receipt.Code{receipt.Misconfigured, receipt.Unavailable}).Draw(t, "code")
		c.Error = rapid.StringN(0, 500, 500).Draw(t, "error")
	}
	if rapid.Bool().Draw(t, "lag") {
		c.Lag("a", time.Duration(rapid.IntRange(0, 7200).Draw(t, "seconds"))*time.Second)
	}
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		return key, []byte("no receipt")
	case 1:
		events := c.Out
		c.Out *= 3
		return key, struct {
			*receipt.Core
			EventsOut int64 `json:"events_out"`
		}{c, events}
	}
	return key, c
}

// What a roll-up tells is what its receipts say, whatever is in them and
// whatever was done to them since.
func TestRolledUpIsAsRead(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b, err := bucket.Open(t.Context(), "mem://")
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = b.Close() }()
		check := func(what string, must bool) {
			got, rolled := read(rt, b, rollup.Options{})
			want, _ := read(rt, b, rollup.Options{Reread: true})
			if rolled != must {
				rt.Fatalf("%s: rolled up: %v", what, rolled)
			}
			if !reflect.DeepEqual(got, want) {
				rt.Fatalf("%s\n%+v, want\n%+v", what, got, want)
			}
		}
		key, v := anyRun(rt)
		put(rt, b, key, v)
		for range rapid.IntRange(0, 30).Draw(rt, "receipts") {
			key, v := anyRun(rt)
			put(rt, b, key, v)
		}
		check("first", false)
		check("again", true)
		for range 3 {
			keys, err := b.Keys(t.Context(), folder)
			if err != nil {
				rt.Fatal(err)
			}
			victim := rapid.SampledFrom(keys).Draw(rt, "victim")
			what := rapid.SampledFrom([]string{"removed", "altered", "added", "renamed"}).Draw(rt, "what")
			text, err := b.ReadAll(t.Context(), victim)
			if err != nil {
				rt.Fatal(err)
			}
			switch what {
			case "removed":
				if len(keys) == 1 {
					continue
				}
				err = b.Delete(t.Context(), victim)
			case "altered": // to as many bytes
				text[rapid.IntRange(0, len(text)-1).Draw(rt, "byte")] ^= 1
				put(rt, b, victim, text)
			case "added":
				put(rt, b, strings.Replace(victim, ".json", "-2.json", 1), text)
			case "renamed":
				err = errors.Join(b.Copy(t.Context(), strings.Replace(victim, ".json", "Y.json", 1), victim, nil), b.Delete(t.Context(), victim))
			}
			if err != nil {
				rt.Fatal(err)
			}
			check(what, false)
			check("after it was "+what, true)
		}
	})
}

// A roll-up that was damaged, is of another release's form, or belongs to another
// day or function tells nothing, and is made anew.
func TestRollUpIsNotTrusted(t *testing.T) {
	const kept = "f/rollup/2026/03/01/v1.json"
	b := open(t, "mem://")
	for i := range 20 {
		key, c := run(i)
		put(t, b, key, c)
		c.Function = "g"
		put(t, b, c.Key(), c)
		key, c = run(24*60 + i)
		c.In, c.Out = 1000, 998
		put(t, b, key, c)
	}
	want, _ := read(t, b, rollup.Options{})
	for _, other := range []struct {
		function string
		day      time.Time
	}{{"g", date}, {"f", date.AddDate(0, 0, 1)}} {
		if _, err := rollup.Read(t.Context(), b, other.function, rollup.Span{From: other.day, To: other.day}); err != nil {
			t.Fatal(err)
		}
	}
	good, err := b.ReadAll(t.Context(), kept)
	if err != nil {
		t.Fatal(err)
	}
	of := func(key string) []byte {
		text, err := b.ReadAll(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for what, text := range map[string][]byte{
		"empty":           {},
		"cut":             good[:len(good)/2],
		"another number":  []byte(strings.Replace(string(good), `"in":200`, `"in":201`, 1)),
		"a later form":    []byte(`{"form":2,"days":[]}`),
		"another day's":   of("f/rollup/2026/03/02/v1.json"),
		"another's":       of("g/rollup/2026/03/01/v1.json"),
		"null":            []byte("null"),
		"nothing in it":   []byte(`{"sha256":"` + emptySum + `","rollup":null}`),
		"without receipt": []byte(strings.Replace(string(good), `"runs":20`, `"runs":0`, 1)),
	} {
		put(t, b, kept, text)
		if got, rolled := read(t, b, rollup.Options{}); rolled || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: rolled up %v, %+v, want %+v", what, rolled, got, want)
		}
		if got, rolled := read(t, b, rollup.Options{}); !rolled || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: it was not made anew: %+v", what, got)
		}
	}
}

// emptySum is the SHA-256 of null.
const emptySum = "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b"

// A day is rolled up when it is over, and read again and again before.
func TestADayThatIsNotOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, "mem://")
		time.Sleep(time.Until(date.Add(24*time.Hour + 30*time.Minute)))
		key, c := run(5)
		put(t, b, key, c)
		for range 2 {
			if d, rolled := read(t, b, rollup.Options{}); rolled || d.Runs != 1 {
				t.Errorf("rolled up %v: %+v", rolled, d)
			}
		}
		time.Sleep(time.Hour)
		for _, want := range []bool{false, true} {
			if _, rolled := read(t, b, rollup.Options{}); rolled != want {
				t.Errorf("rolled up: %v", rolled)
			}
		}
	})
}

// A receipt that is altered while its day is read is read again the next time.
func TestAlteredMeanwhile(t *testing.T) {
	b := open(t, "mem://")
	var last string
	for i := range 200 {
		key, c := run(i)
		put(t, b, key, c)
		last = key
	}
	var once atomic.Bool
	alter := func(int) {
		if once.CompareAndSwap(false, true) {
			_, c := run(199)
			c.In, c.Out = 20, 18
			put(t, b, last, c)
		}
	}
	read(t, b, rollup.Options{Progress: alter})
	if d, rolled := read(t, b, rollup.Options{}); rolled || d.In != 199*10+20 {
		t.Errorf("rolled up %v: in %d", rolled, d.In)
	}
	if d, rolled := read(t, b, rollup.Options{}); !rolled || d.In != 199*10+20 {
		t.Errorf("rolled up %v: in %d", rolled, d.In)
	}
}

// Whoever may only read the state reads all the same, and hears why the next one
// has to read it all again.
func TestNothingCanBeKept(t *testing.T) {
	s := rolluptest.Store{Function: "f", First: date, Days: 1, Runs: 10, ReadOnly: true}
	b := s.Bucket()
	for range 2 {
		got, err := rollup.Read(t.Context(), b, "f", rollup.Span{From: date, To: date})
		if err != nil || got.Days[0].RolledUp || got.Days[0].Runs != 10 || !errors.Is(got.NotKept, rolluptest.ErrReadOnly) {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// Each receipt is named where it is asked for, or where there are few.
func TestReceiptsByName(t *testing.T) {
	b := open(t, "mem://")
	names := func(o rollup.Options) (list []string) {
		d, _ := read(t, b, o)
		for _, r := range d.Receipts {
			list = append(list, r.Name)
		}
		return list
	}
	var want []string
	for i := range 101 {
		if i == 100 {
			if got := names(rollup.Options{}); !slices.Equal(got, want) {
				t.Errorf("of few %q", got)
			}
		}
		key, c := run(i)
		put(t, b, key, c)
		want = append(want, filepath.Base(key))
	}
	if got := names(rollup.Options{}); len(got) != 0 {
		t.Errorf("%d are named of many", len(got))
	}
	if got := names(rollup.Options{Each: true}); !slices.Equal(got, want) {
		t.Errorf("each: %q", got)
	}
}

// A store that fails ends the reading with its error, and leaves nothing running.
func TestStoreFails(t *testing.T) {
	b := open(t, "mem://")
	for i := range 300 {
		key, c := run(i)
		put(t, b, key, c)
	}
	before := runtime.NumGoroutine()
	_ = b.Bucket.Close()
	if _, err := rollup.Read(t.Context(), b, "f", rollup.Span{From: date, To: date}); err == nil {
		t.Error("no error")
	}
	// One that is through may not be gone yet.
	for wait := time.Millisecond; runtime.NumGoroutine() > before; wait *= 2 {
		if time.Sleep(wait); wait > 5*time.Second {
			t.Fatalf("%d goroutines, and %d before", runtime.NumGoroutine(), before)
		}
	}
}

// What a day holds is bounded, whatever its receipts say.
func TestBounded(t *testing.T) {
	b := open(t, "mem://")
	for i := range 200 {
		key, c := run(i)
		c.Version = fmt.Sprint("v", i, strings.Repeat("x", 1000))
		c.Status, c.Code, c.Error = receipt.Failed, receipt.Code(fmt.Sprint("code", i)), strings.Repeat("é", 10_000)
		c.In++
		put(t, b, key, c)
	}
	d, _ := read(t, b, rollup.Options{})
	text, err := b.ReadAll(t.Context(), "f/rollup/2026/03/01/v1.json")
	if err != nil || len(text) > 64<<10 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	runs := 0
	for _, n := range d.Versions {
		runs += n
	}
	for _, f := range d.Failures {
		runs += f.Runs
	}
	if runs != 2*200 || int64(len(d.Findings))+d.MoreFindings != 200 || d.Unbalanced != 200 {
		t.Errorf("%d runs, %d findings and %d more", runs, len(d.Findings), d.MoreFindings)
	}
}

// A run counts once, whatever it kept: before it had ended, and once more since
// that took long.
func TestEachRunCountsOnce(t *testing.T) {
	b := open(t, "mem://")
	key, c := run(1)
	for _, again := range []bool{false, true} {
		c.Follows = &receipt.Follows{Again: again}
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(text)
		put(t, b, receipt.Name{At: date.Add(time.Hour), ID: "X", SHA256: hex.EncodeToString(sum[:])}.Key("f"), text)
	}
	c.Status = receipt.Running
	put(t, b, key, c)
	other, killed := run(2)
	killed.Status = receipt.Running
	put(t, b, strings.Replace(other, "-X", "-Y", 1), killed)
	if d, _ := read(t, b, rollup.Options{Each: true}); d.Runs != 2 || d.Killed != 1 || d.In != 20 || len(d.Receipts) != 4 {
		t.Errorf("%+v", d)
	}
}

// So does one that began on the day before that on which it ended.
func TestARunOverMidnightCountsOnce(t *testing.T) {
	b := open(t, "mem://")
	key, c := run(24*60 - 1)
	c.Status = receipt.Running
	put(t, b, key, c)
	if d, _ := read(t, b, rollup.Options{}); d.Runs != 1 || d.Killed != 1 {
		t.Errorf("killed: %+v", d.Totals)
	}
	c.Status = receipt.OK
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	put(t, b, receipt.Name{At: date.Add(24*time.Hour + time.Minute), ID: "X", SHA256: hex.EncodeToString(sum[:])}.Key("f"), text)
	if d, _ := read(t, b, rollup.Options{Reread: true}); d.Runs != 0 {
		t.Errorf("ended on the next day: %+v", d.Totals)
	}
}
