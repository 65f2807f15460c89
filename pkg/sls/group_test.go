package sls

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	"github.com/gogo/protobuf/proto"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// plainGroup is a LogGroup in a form both decoders can be brought to.
type plainGroup struct {
	Topic, Source, Category, Machine string
	Tags                             []KV
	Logs                             []plainLog
}

type plainLog struct {
	Time, Ns uint32
	HasNs    bool
	Contents []KV
}

func walk(list []byte) (out []plainGroup, err error) {
	var g Group
	var l Log
	r := NewGroupReader(list)
	for r.Next(&g) {
		p := plainGroup{Topic: string(g.Topic), Source: string(g.Source), Category: string(g.Category), Machine: string(g.MachineUUID)}
		for _, f := range g.Tags {
			p.Tags = append(p.Tags, KV{string(f.Key), string(f.Value)})
		}
		logs := g.Reader()
		for logs.Next(&l) {
			q := plainLog{Time: l.Time, Ns: l.TimeNs, HasNs: l.HasNs}
			for _, f := range l.Contents {
				q.Contents = append(q.Contents, KV{string(f.Key), string(f.Value)})
			}
			if l.Index != len(p.Logs) {
				panic("index")
			}
			p.Logs = append(p.Logs, q)
		}
		if logs.Err() != nil {
			return nil, logs.Err()
		}
		if len(p.Logs) != g.Logs {
			panic("count")
		}
		out = append(out, p)
	}
	return out, r.Err()
}

func walkSDK(list []byte) (out []plainGroup, err error) {
	var gl sdk.LogGroupList
	if err := proto.Unmarshal(list, &gl); err != nil {
		return nil, err
	}
	for _, g := range gl.LogGroups {
		p := plainGroup{Topic: g.GetTopic(), Source: g.GetSource(), Category: g.GetCategory(), Machine: g.GetMachineUUID()}
		for _, t := range g.LogTags {
			p.Tags = append(p.Tags, KV{t.GetKey(), t.GetValue()})
		}
		for _, l := range g.Logs {
			q := plainLog{Time: l.GetTime(), Ns: l.GetTimeNs(), HasNs: l.TimeNs != nil}
			for _, c := range l.Contents {
				q.Contents = append(q.Contents, KV{c.GetKey(), c.GetValue()})
			}
			p.Logs = append(p.Logs, q)
		}
		out = append(out, p)
	}
	return out, nil
}

func compareWithSDK(t interface {
	Helper()
	Fatalf(string, ...any)
}, list []byte) {
	t.Helper()
	got, err := walk(list)
	want, wantErr := walkSDK(list)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%x: walker says %v, the SDK's decoder %v", list, err, wantErr)
	}
	if diff := cmp.Diff(want, got); err == nil && diff != "" {
		t.Fatalf("%x: differs from the SDK's decoder:\n%s", list, diff)
	}
	if verr := Validate(list); (verr == nil) != (err == nil) {
		t.Fatalf("%x: Validate says %v, the walk %v", list, verr, err)
	}
}

func appendList(list []byte, groups ...LogGroup) []byte {
	for _, g := range groups {
		raw := g.Append(nil)
		list = append(list, 1<<3|wireBytes)
		list = binary.AppendUvarint(list, uint64(len(raw)))
		list = append(list, raw...)
	}
	return list
}

func sampleGroups() []LogGroup {
	at := time.Unix(1767225600, 123456789)
	return []LogGroup{
		{
			Topic: "audit_log", Source: "10.0.0.1",
			Tags: []KV{{"__hostname__", "web-1"}, {"empty", ""}},
			Logs: []Entry{
				{at, []KV{{"event", `{"eventName":"RunInstances"}`}, {"user", "日本語"}}},
				{at.Truncate(time.Second), []KV{{"bad", "\xff\xfe"}, {"long", string(bytes.Repeat([]byte("x"), 20000))}}},
				{at, nil},
			},
		},
		{},
	}
}

