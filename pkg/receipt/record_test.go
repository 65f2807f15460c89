package receipt_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/receipt"
)

type thing struct {
	Key   string `json:"key"`
	Error string `json:"error,omitempty"`
	Code  string `json:"code,omitempty"`
	Bytes int64  `json:"bytes"`
}

type org struct {
	Org    string  `json:"org"`
	Events int64   `json:"events"`
	Things []thing `json:"things"`
	Error  string  `json:"error,omitempty"`
}

// large has a list, lists within a list, a table and a group of counts.
type large struct {
	receipt.Core
	Things []thing          `json:"things"`
	Orgs   []org            `json:"orgs"`
	Fields map[string]int64 `json:"fields"`
	Counts struct {
		A int64 `json:"a"`
	} `json:"counts"`
	Last int64 `json:"last"`
}

func started() *large {
	r := &large{Core: receipt.Start("f"), Last: 42}
	r.In, r.Out, r.Filtered, r.Quarantined, r.Counts.A = 123456789012345678, 2, 3, 4, 5
	return r
}

func things(n int, name string) (out []thing) {
	for i := range n {
		out = append(out, thing{Key: fmt.Sprint(name, i), Bytes: int64(i)})
	}
	return out
}

type record struct {
	large
	ThingsLeftOut int `json:"things_left_out"`
	FieldsLeftOut int `json:"fields_left_out"`
	OrgsLeftOut   int `json:"orgs_left_out"`
}

// read returns the record of r as a log has it, after checking its size and
// its counts.
func read(t *testing.T, r *large) (out record) {
	t.Helper()
	var log bytes.Buffer
	first := receipt.Record(r)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("run finished", "receipt", first)
	if log.Len() > 64<<10 {
		t.Errorf("a log record of %d bytes", log.Len())
	}
	var line struct{ Receipt record }
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatalf("%v in %.300s", err, log.String())
	}
	out = line.Receipt
	if out.Run != r.Run || out.In != r.In || out.Out != r.Out || out.Filtered != r.Filtered || out.Quarantined != r.Quarantined || out.Counts != r.Counts || out.Last != r.Last {
		t.Errorf("the counts changed: %.1000s", log.String())
	}
	if !bytes.Equal(first, receipt.Record(r)) {
		t.Error("the same receipt gives another record")
	}
	return out
}

func TestRecordOfSmallReceiptIsWhole(t *testing.T) {
	r := started()
	r.Things = things(10, "t")
	whole, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if got := receipt.Record(r); !bytes.Equal(got, whole) {
		t.Errorf("%s", got)
	}
}

func TestRecordKeepsWhatNeedsAttention(t *testing.T) {
	r := started()
	r.Things = things(20_000, "some/long/prefix/object-")
	r.Things[19_000].Error = "returned"
	r.Things[12_345].Code = "gzip_corrupt"
	got := read(t, r)
	if n := len(got.Things); n < 300 || n+got.ThingsLeftOut != 20_000 {
		t.Errorf("%d things, %d left out", n, got.ThingsLeftOut)
	}
	if got.Things[0].Error != "returned" || got.Things[1].Code != "gzip_corrupt" || got.Things[2].Bytes != 0 || got.Things[3].Bytes != 1 {
		t.Errorf("%v", got.Things[:4])
	}
}

// The outer list outlasts the inner ones.
func TestRecordKeepsEveryOrganisation(t *testing.T) {
	r := started()
	for i := range 44 {
		r.Orgs = append(r.Orgs, org{Org: fmt.Sprintf("11111111-2222-3333-4444-5555555555%02d", i), Events: int64(i), Things: things(200, "2026/01/02/mulesoft-audit-")})
	}
	r.Orgs[43].Error = "no permission"
	got := read(t, r)
	if len(got.Orgs) != 44 || got.OrgsLeftOut != 0 || got.Orgs[0].Error == "" {
		t.Errorf("%d organisations, %d left out, the first %v", len(got.Orgs), got.OrgsLeftOut, got.Orgs[0])
	}
	if n := len(got.Orgs[0].Things); n < 5 || n > 100 {
		t.Errorf("%d of 200 objects of each", n)
	}
}

func TestRecordOfEverythingAtOnce(t *testing.T) {
	r := started()
	const many = 700 // more than are looked at
	r.Error = strings.Repeat("<wrong> \x01", 20_000)
	r.Fields = map[string]int64{strings.Repeat("n", 10_000): 1}
	for i := range many {
		r.Fields[fmt.Sprint("field-", i)] = int64(i)
		r.Orgs = append(r.Orgs, org{Org: fmt.Sprint(i), Error: strings.Repeat("é", 3000), Things: things(20, "x")})
		r.Remaining = append(r.Remaining, strings.Repeat("rest ", 100))
	}
	got := read(t, r)
	if len(got.Fields)+got.FieldsLeftOut != many+1 || len(got.Orgs)+got.OrgsLeftOut != many {
		t.Errorf("%d fields and %d, %d organisations and %d", len(got.Fields), got.FieldsLeftOut, len(got.Orgs), got.OrgsLeftOut)
	}
	if !strings.Contains(got.Error, "bytes left out)") || !strings.HasPrefix(got.Error, "<wrong>") {
		t.Errorf("error: %.100s", got.Error)
	}
}

// wide cannot be cut: it has no list, and too many numbers.
type wide struct {
	receipt.Core
	A, B, C map[string]map[string]map[string]int
}

func TestRecordOfWhatCannotBeCutHasTheCounts(t *testing.T) {
	numbers, below, all := map[string]int{}, map[string]map[string]int{}, map[string]map[string]map[string]int{}
	for i := range 60 {
		numbers[fmt.Sprint(i)] = i
	}
	for i := range 60 {
		below[fmt.Sprint(i)] = maps.Clone(numbers)
		all[fmt.Sprint(i)] = below
	}
	r := &wide{Core: receipt.Start("f"), A: all}
	r.In = 7
	got := receipt.Record(r)
	var back receipt.Core
	if err := json.Unmarshal(got, &back); err != nil || back.In != 7 || back.Run != r.Run || len(got) > receipt.MaxRecord {
		t.Errorf("%d bytes, %v, %v", len(got), back, err)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(uint16(5000), uint16(3), uint16(10), uint16(2000), "key\"\\\u2028\xff<>", "error")
	f.Add(uint16(1), uint16(44), uint16(100), uint16(64), "", strings.Repeat("\x00", 2000))
	f.Add(uint16(0), uint16(0), uint16(0), uint16(65), strings.Repeat("k", 300), "")
	f.Fuzz(func(t *testing.T, n, orgs, each, fields uint16, name, text string) {
		if int(orgs)*int(each) > 50_000 || len(name) > 10_000 || len(text) > 10_000 {
			return // only slow
		}
		r := started()
		r.Error, r.Remaining = strings.Repeat(text, 10), []string{text, name}
		r.Things = things(int(n), name)
		for i := range int(n) {
			if i%7 == 0 {
				r.Things[i].Error = text
			}
		}
		for range orgs {
			r.Orgs = append(r.Orgs, org{Org: name, Error: text, Things: things(int(each), name)})
		}
		r.Fields = map[string]int64{}
		for i := range fields {
			r.Fields[fmt.Sprint(name, i)] = int64(i)
		}
		got := read(t, r)
		if len(got.Things)+got.ThingsLeftOut != int(n) || len(got.Orgs)+got.OrgsLeftOut != int(orgs) {
			t.Errorf("%d things and %d of %d, %d organisations and %d of %d", len(got.Things), got.ThingsLeftOut, n, len(got.Orgs), got.OrgsLeftOut, orgs)
		}
	})
}
