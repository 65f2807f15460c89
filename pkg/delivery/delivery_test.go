package delivery_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/attest"
	"github.com/siemfeed/siemfeed/pkg/attest/attesttest"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/delivery"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/report"
	"github.com/siemfeed/siemfeed/pkg/rollup"
)

// open returns the statement about deliveries of an attestation.
func open(ctx context.Context, text []byte, key attest.Public) (s delivery.Statement, err error) {
	sealed, err := attest.Unseal(ctx, text, key)
	if err != nil {
		return s, err
	}
	return s, sealed.Statement(delivery.PredicateType, &s)
}

// world is the state of two functions that ran every six hours for three days.
type world struct {
	*testing.T
	b     *bucket.Bucket
	first time.Time
	keys  []string // of the receipts
}

func newWorld(t *testing.T) *world {
	t.Helper()
	b, err := bucket.Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	w := &world{T: t, b: b, first: time.Now().UTC().Truncate(24 * time.Hour)}
	for range 12 {
		for _, function := range []string{"f", "g"} {
			c := receipt.Start(function)
			c.In, c.Out = 10, 10
			c.Finish(receipt.Outcome{Status: receipt.OK})
			if err := receipt.Save(t.Context(), b, &c); err != nil {
				t.Fatal(err)
			}
			w.keys = append(w.keys, c.Key())
		}
		time.Sleep(6 * time.Hour)
	}
	return w
}

func (w *world) gather(function string, span report.Span) report.Function {
	w.Helper()
	f, err := report.Gather(w.Context(), w.b, w.b, function, span)
	if err != nil {
		w.Fatal(err)
	}
	return f
}

func (w *world) attest(each bool, private []byte) []byte {
	w.Helper()
	key, err := attest.ParsePrivate(private)
	if err != nil {
		w.Fatal(err)
	}
	span := report.Span{From: w.first, To: w.first.AddDate(0, 0, 2), Options: rollup.Options{Each: each}}
	s := delivery.Of(time.Now(), "v1.0.0", []report.Function{w.gather("f", span), w.gather("g", span)})
	text, err := attest.Seal(w.Context(), s, key)
	if err != nil {
		w.Fatal(err)
	}
	return text
}

// changed compares an attestation with what is kept now.
func (w *world) changed(text, public []byte) (list []string) {
	w.Helper()
	key, err := attest.ParsePublic(public)
	if err != nil {
		w.Fatal(err)
	}
	s, err := open(w.Context(), text, key)
	if err != nil {
		w.Fatal(err)
	}
	for i := range s.Predicate.Functions {
		name, span := s.Span(i)
		for _, f := range s.Compare(i, w.gather(name, span)) {
			list = append(list, f.Kind+" "+f.Where)
		}
	}
	return list
}

func (w *world) read(key string) []byte {
	w.Helper()
	data, err := w.b.ReadAll(w.Context(), key)
	if err != nil {
		w.Fatal(err)
	}
	return data
}

func (w *world) write(key string, data []byte) {
	w.Helper()
	if err := w.b.WriteAll(w.Context(), key, data, nil); err != nil {
		w.Fatal(err)
	}
}

// Any single receipt that is removed, altered or added, or has changed places
// with another, is named; and nothing is once it is as it was.
func TestCompare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		private, public := attesttest.Keys(t)
		text, days := w.attest(true, private), w.attest(false, private)
		want := func(what string, list ...string) {
			t.Helper()
			if got := w.changed(text, public); strings.Join(got, "\n") != strings.Join(list, "\n") {
				t.Errorf("%s: %q, want %q", what, got, list)
			}
			if got := w.changed(days, public); (len(got) > 0) != (len(list) > 0) {
				t.Errorf("%s, by days: %q", what, got)
			}
		}
		want("nothing")
		for i, key := range w.keys {
			data := w.read(key)
			if err := w.b.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			want("removed", "missing "+key)
			w.write(key, bytes.Replace(data, []byte(`"in":10`), []byte(`"in":11`), 1))
			want("altered", "altered "+key)
			w.write(key, data)
			added := strings.Replace(key, ".json", "x.json", 1)
			w.write(added, data)
			want("added", "unknown "+added)
			if err := w.b.Delete(t.Context(), added); err != nil {
				t.Fatal(err)
			}
			if i%8 >= 2 { // of the same function and day
				other := w.keys[i-2]
				was := w.read(other)
				w.write(other, data)
				w.write(key, was)
				want("exchanged", "altered "+other, "altered "+key)
				w.write(other, was)
				w.write(key, data)
			}
		}
		want("all as it was")
	})
}

func TestOpenRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		private, public := attesttest.Keys(t)
		_, stranger := attesttest.Keys(t)
		text := w.attest(true, private)
		if bytes.Contains(text, []byte("PRIVATE")) {
			t.Error("the key is in the attestation")
		}
		var e map[string]any
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatal(err)
		}
		changed := func(name string, value any) []byte {
			c := map[string]any{}
			for k, v := range e {
				c[k] = v
			}
			c[name] = value
			out, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		body, err := base64.StdEncoding.DecodeString(e["payload"].(string)) //nolint:forcetypeassert // as DSSE has it
		if err != nil {
			t.Fatal(err)
		}
		forged := base64.StdEncoding.EncodeToString(bytes.Replace(body, []byte(`"in":120`), []byte(`"in":121`), 1))
		for _, c := range []struct {
			name      string
			text, key []byte
			want      string
		}{
			{"as it is", text, public, ""},
			{"another key", text, stranger, "not signed with this key"},
			{"another payload", changed("payload", forged), public, "not signed with this key"},
			{"another type", changed("payloadType", "application/json"), public, "an envelope of"},
			{"no signatures", changed("signatures", []any{}), public, "not signed with this key"},
			{"no envelope", []byte("[]"), public, "no attestation"},
			{"cut", text[:len(text)/2], public, "no attestation"},
		} {
			key, err := attest.ParsePublic(c.key)
			if err != nil {
				t.Fatal(err)
			}
			_, err = open(t.Context(), c.text, key)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%s: %v, want %q", c.name, err, c.want)
			}
		}
	})
}

// A run that was under way when the last day was attested, and ended on the next,
// is no change; and what is wrong with that next day is not of what was attested.
func TestRunOverTheEdge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		private, public := attesttest.Keys(t)
		time.Sleep(time.Until(w.first.AddDate(0, 0, 4).Add(-time.Minute)))
		c := receipt.Start("f")
		c.Status = receipt.Running
		if err := receipt.Save(t.Context(), w.b, &c); err != nil {
			t.Fatal(err)
		}
		key, err := attest.ParsePrivate(private)
		if err != nil {
			t.Fatal(err)
		}
		s := delivery.Of(time.Now(), "v1.0.0", []report.Function{w.gather("f", report.Span{From: w.first, To: time.Now(), Options: rollup.Options{Each: true}})})
		text, err := attest.Seal(t.Context(), s, key)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.changed(text, public); len(got) > 0 {
			t.Errorf("under way: %q", got)
		}
		time.Sleep(2 * time.Minute)
		c.Finish(receipt.Outcome{Status: receipt.OK})
		if err := receipt.Save(t.Context(), w.b, &c); err != nil {
			t.Fatal(err)
		}
		if got := w.changed(text, public); len(got) > 0 {
			t.Errorf("ended on the next day: %q", got)
		}
		w.write("f/receipts/"+time.Now().UTC().Format("2006/01/02/")+"notes.txt", []byte("no receipt"))
		if got := w.changed(text, public); len(got) > 0 {
			t.Errorf("of a day that was not attested: %q", got)
		}
	})
}

// A statement of days that do not fit together is refused, not compared.
func TestCheckStatement(t *testing.T) {
	first := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for days, ok := range map[int]bool{0: false, 1: false, 2: true, 3: false} {
		f := delivery.Function{Function: "f", From: first, To: first.AddDate(0, 0, 2), Days: make([]delivery.Day, days)}
		if err := (delivery.Statement{Predicate: delivery.Predicate{Functions: []delivery.Function{f}}}).Check(); (err == nil) != ok {
			t.Errorf("%d days of two: %v", days, err)
		}
	}
}