// seeds are the corner cases of the wire format that a random walk would
// take long to find.
func seeds() [][]byte {
	log := func(b ...byte) []byte { return append([]byte{1<<3 | wireBytes, byte(len(b))}, b...) }
	list := func(b []byte) []byte { return append([]byte{1<<3 | wireBytes, byte(len(b))}, b...) }
	return [][]byte{
		nil,
		appendList(nil, sampleGroups()...),
		list(nil),
		list(log()),           // no Time
		list(log(8, 1)),       // Time only
		list(log(8, 1, 8, 2)), // the last Time wins
		list(log(8, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)),                         // Time beyond 32 bits
		list(log(8, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00)), // overlong
		list(log(8, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f)),
		list(log(8, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00)),
		list(log(8, 1, 0x25, 1, 2, 3, 4)),                   // TimeNs
		list(log(8, 1, 0x20, 1)),                            // TimeNs of the wrong type
		list(log(8, 1, 0x25, 1, 2)),                         // TimeNs cut
		list(log(8, 1, 0x12, 2, 0x0a, 0)),                   // content without a value
		list(log(8, 1, 0x12, 4, 0x0a, 0, 0x12, 0)),          // empty key and value
		list(log(8, 1, 0x12, 4, 0x12, 0, 0x0a, 0)),          // value before key
		list(log(8, 1, 0x12, 6, 0x0a, 0, 0x12, 0, 0x18, 1)), // unknown in content
		list(log(8, 1, 0x12, 5, 0x0a, 0x80, 0, 0x12, 0)),    // overlong length
		list(log(8, 1, 0x12, 5, 0x0a, 0, 0x12, 0x80, 0)),    // overlong length
		list(log(8, 1, 0x12, 7, 0x0a, 1, 'a', 0x12, 1, 'b', 0)),
		list(log(8, 1, 0x1b, 0x08, 1, 0x1c)),    // unknown group
		list(log(8, 1, 0x1b, 0x1b, 0x1c, 0x1c)), // nested
		list(log(8, 1, 0x1b, 0x08)),             // not closed
		list(log(8, 1, 0x1c)),                   // closed, not opened
		list(log(8, 1, 0x1b, 0x00, 0x01, 0x1c)), // field 0 inside a group
		list(log(8, 1, 0x0e)),                   // wire type 6
		list(log(8, 1, 0x1e)),
		list(log(8, 1, 0x19, 1, 2, 3)),                   // fixed64 cut
		list(log(8, 1, 0x00)),                            // field 0
		list(log(0x88, 0x80, 0x80, 0x80, 0x80, 0x01, 1)), // field 1 + 2^32
		list([]byte{0x32, 4, 0x0a, 0, 0x12, 0}),          // a tag
		list([]byte{0x32, 2, 0x0a, 0}),                   // half a tag
		list([]byte{0x1a, 1, 'a', 0x1a, 1, 'b'}),         // the last Topic wins
		list([]byte{0x38, 1}),                            // unknown in group
		list([]byte{0x1a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}),
		{0x10, 1}, {0x12}, {0x0a, 5}, {0x0c}, {0x80},
	}
}

func TestWalkerAgreesWithSDK(t *testing.T) {
	for _, s := range seeds() {
		compareWithSDK(t, s)
	}
}

func FuzzWalker(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, list []byte) { compareWithSDK(t, list) })
}

// Damage to valid bytes goes deeper than bytes made up from nothing.
func TestWalkerAgreesWithSDKOnDamage(t *testing.T) {
	valid := appendList(nil, sampleGroups()...)
	rapid.Check(t, func(t *rapid.T) {
		b := bytes.Clone(valid)
		for range rapid.IntRange(1, 4).Draw(t, "edits") {
			i := rapid.IntRange(0, min(len(b)-1, 160)).Draw(t, "at")
			switch rapid.IntRange(0, 2).Draw(t, "edit") {
			case 0:
				b[i] = rapid.Byte().Draw(t, "byte")
			case 1:
				b = append(b[:i], b[i+1:]...)
			case 2:
				b = append(b[:i], append([]byte{rapid.Byte().Draw(t, "byte")}, b[i:]...)...)
			}
		}
		compareWithSDK(t, b)
	})
}

func TestEncoderRoundTrip(t *testing.T) {
	str := rapid.StringN(0, 40, 200)
	kvs := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) KV { return KV{str.Draw(t, "k"), str.Draw(t, "v")} }), 0, 5)
	rapid.Check(t, func(t *rapid.T) {
		g := LogGroup{Topic: str.Draw(t, "topic"), Source: str.Draw(t, "source"), Tags: kvs.Draw(t, "tags")}
		want := plainGroup{Topic: g.Topic, Source: g.Source, Tags: g.Tags}
		for range rapid.IntRange(0, 4).Draw(t, "logs") {
			sec := rapid.Uint32().Draw(t, "sec")
			ns := rapid.Uint32Range(0, 999999999).Draw(t, "ns")
			e := Entry{time.Unix(int64(sec), int64(ns)), kvs.Draw(t, "contents")}
			g.Logs = append(g.Logs, e)
			want.Logs = append(want.Logs, plainLog{sec, ns, ns != 0, e.Contents})
		}
		list := appendList(nil, g)
		compareWithSDK(t, list)
		got, err := walk(list)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]plainGroup{want}, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestWalkAllocatesNothing(t *testing.T) {
	list := appendList(nil, sampleGroups()...)
	var g Group
	var l Log
	n := testing.AllocsPerRun(100, func() {
		r := NewGroupReader(list)
		for r.Next(&g) {
			logs := g.Reader()
			for logs.Next(&l) {
			}
		}
	})
	if n > 0 {
		t.Errorf("%v allocations a walk, want none", n)
	}
}

func BenchmarkWalk(b *testing.B) {
	g := LogGroup{Topic: "audit_log", Source: "10.0.0.1"}
	for range 100 {
		e := Entry{Time: time.Unix(1767225600, 5)}
		for _, k := range []string{"eventId", "eventName", "eventTime", "serviceName", "userIdentity", "sourceIp", "region", "userAgent"} {
			e.Contents = append(e.Contents, KV{k, "some value of usual length " + k})
		}
		g.Logs = append(g.Logs, e)
	}
	list := appendList(nil, g, g, g, g)
	b.SetBytes(int64(len(list)))
	for b.Loop() {
		if err := Validate(list); err != nil {
			b.Fatal(err)
		}
	}
}
