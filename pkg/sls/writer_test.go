package sls_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	"github.com/gogo/protobuf/proto"
	"github.com/pierrec/lz4/v4"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// putGroup makes a group of logs that bear their number.
func putGroup(from, to int) *sls.PutGroup {
	g := new(sls.PutGroup)
	for i := from; i < to; i++ {
		g.Append(time.Now(), sls.AppendContent(nil, "n", fmt.Sprint(i)))
	}
	return g
}

// stored counts how often each log is in the logstore.
func stored(s *emulator.Server) map[string]int {
	out := map[string]int{}
	ids, _ := s.Logstore().ShardIDs()
	for _, id := range ids {
		for _, g := range s.Logstore().Groups(id) {
			for _, l := range g.Logs {
				out[l.Contents[0].GetValue()]++
			}
		}
	}
	return out
}

func value(l sls.Log) string { return string(l.Contents[0].Value) }

func isPut(r *http.Request) bool {
	return r.Method == http.MethodPost && !strings.Contains(r.URL.Path, "consumergroups")
}

// What is appended is what the SDK's own encoder makes of the same logs.
func TestPutGroup(t *testing.T) {
	var g sls.PutGroup
	want := &sdk.LogGroup{Topic: proto.String("topic"), Source: proto.String("source")}
	long := strings.Repeat("größe", 1000)
	for i, at := range []int64{0, 1, 127, 128, 1_700_000_000, 1<<32 - 1} {
		contents := sls.AppendContent(nil, "k", []byte(fmt.Sprint(i)))
		contents = sls.AppendContent(contents, []byte("空"), long)
		contents = sls.AppendContent(contents, "empty", "")
		g.Append(time.Unix(at, 5), contents)
		want.Logs = append(want.Logs, &sdk.Log{Time: proto.Uint32(uint32(at)), Contents: []*sdk.LogContent{
			{Key: proto.String("k"), Value: proto.String(fmt.Sprint(i))}, {Key: proto.String("空"), Value: &long}, {Key: proto.String("empty"), Value: proto.String("")},
		}})
		if l := g.Log(i); int64(l.Time) != at || len(l.Contents) != 3 || value(l) != fmt.Sprint(i) || string(l.Contents[1].Key) != "空" {
			t.Errorf("log %d reads %+v", i, l)
		}
	}
	s := startServer(t, emulator.Options{Shards: 1})
	var got []byte
	c := newClient(t, s, sls.Options{Transport: transport(func(r *http.Request) (*http.Response, error) {
		var err error
		got, err = unpack(r)
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Header: http.Header{}}, err
	})})
	if refused, err := c.Writer("topic", "source").Write(t.Context(), &g); err != nil || refused != nil {
		t.Fatal(refused, err)
	}
	bytesOf, err := proto.Marshal(want)
	if err != nil || !bytes.Equal(got, bytesOf) {
		t.Errorf("%d bytes were sent, want %d: %v", len(got), len(bytesOf), err)
	}
	if g.Keep(func(i int) bool { return i%2 == 1 }); g.Len() != 3 || value(g.Log(2)) != "5" || value(g.Log(0)) != "1" {
		t.Errorf("%d are kept, the last of them %s", g.Len(), value(g.Log(g.Len()-1)))
	}
	if g.Reset(); g.Len() != 0 || g.Size() != 0 {
		t.Error("not empty after Reset")
	}
}

// The limits of a request are kept, by a service that has the narrowest.
func TestWriterKeepsToLimits(t *testing.T) {
	s := startServer(t, emulator.Options{MaxPutBytes: sls.MaxPutBytes, MaxPutLogs: sls.MaxPutLogs})
	w := newClient(t, s, sls.Options{}).Writer(strings.Repeat("t", 128), strings.Repeat("s", 128))
	write := func(n int, value string) (requests int) {
		var g sls.PutGroup
		flush := func() {
			requests++
			if refused, err := w.Write(t.Context(), &g); err != nil || len(refused) > 0 {
				t.Fatal(refused, err)
			}
			g.Reset()
		}
		for i := range n {
			log := sls.AppendContent(sls.AppendContent(nil, "n", fmt.Sprint(n, "/", i)), "v", value)
			if !g.Takes(len(log)) {
				flush()
			}
			g.Append(time.Now(), log)
		}
		flush()
		return requests
	}
	if n := write(5000, ""); n != 2 {
		t.Errorf("5000 logs in %d requests", n)
	}
	if n := write(20, strings.Repeat("x", 400<<10)); n != 3 {
		t.Errorf("20 logs of 400 KiB in %d requests", n)
	}
	if got := stored(s); len(got) != 5020 {
		t.Errorf("%d logs are stored", len(got))
	}
}

