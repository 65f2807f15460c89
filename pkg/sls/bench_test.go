package sls_test

import (
	"context"
	"testing"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

func loopServer(t testing.TB, shards int, times int64) *emulator.Server {
	s := startServer(t, emulator.Options{Shards: shards})
	gen := emulator.NewGenerator(1)
	var groups [][]byte
	for range 40 {
		groups = append(groups, gen.Group(50))
	}
	for id := range shards {
		s.Logstore().Loop(id, times, groups...)
	}
	return s
}

// walkAll reads every log and keeps nothing.
func walkAll(_ context.Context, b *sls.Batch) error {
	var g sls.Group
	var l sls.Log
	groups := b.Groups()
	for groups.Next(&g) {
		logs := g.Reader()
		for logs.Next(&l) {
		}
		if logs.Err() != nil {
			return logs.Err()
		}
	}
	b.Done(groups.Err())
	return nil
}

// BenchmarkRead pulls, decompresses and walks one shard; the emulator's share
// of the time is in it.
func BenchmarkRead(b *testing.B) {
	s := loopServer(b, 1, int64(b.N))
	c := newClient(b, s, sls.Options{})
	first, end := s.Logstore().Range(0)
	b.ReportAllocs()
	b.ResetTimer()
	st, err := c.ReadRange(context.Background(), sls.Range{From: sls.FormatCursor(first), To: sls.FormatCursor(end)}, sls.ProcessorFunc(walkAll))
	if err != nil || !st.Finished {
		b.Fatal(st, err)
	}
	b.SetBytes(st.RawBytes / int64(b.N))
}
