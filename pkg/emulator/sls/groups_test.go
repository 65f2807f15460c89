package sls_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
)

// A shard moves only when its holder stops reporting it.
func TestRebalance(t *testing.T) {
	s := start(t, emulator.Options{Shards: 4})
	c := sdkClient(t, s, "ak", "secret")
	if err := c.CreateConsumerGroup("project", "logstore", sdk.ConsumerGroup{ConsumerGroupName: "g", Timeout: 60}); err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct {
		consumer   string
		held, want []int
	}{
		{"a", nil, []int{0, 1, 2, 3}},
		{"a", []int{0, 1, 2, 3}, []int{0, 1, 2, 3}},
		{"b", nil, nil},                       // nothing is free yet
		{"a", []int{0, 1, 2, 3}, []int{0, 1}}, // told to let go
		{"b", nil, nil},                       // it has not
		{"a", []int{0, 1, 3}, []int{0, 1}},    // one is free
		{"b", nil, []int{2}},
		{"a", []int{0, 1}, []int{0, 1}},
		{"b", []int{2}, []int{2, 3}},
		{"b", nil, []int{2, 3}}, // the answer was lost: given again
		{"a", []int{0, 1}, []int{0, 1}},
	} {
		got, err := c.HeartBeat("project", "logstore", "g", step.consumer, step.held)
		if err != nil || !slices.Equal(got, step.want) {
			t.Fatalf("step %d, %s holding %v: got %v %v, want %v", i, step.consumer, step.held, got, err, step.want)
		}
	}
}