// One log that the service refuses costs its group nothing.
func TestWriterBisects(t *testing.T) {
	bad := map[string]func(*sls.PutGroup){
		"value beyond 1 MB": func(g *sls.PutGroup) {
			g.Append(time.Now(), sls.AppendContent(nil, "n", strings.Repeat("x", 1<<20+1)))
		},
		"too old": func(g *sls.PutGroup) {
			g.Append(time.Now().Add(-8*24*time.Hour), sls.AppendContent(nil, "n", "old"))
		},
		"in the future": func(g *sls.PutGroup) {
			g.Append(time.Now().Add(time.Hour), sls.AppendContent(nil, "n", "future"))
		},
		"bad key": func(g *sls.PutGroup) { g.Append(time.Now(), sls.AppendContent(nil, "", "no key")) },
		"long key": func(g *sls.PutGroup) {
			g.Append(time.Now(), sls.AppendContent(nil, strings.Repeat("k", 129), "long key"))
		},
		"no contents": func(g *sls.PutGroup) { g.Append(time.Now(), nil) },
	}
	for name, add := range bad {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, emulator.Options{MaxKeyBytes: 128})
			g := new(sls.PutGroup)
			for i := range 1000 {
				if i == 0 || i == 617 {
					add(g)
				}
				g.Append(time.Now(), sls.AppendContent(nil, "n", fmt.Sprint(i)))
			}
			refused, err := newClient(t, s, sls.Options{}).Writer("", "").Write(t.Context(), g)
			if err != nil || len(refused) != 2 || refused[0].Index != 0 || refused[1].Index != 618 || refused[0].Err.HTTP != 400 {
				t.Fatal(refused, err)
			}
			if got := stored(s); len(got) != 1000 {
				t.Errorf("%d logs are stored", len(got))
			}
			if n := s.Calls()["PutLogs"]; n > 50 {
				t.Errorf("%d requests for two bad logs", n)
			}
		})
	}
}

// A log is at fault only where others are taken.
func TestWriterOfALogstoreThatTakesNothing(t *testing.T) {
	old := func(n int) *sls.PutGroup {
		g := new(sls.PutGroup)
		for range n {
			g.Append(time.Now().Add(-8*24*time.Hour), sls.AppendContent(nil, "n", "old"))
		}
		return g
	}
	s := startServer(t, emulator.Options{})
	c := newClient(t, s, sls.Options{})
	refused, err := c.Writer("", "").Write(t.Context(), old(500))
	if err == nil || !retry.IsPermanent(err) || refused != nil || !strings.Contains(err.Error(), "refuses every log") || !strings.Contains(err.Error(), "project/logstore") {
		t.Errorf("%v, %v", refused, err)
	}
	if n := s.Calls()["PutLogs"]; n > 40 {
		t.Errorf("%d requests to a logstore that takes nothing", n)
	}
	// The only logs of a quiet source are believed, up to a point.
	w := c.Writer("", "")
	if refused, err := w.Write(t.Context(), old(3)); err != nil || len(refused) != 3 {
		t.Errorf("%v, %v", refused, err)
	}
	var wg sync.WaitGroup
	var failed atomic.Int64
	for range 4 {
		wg.Go(func() {
			if _, err := w.Write(t.Context(), old(3)); err != nil {
				failed.Add(1)
			}
		})
	}
	wg.Wait()
	if failed.Load() != 2 { // those of the tenth log and after it
		t.Errorf("%d of four writes failed", failed.Load())
	}
	// Where others are taken, any number may be refused.
	w = c.Writer("", "")
	g := old(100)
	g.Append(time.Now(), sls.AppendContent(nil, "n", "good"))
	if _, err := w.Write(t.Context(), putGroup(0, 1)); err != nil {
		t.Fatal(err)
	}
	if refused, err := w.Write(t.Context(), g); err != nil || len(refused) != 100 {
		t.Errorf("%d, %v", len(refused), err)
	}
	if refused, err := c.Writer("", "").Trust().Write(t.Context(), old(50)); err != nil || len(refused) != 50 {
		t.Errorf("trusted: %d, %v", len(refused), err)
	}
	// A refusal that is not the service's own is not believed where nothing is taken.
	proxy := answers(t, sls.Options{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) })
	if refused, err := proxy.Writer("", "").Write(t.Context(), putGroup(0, 1)); err == nil || refused != nil {
		t.Errorf("%v, %v", refused, err)
	}
}

func TestWriterRetries(t *testing.T) {
	for kind, repeats := range map[fault.Kind]int64{
		fault.ResetAfter: 5, fault.Error500: 5, fault.ResetBefore: 5, // nobody can know
		fault.Error503: 0, fault.Error429: 0, fault.Error403: 0, fault.ResetMid: 0, fault.Truncate: 0,
	} {
		s := startServer(t, emulator.Options{})
		w := newClient(t, s, sls.Options{}).Writer("", "")
		s.Faults.Next(kind, isPut)
		if refused, err := w.Write(t.Context(), putGroup(0, 5)); err != nil || refused != nil {
			t.Errorf("%s: %v, %v", kind, refused, err)
		}
		if got := w.PossibleRepeats(); got != repeats {
			t.Errorf("%s: %d possible repeats, want %d", kind, got, repeats)
		}
		times := 1
		if kind == fault.ResetAfter {
			times = 2
		}
		if got := stored(s); len(got) != 5 || got["0"] != times {
			t.Errorf("%s: %v", kind, got)
		}
	}
}

