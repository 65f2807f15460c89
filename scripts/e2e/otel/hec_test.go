package otel

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/siemfeed/siemfeed/pkg/hec"
)

// Every event of many batches arrives once and as it was meant, compressed, and
// no batch counts as delivered before it is acknowledged.
func TestClientDelivers(t *testing.T) {
	r := start(t)
	client, err := hec.New(hec.Options{
		URLs: []string{r.url}, Token: "00000000-0000-0000-0000-00000000beef",
		Gzip: true, Ack: true, AckPoll: 10 * time.Millisecond,
		BatchBytes: 64 << 10, Concurrency: 4,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := client.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	const batches, each = 24, 250
	var returned atomic.Int64
	var senders sync.WaitGroup
	for i := range batches {
		b, err := client.Batch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for j := range each {
			b.Append(hec.Pos{A: uint64(i), B: uint64(j)}, func(dst []byte) []byte { return appendEvent(dst, i, j) })
		}
		senders.Go(func() {
			defer b.Release()
			result, err := client.Send(t.Context(), b)
			returned.Add(1)
			if err != nil || result.Accepted != each {
				t.Errorf("batch %d: %+v, %v", i, result, err)
			}
		})
	}
	for r.sink.LogRecordCount() < batches*each && !t.Failed() {
		time.Sleep(time.Millisecond)
	}
	if n := returned.Load(); n != 0 {
		t.Errorf("%d batches count as delivered, none is acknowledged", n)
	}
	r.open()
	senders.Wait()

	got := r.events()
	for i := range batches {
		for j := range each {
			id, want := expected(i, j)
			if len(got[id]) != 1 {
				t.Fatalf("%s arrived %d times", id, len(got[id]))
			}
			e := got[id][0]
			checkTime(t, id, e.Time, nanos(i, j))
			e.Time = 0
			if diff := cmp.Diff(want, e); diff != "" {
				t.Fatalf("%s: (-want +got)\n%s", id, diff)
			}
			delete(got, id)
		}
	}
	if len(got) > 0 {
		t.Errorf("%d events that nobody sent", len(got))
	}
	s := client.Stats()
	if s.Events != batches*each || s.Rejected != 0 || s.Retries != 0 || s.PossibleRepeats != 0 || r.askings.Load() == 0 {
		t.Errorf("%+v, asked %d times for acknowledgements", s, r.askings.Load())
	}
	if r.zipped.Load() != batches || r.plain.Load() != 0 {
		t.Errorf("%d requests compressed, %d not", r.zipped.Load(), r.plain.Load())
	}
}

func nanos(i, j int) int64 {
	return time.Date(2026, 11, 1, 0, 0, i, j*1001, time.UTC).UnixNano()
}

const text = "tab\t quote\" 漢字 \U0001F512 \x00 </script> \u2028"

func appendEvent(dst []byte, i, j int) []byte {
	at := nanos(i, j)
	dst = append(dst, `{"time":`...)
	dst = hec.AppendTime(dst, uint32(at/1e9), uint32(at%1e9), true)
	dst = fmt.Appendf(dst, `,"host":"10.0.0.%d","source":"project/logstore","sourcetype":"ali:audit","index":"idx%d","event":{"message":`, j%5, j%3)
	dst, _ = hec.AppendString(dst, text)
	dst = append(dst, `,"broken":`...)
	dst, _ = hec.AppendString(dst, "a\xffb")
	return fmt.Appendf(dst, `},"fields":{"sls_id":"%d:%d:0","sls_shard":"%d"}}`, i, j, i)
}

// expected is what appendEvent is to be read as, but for its time.
func expected(i, j int) (string, event) {
	id := fmt.Sprintf("%d:%d:0", i, j)
	return id, event{
		Host: fmt.Sprintf("10.0.0.%d", j%5), Source: "project/logstore", SourceType: "ali:audit", Index: fmt.Sprintf("idx%d", j%3),
		Event:  map[string]any{"message": text, "broken": "a\ufffdb"},
		Fields: map[string]any{"sls_id": id, "sls_shard": fmt.Sprint(i)},
	}
}