func TestSilentConsumerLosesItsShards(t *testing.T) {
	s := start(t, emulator.Options{Shards: 2})
	c := sdkClient(t, s, "ak", "secret")
	if err := c.CreateConsumerGroup("project", "logstore", sdk.ConsumerGroup{ConsumerGroupName: "g", Timeout: 1}); err != nil {
		t.Fatal(err)
	}
	beat := func(consumer string, held []int) []int {
		t.Helper()
		got, err := c.HeartBeat("project", "logstore", "g", consumer, held)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	beat("silent", nil)
	if err := c.UpdateCheckpoint("project", "logstore", "g", "silent", 0, "MQ==", false); err != nil {
		t.Fatal(err)
	}
	if got := beat("b", nil); len(got) != 0 {
		t.Errorf("b got %v while the other lives", got)
	}
	time.Sleep(1100 * time.Millisecond)
	if got := beat("b", nil); len(got) != 2 {
		t.Errorf("b got %v, want both", got)
	}
	if err := c.UpdateCheckpoint("project", "logstore", "g", "silent", 0, "MQ==", false); err == nil || !strings.Contains(err.Error(), "ConsumerNotExist") {
		t.Errorf("got %v", err)
	}
	if len(s.Logstore().Violations()) != 0 {
		t.Error(s.Logstore().Violations())
	}
	if err := c.UpdateCheckpoint("project", "logstore", "g", "silent", 0, "MQ==", true); err != nil {
		t.Error(err)
	}
	if len(s.Logstore().Violations()) != 1 {
		t.Error("a forced checkpoint of a lost shard went unnoticed")
	}
}

// In order, the children of a split wait until the parent is read to its end.
func TestOrder(t *testing.T) {
	s := start(t, emulator.Options{Shards: 1})
	l := s.Logstore()
	c := sdkClient(t, s, "ak", "secret")
	if err := c.CreateConsumerGroup("project", "logstore", sdk.ConsumerGroup{ConsumerGroupName: "g", Timeout: 60, InOrder: true}); err != nil {
		t.Fatal(err)
	}
	l.Append(0, emulator.NewGenerator(1).Group(1))
	if _, _, err := l.Split(0); err != nil {
		t.Fatal(err)
	}
	got, err := c.HeartBeat("project", "logstore", "g", "a", nil)
	if err != nil || !slices.Equal(got, []int{0}) {
		t.Fatal(got, err)
	}
	end, err := c.GetCursor("project", "logstore", 0, "end")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.UpdateCheckpoint("project", "logstore", "g", "a", 0, end, false); err != nil {
		t.Fatal(err)
	}
	got, err = c.HeartBeat("project", "logstore", "g", "a", []int{0})
	if err != nil || !slices.Equal(got, []int{0, 1, 2}) {
		t.Fatal(got, err)
	}
}

func TestQuotas(t *testing.T) {
	s := start(t, emulator.Options{Shards: 1, ReadsPerSecond: 3, WriteBytesPerS: 1})
	c := sdkClient(t, s, "ak", "secret")
	cursor, err := c.GetCursor("project", "logstore", 0, "begin")
	if err != nil {
		t.Fatal(err)
	}
	refused := false
	for range 10 {
		if _, _, err := c.PullLogs("project", "logstore", 0, cursor, "", 1); err != nil {
			refused = strings.Contains(err.Error(), "ShardReadQuotaExceed")
			break
		}
	}
	if !refused {
		t.Error("reads beyond the quota are not refused")
	}
	refused = false
	for range 10 {
		if err := c.PutLogs("project", "logstore", logGroup("x")); err != nil {
			refused = strings.Contains(err.Error(), "ShardWriteQuotaExceed")
			break
		}
	}
	if !refused {
		t.Error("writes beyond the quota are not refused")
	}
}

// A looped shard looks like one that holds everything.
func TestLoop(t *testing.T) {
	s := start(t, emulator.Options{Shards: 1})
	gen := emulator.NewGenerator(1)
	s.Logstore().Loop(4, [][]byte{gen.Group(2), gen.Group(2), gen.Group(2)}, 0)
	c := sdkClient(t, s, "ak", "secret")
	cursor, err := c.GetCursor("project", "logstore", 0, "begin")
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, count := range []int{1, 1000, 2, 1000, 1000, 1000, 1000} {
		gl, next, err := c.PullLogs("project", "logstore", 0, cursor, "", count)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range gl.LogGroups {
			for _, l := range g.Logs {
				seen = append(seen, l.Contents[0].GetValue())
			}
		}
		cursor = next
	}
	want := strings.Repeat("0 1 2 3 4 5 ", 4)
	if got := strings.Join(seen, " ") + " "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	now := time.Now().Unix()
	if h, err := c.GetHistograms("project", "logstore", "", now-7200, now+60, "*"); err != nil || h.Count != 24 {
		t.Errorf("%v %v", h, err)
	}
}

func TestSPL(t *testing.T) {
	s := start(t, emulator.Options{Shards: 1})
	s.Logstore().Append(0, emulator.NewGenerator(1).Group(5))
	c := sdkClient(t, s, "ak", "secret")
	cursor, err := c.GetCursor("project", "logstore", 0, "begin")
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int{
		"*":                    5,
		"* | where seq = '3'":  1,
		"* | where seq != '3'": 4,
		"* | where __topic__ = 'audit_log' and seq = '1'": 1,
		"* | where __topic__ = 'other'":                   0,
		"* | extend x = 1":                                -1,
		"error":                                           -1,
	} {
		gl, _, err := c.PullLogsV2(&sdk.PullLogRequest{Project: "project", Logstore: "logstore", Cursor: cursor, LogGroupMaxCount: 10, Query: query})
		n := 0
		if err != nil {
			n = -1
		} else if len(gl.LogGroups) > 0 {
			n = len(gl.LogGroups[0].Logs)
		}
		if n != want {
			t.Errorf("%s: %d logs, want %d (%v)", query, n, want, err)
		}
	}
}

// A checkpoint of a shard that another holds is what no correct consumer saves,
// also if it is forced, and so taken.
func TestForcedCheckpointIsAViolation(t *testing.T) {
	s := start(t, emulator.Options{Shards: 1})
	c := sdkClient(t, s, "ak", "secret")
	if err := c.CreateConsumerGroup("project", "logstore", sdk.ConsumerGroup{ConsumerGroupName: "g", Timeout: 10}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.HeartBeat("project", "logstore", "g", "a", nil); err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		if err := c.UpdateCheckpoint("project", "logstore", "g", "b", 0, "MQ==", true); err != nil {
			t.Fatal(err)
		}
		if got := len(s.Logstore().Violations()); got != n+1 {
			t.Errorf("%d violations after %d checkpoints", got, n+1)
		}
	}
}

// A group's name is unique in its project, unless that is switched off.
func TestGroupNamesAreUniqueInAProject(t *testing.T) {
	for _, perLogstore := range []bool{false, true} {
		s := start(t, emulator.Options{GroupsPerLogstore: perLogstore, Misspelt: true})
		s.AddLogstore("project", "other", 1)
		s.AddLogstore("another", "logstore", 1)
		c := sdkClient(t, s, "ak", "secret")
		g := sdk.ConsumerGroup{ConsumerGroupName: "g", Timeout: 10}
		if err := c.CreateConsumerGroup("project", "logstore", g); err != nil {
			t.Fatal(err)
		}
		if err := c.CreateConsumerGroup("another", "logstore", g); err != nil {
			t.Error(err)
		}
		err := c.CreateConsumerGroup("project", "other", g)
		if perLogstore != (err == nil) || err != nil && !strings.Contains(err.Error(), "ConsumerGroupAlreadyExist") {
			t.Errorf("per logstore %v: %v", perLogstore, err)
		}
		_, err = c.GetCheckpoint("project", "other", "g")
		if !perLogstore && (err == nil || !strings.Contains(err.Error(), "ConsumerGroupNotExsit")) {
			t.Errorf("got %v", err)
		}
	}
}
