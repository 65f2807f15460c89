package receipt_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// mostHeld is what a check of n receipts with hashes in their names may hold: 100
// MiB of the million that ten years of runs every five minutes leave.
func mostHeld(n uint64) uint64 { return 4<<20 + 96*n }

// What a chain holds of receipts is little of each.
func TestChainHoldsLittle(t *testing.T) {
	const n = 60_000 / scale
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t, "mem://")
		chain := receipt.NewChain("f", receipt.ChainSpan{})
		before := heap()
		at := time.Now().UTC().Add(-time.Duration(n) * 5 * time.Minute)
		var last string
		var began, seen time.Time
		for i := range n {
			at = at.Add(5 * time.Minute)
			f := receipt.Follows{Began: began, Seen: seen}
			if last != "" {
				f.Receipts = []string{last}
			}
			text, err := json.Marshal(map[string]any{"follows": f})
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(text)
			name := receipt.Name{At: at, ID: fmt.Sprintf("A%09d", i), SHA256: hex.EncodeToString(sum[:])}
			if !chain.Add(name.Key("f"), at, text) {
				t.Fatal("not as it was kept")
			}
			last, seen = name.String(), at
			if began.IsZero() {
				began = at
			}
		}
		held := max(heap(), before) - before
		t.Logf("%d receipts take %d KiB", n, held>>10)
		list, told, err := chain.Check(context.Background(), h.state)
		if err != nil || list.Found != 0 || told.Chained != int64(n)-1 || told.Unfollowed != 1 {
			t.Errorf("%+v, %+v, %v", list, told, err)
		}
		if held > mostHeld(n) {
			t.Errorf("they take %d bytes", held)
		}
	})
}

// So is what a list of them holds while they are read.
func TestReadHoldsLittle(t *testing.T) {
	const n, every = 30_000 / scale, 5 * time.Minute
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t, "mem://")
		at := time.Now().UTC().Add(-n * every)
		f := receipt.Follows{}
		for i := range n {
			at = at.Add(every)
			text, err := json.Marshal(map[string]any{"follows": f})
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(text)
			name := receipt.Name{At: at, ID: fmt.Sprintf("A%09d", i), SHA256: hex.EncodeToString(sum[:])}
			h.write(name.Key("f"), text)
			f.Receipts, f.Seen = []string{name.String()}, time.Now()
			if i == 0 {
				f.Began = f.Seen
			}
			time.Sleep(time.Second)
		}
		before := heap()
		var held uint64
		read := 0
		list, told, err := receipt.Read(t.Context(), h.state, "f", receipt.ReadSpan{}, func(receipt.Core) {
			if read++; read == n/2 {
				held = max(heap(), before) - before
			}
		})
		if err != nil || list.Found != 0 || read != n || told.Chained != n-1 {
			t.Errorf("%d read, %+v, %+v, %v", read, list, told, err)
		}
		t.Logf("%d receipts take %d KiB", n, held>>10)
		if held > mostHeld(n) {
			t.Errorf("they take %d bytes", held)
		}
	})
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // what was pooled goes in the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
