package gunzipcsv_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// rows returns CSV of at least n bytes, no two rows alike.
func rows(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d,%x\n", i, i*i*i)
	}
	return b.String()
}

// TestFaultyBucketsAndLargeObjects is TestFaultyBuckets with objects that are
// read ahead and written behind: what fails at any stage leaves no part of an
// object, and nothing that goes on.
func TestFaultyBucketsAndLargeObjects(t *testing.T) {
	csv := rows(3 << 20)
	table := rows(2 << 20)
	csvObject, ndjsonObject := gz(t, csv), gz(t, asNDJSON(table))
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, map[string]string{"DEST_URL": "mem://", "CONCURRENCY": "4"})
			rng := rand.New(rand.NewPCG(seed, 3))
			targets, rejected := map[string]string{}, map[string]string{}
			for i := range 16 {
				name := fmt.Sprintf("%02d", i)
				object, want := csvObject, csv
				if i%2 == 0 {
					object, want = ndjsonObject, "a,b\n"+table
				}
				if i%4 == 3 {
					object, rejected[name+".log.gz"] = object[:len(object)-1-rng.IntN(len(object)/3)], "gzip_truncated"
				} else {
					targets[name+".csv"] = want
				}
				w.put(name+".log.gz", object)
				w.notify(name + ".log.gz")
			}
			source, dest := w.drainFaulty(seed + 50)
			w.wantAll(targets, rejected)
			if source.faults < 5 || dest.faults < 5 {
				t.Errorf("%d faults of the source, %d of the destination", source.faults, dest.faults)
			}
		})
	}
}

func asNDJSON(csv string) string {
	var b strings.Builder
	for row := range strings.Lines(csv) {
		a, c, _ := strings.Cut(strings.TrimSuffix(row, "\n"), ",")
		fmt.Fprintf(&b, "{\"a\":%s,\"b\":\"%s\"}\n", a, c)
	}
	return b.String()
}
