package sls_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	consumerLibrary "github.com/aliyun/aliyun-log-go-sdk/consumer"
	"github.com/go-kit/kit/log"
	"github.com/gogo/protobuf/proto"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
)

func start(t *testing.T, o emulator.Options) *emulator.Server {
	t.Helper()
	s := emulator.New(o).Start()
	t.Cleanup(s.Close)
	return s
}

// sdkHTTP dials the emulator whatever the host: the SDK knows no way to keep a
// Host header apart from the address.
func sdkHTTP(t *testing.T, s *emulator.Server) *http.Client {
	tr := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, strings.TrimPrefix(s.URL(), "http://"))
	}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func sdkClient(t *testing.T, s *emulator.Server, key, secret string) *sdk.Client {
	c := &sdk.Client{Endpoint: "http://cn-test.log.aliyuncs.com", AccessKeyID: key, AccessKeySecret: secret}
	c.SetHTTPClient(sdkHTTP(t, s))
	return c
}

func logGroup(text string) *sdk.LogGroup {
	return &sdk.LogGroup{Topic: proto.String("topic"), Source: proto.String("src"), Logs: []*sdk.Log{{
		Time:     proto.Uint32(uint32(time.Now().Unix())), //nolint:gosec // until 2106
		Contents: []*sdk.LogContent{{Key: proto.String("k"), Value: proto.String(text)}},
	}}}
}

