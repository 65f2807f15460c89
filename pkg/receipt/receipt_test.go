package receipt_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

type own struct {
	receipt.Core
	Extra int `json:"extra"`
}

func TestSaveAndKeys(t *testing.T) {
	state, err := bucket.Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	r := own{receipt.Start("muleaudit"), 7}
	r.In, r.Out = 3, 3
	r.Finish(nil)
	if err := receipt.Save(t.Context(), state, &r); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := state.ReadJSON(t.Context(), r.Key(), &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"function", "status", "in", "out", "filtered", "quarantined", "bytes_in", "bytes_out", "retries", "started_at", "finished_at", "extra"} {
		if _, ok := got[key]; !ok {
			t.Errorf("receipt lacks %q: %v", key, got)
		}
	}
	if !strings.HasPrefix(r.Key(), "muleaudit/receipts/"+time.Now().UTC().Format("2006/01/02/")) {
		t.Error(r.Key())
	}
	if b, _ := json.Marshal(&r); strings.Contains(string(b), "error") {
		t.Errorf("no error, yet %s", b)
	}
}

func TestFinish(t *testing.T) {
	for _, tc := range []struct {
		name string
		core receipt.Core
		err  error
		want receipt.Status
	}{
		{"done", receipt.Core{Status: receipt.OK}, nil, receipt.OK},
		{"rest", receipt.Core{Status: receipt.OK, Remaining: []string{"x"}}, nil, receipt.Partial},
		{"busy", receipt.Core{Status: receipt.Busy}, nil, receipt.Busy},
		{"error beats rest", receipt.Core{Status: receipt.OK, Remaining: []string{"x"}}, errors.New("e"), receipt.Failed},
	} {
		tc.core.Finish(tc.err)
		if tc.core.Status != tc.want || (tc.err != nil) != (tc.core.Error != "") {
			t.Errorf("%s: %+v", tc.name, tc.core)
		}
	}
}

func TestBalance(t *testing.T) {
	ok := receipt.Core{In: 6, Out: 1, Filtered: 2, Quarantined: 3}
	if err := ok.Balance(); err != nil {
		t.Error(err)
	}
	bad := receipt.Core{In: 7, Out: 1, Filtered: 2, Quarantined: 3}
	if err := bad.Balance(); err == nil {
		t.Error("7 = 6 accepted")
	}
}

func TestRunsStartedAtOnceDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if a, b := receipt.Start("f"), receipt.Start("f"); a.Run == b.Run || !a.StartedAt.Equal(b.StartedAt) {
			t.Error(a.Run, b.Run)
		}
	})
}
