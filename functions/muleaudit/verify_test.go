package muleaudit_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// kinds verifies and counts the findings by kind.
func (w *world) kinds(o muleaudit.VerifyOptions) map[string]int {
	w.t.Helper()
	list, err := w.function().Verify(context.Background(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]int{}
	for _, v := range list {
		for _, f := range v.Findings {
			if f.Where == "" || f.Detail == "" {
				w.t.Errorf("%+v says too little", f)
			}
			out[f.Kind]++
		}
	}
	return out
}

func only(kind string, n int) map[string]int {
	if n == 0 {
		return map[string]int{}
	}
	return map[string]int{kind: n}
}

func TestVerify(t *testing.T) {
	remove := func(b *bucket.Bucket, key string) {
		if err := b.Remove(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name   string
		damage func(w *world, object string)
		opts   muleaudit.VerifyOptions
		kind   string
		n      int
	}{
		{name: "nothing wrong"},
		{name: "nothing wrong, deeply", opts: muleaudit.VerifyOptions{Deep: true}},
		{"object missing", func(w *world, object string) { remove(w.output, object) }, muleaudit.VerifyOptions{}, receipt.Missing, 1},
		{"object read and deleted by the feed", func(w *world, object string) { remove(w.output, object) }, muleaudit.VerifyOptions{Deleted: true}, "", 0},
		{"object of another size", func(w *world, object string) {
			if _, err := w.output.Put(t.Context(), object, strings.NewReader("x"), blob.WriterOptions{}); err != nil {
				t.Fatal(err)
			}
		}, muleaudit.VerifyOptions{}, receipt.Altered, 1},
		{"object with one bit flipped", func(w *world, object string) {
			data, err := w.output.ReadAll(t.Context(), object)
			if err != nil {
				t.Fatal(err)
			}
			data[len(data)/2] ^= 1
			if _, err := w.output.Put(t.Context(), object, strings.NewReader(string(data)), blob.WriterOptions{}); err != nil {
				t.Fatal(err)
			}
		}, muleaudit.VerifyOptions{}, receipt.Altered, 1},
		{"object nobody wrote", func(w *world, object string) {
			if _, err := w.output.Put(t.Context(), strings.Replace(object, "-001.", "-009.", 1), strings.NewReader("x"), blob.WriterOptions{}); err != nil {
				t.Fatal(err)
			}
		}, muleaudit.VerifyOptions{}, receipt.Unknown, 1},
		{"late event", func(w *world, _ string) {
			if err := w.api.Add("org-1", entry(aligned(3), "late")); err != nil {
				t.Fatal(err)
			}
		}, muleaudit.VerifyOptions{}, receipt.Behind, 1},
		{"late event, deeply", func(w *world, _ string) {
			if err := w.api.Add("org-1", entry(aligned(3), "late")); err != nil {
				t.Fatal(err)
			}
		}, muleaudit.VerifyOptions{Deep: true}, receipt.Behind, 1},
		{"slices never read", func(w *world, _ string) {
			for _, h := range []int{10, 9, 5} {
				remove(w.state, "muleaudit/org-1/slices/"+aligned(h).Format("20060102T150405Z")+"/looks")
			}
		}, muleaudit.VerifyOptions{}, receipt.Gap, 2},
		{"state of a slice lost", func(w *world, object string) {
			start := objectName.FindStringSubmatch(object)[3]
			remove(w.state, "muleaudit/org-1/slices/"+start+"/000001")
		}, muleaudit.VerifyOptions{}, "", -1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, emulator.Options{}, nil)
			if err := w.api.Add("org-1", emulator.Generate("org-1", emulator.Generated{Seed: 20, N: 1000, From: aligned(20), To: aligned(1)})...); err != nil {
				t.Fatal(err)
			}
			r := w.mustRun(w.function(), "{}")
			if tc.damage != nil {
				tc.damage(w, r.Orgs[0].Objects[4].Name)
			}
			got, want := w.kinds(tc.opts), only(tc.kind, tc.n)
			if tc.n < 0 { // the object that the state no longer knows, and that the receipt names
				want = map[string]int{receipt.Unknown: 1, receipt.Missing: 1}
			}
			if len(got) != len(want) {
				t.Errorf("found %v, want %v", got, want)
			}
			for k, n := range want {
				if got[k] != n {
					t.Errorf("found %v, want %v", got, want)
				}
			}
		})
	}
}

func TestVerifyBeforeTheFirstRun(t *testing.T) {
	w := newWorld(t, emulator.Options{}, nil)
	w.api.AddOrg("org-1", "")
	if got := w.kinds(muleaudit.VerifyOptions{}); got[receipt.Gap] != 1 {
		t.Errorf("found %v", got)
	}
}

func TestDoctor(t *testing.T) {
	for _, tc := range []struct {
		name  string
		setup func(*world)
		fails string
	}{
		{"well", func(*world) {}, ""},
		{"wrong secret", func(w *world) { w.env["CLIENT_SECRET"] = "nonsense-secret" }, "token"},
		{"missing scope", func(w *world) { w.api.Forbid("org-1", true) }, "scope org-1"},
		{"unknown organisation", func(w *world) { w.env["MULE_ORG_ID"] = "nowhere" }, "scope nowhere"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, emulator.Options{}, nil)
			w.api.AddOrg("org-1", "")
			tc.setup(w)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			var failed []string
			for _, c := range w.function().Doctor(ctx) {
				if !c.OK() {
					failed = append(failed, c.Name)
					if c.Fix == "" || strings.Contains(c.Problem.Error(), "nonsense-secret") {
						t.Errorf("%+v", c)
					}
				}
			}
			if strings.Join(failed, ",") != tc.fails {
				t.Errorf("failed: %v", failed)
			}
			if keys, err := w.output.Keys(t.Context(), ""); err != nil || len(keys) > 0 {
				t.Errorf("left in the output: %v, %v", keys, err)
			}
		})
	}
}