// The vendor's own client sees a service it can work with, in both signatures.
func TestSDKClient(t *testing.T) {
	for _, version := range []sdk.AuthVersionType{sdk.AuthV1, sdk.AuthV4} {
		t.Run(string(version), func(t *testing.T) {
			s := start(t, emulator.Options{Shards: 1, Region: "cn-test"})
			c := sdkClient(t, s, "ak", "secret")
			c.SetAuthVersion(version)
			c.SetRegion("cn-test")
			for i := range 3 {
				if err := c.PutLogs("project", "logstore", logGroup(fmt.Sprint("log ", i))); err != nil {
					t.Fatal(err)
				}
			}
			shards, err := c.ListShards("project", "logstore")
			if err != nil || len(shards) != 1 {
				t.Fatal(shards, err)
			}
			begin, err := c.GetCursor("project", "logstore", 0, "begin")
			if err != nil {
				t.Fatal(err)
			}
			end, err := c.GetCursor("project", "logstore", 0, "end")
			if err != nil {
				t.Fatal(err)
			}
			for _, compress := range []int{sdk.Compress_LZ4, sdk.Compress_ZSTD} {
				gl, next, err := c.PullLogsV2(&sdk.PullLogRequest{Project: "project", Logstore: "logstore", Cursor: begin, LogGroupMaxCount: 10, CompressType: compress})
				if err != nil || len(gl.LogGroups) != 3 || next != end {
					t.Fatal(gl, next, err)
				}
				if got := gl.LogGroups[0].GetCursor(); got != begin {
					t.Errorf("first group's cursor: %s, want %s", got, begin)
				}
			}
			gl, next, err := c.PullLogsV2(&sdk.PullLogRequest{Project: "project", Logstore: "logstore", Cursor: end, LogGroupMaxCount: 10})
			if err != nil || len(gl.LogGroups) != 0 || next != end {
				t.Fatal("at the end", gl, next, err)
			}
			gl, _, err = c.PullLogsV2(&sdk.PullLogRequest{Project: "project", Logstore: "logstore", Cursor: begin, LogGroupMaxCount: 10, Query: "* | where k = 'log 1'"})
			if err != nil || len(gl.LogGroups) != 1 || gl.LogGroups[0].Logs[0].Contents[0].GetValue() != "log 1" {
				t.Fatal("query", gl, err)
			}
			now := time.Now().Unix()
			h, err := c.GetHistograms("project", "logstore", "", now-60, now+60, "*")
			if err != nil || h.Count != 3 || !h.IsComplete() {
				t.Fatal(h, err)
			}
			logs, err := c.GetLogs("project", "logstore", "", now-60, now+60, "* | select count(*) as c", 100, 0, false)
			if err != nil || logs.Logs[0]["c"] != "3" {
				t.Fatal(logs, err)
			}
			if _, err := c.SplitShard("project", "logstore", 0, "80000000000000000000000000000000"); err != nil {
				t.Fatal(err)
			}
			if _, err := c.MergeShards("project", "logstore", 1); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestSDKErrors(t *testing.T) {
	s := start(t, emulator.Options{Shards: 1})
	good := sdkClient(t, s, "ak", "secret")
	for _, tc := range []struct {
		name string
		call func() error
		want string
	}{
		{"unknown key", func() error {
			_, err := sdkClient(t, s, "nobody", "secret").ListShards("project", "logstore")
			return err
		}, "Unauthorized"},
		{"wrong secret", func() error { _, err := sdkClient(t, s, "ak", "wrong").ListShards("project", "logstore"); return err }, "SignatureNotMatch"},
		{"no project", func() error { _, err := good.ListShards("other", "logstore"); return err }, "ProjectNotExist"},
		{"no logstore", func() error { _, err := good.ListShards("project", "other"); return err }, "LogStoreNotExist"},
		{"no shard", func() error { _, err := good.GetCursor("project", "logstore", 9, "begin"); return err }, "ShardNotExist"},
		{"bad cursor", func() error { _, _, err := good.PullLogs("project", "logstore", 0, "x", "", 1); return err }, "ParameterInvalid"},
		{"expired cursor", func() error {
			g, _ := proto.Marshal(logGroup("x"))
			begin, err := good.GetCursor("project", "logstore", 0, "begin")
			s.Logstore().Append(0, g, g)
			s.Logstore().Expire(0, 1)
			if err == nil {
				_, _, err = good.PullLogs("project", "logstore", 0, begin, "", 1)
			}
			return err
		}, "InvalidCursor"},
		{"no group", func() error { _, err := good.HeartBeat("project", "logstore", "g", "c", nil); return err }, "ConsumerGroupNotExist"},
		{"group twice", func() error {
			g := sdk.ConsumerGroup{ConsumerGroupName: "g", Timeout: 5}
			if err := good.CreateConsumerGroup("project", "logstore", g); err != nil {
				return err
			}
			return good.CreateConsumerGroup("project", "logstore", g)
		}, "ConsumerGroupAlreadyExist"},
		{"stranger with shards", func() error {
			_, err := good.HeartBeat("project", "logstore", "g", "stranger", []int{0})
			return err
		}, "NotExistConsumerWithBody"},
		{"stranger's checkpoint", func() error {
			return good.UpdateCheckpoint("project", "logstore", "g", "stranger", 0, "MQ==", false)
		}, "ConsumerNotExist"},
		{"old log", func() error {
			g := logGroup("x")
			g.Logs[0].Time = proto.Uint32(1)
			return good.PutLogs("project", "logstore", g)
		}, "PostBodyInvalid"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := tc.call(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
	t.Run("skew", func(t *testing.T) {
		s := start(t, emulator.Options{Skew: time.Hour})
		if _, err := sdkClient(t, s, "ak", "secret").ListShards("project", "logstore"); err == nil || !strings.Contains(err.Error(), "RequestTimeTooSkewed") {
			t.Error(err)
		}
	})
}

// The vendor's consumer library shares the shards of a group and delivers
// everything once.
func TestSDKConsumers(t *testing.T) {
	s := start(t, emulator.Options{Shards: consumerShards})
	gen := emulator.NewGenerator(1)
	for shard := range consumerShards {
		for range 20 / consumerShards {
			s.Logstore().Append(shard, gen.Group(10))
		}
	}
	var mu sync.Mutex
	seen := map[string]int{}
	for i := range 2 {
		w := consumerLibrary.InitConsumerWorkerWithProcessor(consumerLibrary.LogHubConfig{
			Endpoint: "http://cn-test.log.aliyuncs.com", AccessKeyID: "ak", AccessKeySecret: "secret",
			Project: "project", Logstore: "logstore", ConsumerGroupName: "g", ConsumerName: fmt.Sprint("c", i),
			CursorPosition: consumerLibrary.BEGIN_CURSOR, HeartbeatIntervalInSecond: 1, AutoCommitIntervalInMS: 100,
			HTTPClient: sdkHTTP(t, s), Logger: log.NewNopLogger(),
		}, consumerLibrary.ProcessFunc(func(_ int, gl *sdk.LogGroupList, tracker consumerLibrary.CheckPointTracker) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			for _, g := range gl.LogGroups {
				for _, l := range g.Logs {
					seen[l.Contents[0].GetValue()]++
				}
			}
			return "", tracker.SaveCheckPoint(true)
		}))
		w.Start()
		defer w.StopAndWait()
	}
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		mu.Lock()
		n := len(seen)
		mu.Unlock()
		if n == 200 {
			break
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 200 {
		t.Errorf("saw %d logs, want 200", len(seen))
	}
	for k, n := range seen {
		if n != 1 {
			t.Errorf("log %s was delivered %d times", k, n)
		}
	}
	if v := s.Logstore().Violations(); v != nil {
		t.Error(v)
	}
}