// TestWriterOutlastsAProjectsQuota, which counts by the minute; a shard's counts by
// the second.
func TestWriterOutlastsAProjectsQuota(t *testing.T) {
	for code, tc := range map[string]struct{ full, most time.Duration }{
		"WriteQuotaExceed": {59 * time.Second, 65 * time.Second}, "writequotaexceed": {time.Minute, 65 * time.Second}, "ShardWriteQuotaExceed": {900 * time.Millisecond, 2 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			c, err := sls.New("127.0.0.1:1", "project", "logstore", alibaba.Static("ak", "secret", ""), sls.Options{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}
				if time.Since(began) < tc.full {
					resp.StatusCode, resp.Body = http.StatusForbidden, io.NopCloser(strings.NewReader(`{"errorCode":"`+code+`","errorMessage":"write quota exceed: inflow"}`))
				}
				return resp, nil
			})})
			if err != nil {
				t.Fatal(err)
			}
			refused, err := c.Writer("topic", "source").Write(t.Context(), putGroup(0, 3))
			if d := time.Since(began); err != nil || len(refused) > 0 || d > tc.most {
				t.Errorf("%s: %v, %v, after %v", code, refused, err, d)
			}
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWriterFails(t *testing.T) {
	s := startServer(t, emulator.Options{})
	c := newClient(t, s, sls.Options{})
	for range 8 {
		s.Faults.Next(fault.Error500, isPut)
	}
	if _, err := c.Writer("", "").Write(t.Context(), putGroup(0, 5)); err == nil || retry.IsPermanent(err) {
		t.Errorf("after eight attempts: %v", err)
	}
	s.Faults.Next(fault.Error401, isPut)
	if _, err := c.Writer("", "").Write(t.Context(), putGroup(0, 5)); !sls.IsConfig(err) {
		t.Errorf("denied: %v", err)
	}
	if got := stored(s); len(got) != 0 {
		t.Errorf("stored all the same: %v", got)
	}
	gone, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the run is over"))
	if _, err := c.Writer("", "").Write(gone, putGroup(0, 5)); err == nil {
		t.Error("written after the end")
	}
	// What was written of a group that then failed is delivered again with it.
	w := c.Writer("", "")
	g := putGroup(0, 2)
	g.Append(time.Now(), nil)
	g.Append(time.Now(), nil)
	var puts atomic.Int64
	third := func(r *http.Request) bool { return isPut(r) && puts.Add(1) == 3 }
	s.Faults.Next(fault.Error401, third) // of all, of the first two, of the others
	if _, err := w.Write(t.Context(), g); err == nil || w.PossibleRepeats() != 2 {
		t.Errorf("%v, %d possible repeats", err, w.PossibleRepeats())
	}
}

func TestPutTime(t *testing.T) {
	now := time.Now()
	for _, tc := range []struct {
		age   time.Duration
		moved bool
	}{{0, false}, {time.Hour, false}, {6*24*time.Hour + 23*time.Hour, false}, {7 * 24 * time.Hour, true}, {10 * 24 * time.Hour, true}, {-14 * time.Minute, false}, {-15 * time.Minute, true}, {-time.Hour, true}} {
		got, moved := sls.PutTime(now.Add(-tc.age), now)
		if moved != tc.moved || moved && !got.Equal(now) || !moved && !got.Equal(now.Add(-tc.age)) {
			t.Errorf("%v old: %v, %v", tc.age, got, moved)
		}
	}
}

func BenchmarkWriter(b *testing.B) {
	g := new(sls.PutGroup)
	for i := range 2000 {
		contents := sls.AppendContent(nil, "eventId", fmt.Sprintf("AE3B631D-5C0A-4C7B-%04x", i))
		for _, k := range []string{"eventName", "eventRW", "eventSource", "eventTime", "acsRegion", "resourceName", "accountId", "userName", "tag_project"} {
			contents = sls.AppendContent(contents, k, "some value of "+k)
		}
		g.Append(time.Now(), contents)
	}
	s := startServer(b, emulator.Options{})
	c := newClient(b, s, sls.Options{Transport: transport(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
	})})
	w := c.Writer("", "")
	b.SetBytes(int64(g.Size()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Write(b.Context(), g); err != nil {
			b.Fatal(err)
		}
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// unpack returns the LogGroup that a request bears.
func unpack(r *http.Request) ([]byte, error) {
	size, err := strconv.Atoi(r.Header.Get("x-log-bodyrawsize"))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	raw := make([]byte, size)
	_, err = lz4.UncompressBlock(body, raw)
	return raw, err
}
