package receipt_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// A log takes what is recorded of a verification, whatever its findings quote.
func TestRecordOfVerification(t *testing.T) {
	for name, size := range map[string]int{"short": 10, "long": 2000, "endless": 10_000} {
		t.Run(name, func(t *testing.T) {
			v := receipt.NewVerified()
			for i := range 30 {
				v.Find(receipt.Finding{Kind: receipt.Unread, Where: fmt.Sprint(i, strings.Repeat("k", size)), Detail: strings.Repeat("\x00<é>", size)})
			}
			v.Incomplete = strings.Repeat("…", size)
			var log bytes.Buffer
			slog.New(slog.NewJSONHandler(&log, nil)).Info("verify finished", "verify", v.Record())
			if log.Len() > 64<<10 {
				t.Errorf("a log record of %d bytes", log.Len())
			}
			var line struct {
				Verify struct {
					receipt.Verified
					LeftOut int `json:"first_left_out"`
				}
			}
			if err := json.Unmarshal(log.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			got := line.Verify
			if got.Findings != 30 || got.Kinds[receipt.Unread] != 30 || got.Incomplete == "" || len(got.First)+got.LeftOut != 20 || len(got.First) == 0 {
				t.Errorf("%d findings, %v, %d in full and %d left out", got.Findings, got.Kinds, len(got.First), got.LeftOut)
			}
			if size == 10 && got.LeftOut != 0 {
				t.Errorf("%d left out of what fits", got.LeftOut)
			}
		})
	}
}

func TestFindingListIsBounded(t *testing.T) {
	a, b := receipt.NewFindingList(), receipt.FindingList{}
	for i := range receipt.MaxFindings - 1 {
		a.Find(receipt.Gap, "here", "number %d", i)
	}
	b.Find(receipt.Missing, "there", "one")
	b.Find(receipt.Missing, "there", "two")
	b.Count(receipt.Missing, 5)
	a.Join(b)
	if a.Found != receipt.MaxFindings+6 || a.Kinds[receipt.Missing] != 7 || len(a.Findings) != receipt.MaxFindings || a.Findings[receipt.MaxFindings-1].Detail != "one" {
		t.Errorf("%d, %v, %d listed", a.Found, a.Kinds, len(a.Findings))
	}
}
