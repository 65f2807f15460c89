package actiontrail

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const runInstances = `{"acsRegion":"cn-hangzhou","additionalEventData":{"CallerBid":"26842"},"apiVersion":"*","eventId":"AE3B631D-5C0A-4C7B-8D5E-0A6F1B2C3D4E",
 "eventName":"RunInstances","eventRW":"Write","eventSource":"ecs-cn-hangzhou-share.aliyuncs.com","eventTime":"2025-07-07T01:39:09Z","eventType":"ConsoleOperation","eventVersion":1,
 "recipientAccountId":"1663000000000000","referencedResources":{"ACS::ECS::Instance":["i-bp12c"],"ACS::ECS::Image":["aliyun_3_9.vhd"]},"requestId":"AE3B631D",
 "requestParameterJson":"{\"MaxAmount\":1}","requestParameters":{"MaxAmount":1,"Tags":[],"DryRun":false,"x":null},"responseElements":{"InstanceIdSets":{"InstanceIdSet":["i-bp12c"]}},
 "serviceName":"Ecs","sourceIpAddress":"203.0.113.238","userAgent":"ecs.console.aliyun.com",
 "userIdentity":{"accountId":"1663000000000001","principalId":"2015000000000000","type":"ram-user","userName":"sh\u00e4mi","accessKeyId":"LTAI","sessionContext":{"attributes":{"mfaAuthenticated":"true"}}}}`

func decode(t *testing.T, text string) *Event {
	t.Helper()
	e, err := new(Decoder).Decode([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return e
}

func TestDecode(t *testing.T) {
	e := decode(t, runInstances)
	for f, want := range map[Field]string{
		ID: "AE3B631D-5C0A-4C7B-8D5E-0A6F1B2C3D4E", Name: "RunInstances", RW: "Write", Source: "ecs-cn-hangzhou-share.aliyuncs.com", Time: "2025-07-07T01:39:09Z",
		Type: "ConsoleOperation", Region: "cn-hangzhou", Service: "Ecs", ResourceType: "", ResourceName: "", RecipientAccountID: "1663000000000000", ErrorCode: "",
		AccountID: "1663000000000001", PrincipalID: "2015000000000000", UserName: "shämi", UserType: "ram-user", AccessKeyID: "LTAI",
	} {
		if got := string(e.Get(f)); got != want {
			t.Errorf("field %d: %q, want %q", f, got, want)
		}
	}
	if got := string(e.Account()); got != "1663000000000000" || e.IsRead() {
		t.Errorf("account %s, read %v", got, e.IsRead())
	}
	if got := named(e); !slices.Equal(got, []string{"ACS::ECS::Instance i-bp12c", "ACS::ECS::Image aliyun_3_9.vhd"}) {
		t.Errorf("resources %q", got)
	}
}

func named(e *Event) (out []string) {
	for _, r := range e.Resources {
		out = append(out, string(r.Type)+" "+string(r.Name))
	}
	return out
}

func TestDecodeIsLenient(t *testing.T) {
	e := decode(t, `{"eventId":12,"eventName":true,"eventRW":null,"eventTime":{"a":1},"eventType":["x"],"serviceName":-1.5e3,"userIdentity":"root","recipientAccountId":16630000000000001}`)
	for f, want := range map[Field]string{ID: "12", Name: "true", RW: "", Time: "", Type: "", Service: "-1.5e3", AccountID: "", RecipientAccountID: "16630000000000001"} {
		if got := string(e.Get(f)); got != want {
			t.Errorf("field %d: %q, want %q", f, got, want)
		}
	}
	if e = decode(t, ` {} `); len(e.Account()) != 0 || e.IsRead() || len(e.Resources) != 0 {
		t.Errorf("of nothing: %+v", e)
	}
	if e = decode(t, `{"userIdentity":{"accountId":7}}`); string(e.Account()) != "7" {
		t.Errorf("account %q, want the one that acted", e.Account())
	}
	// What an earlier event had is not the next one's.
	var d Decoder
	if _, err := d.Decode([]byte(runInstances)); err != nil {
		t.Fatal(err)
	}
	if e, err := d.Decode([]byte(`{"eventId":"2"}`)); err != nil || len(e.Get(Name)) > 0 || len(e.Resources) > 0 || string(e.Get(ID)) != "2" {
		t.Errorf("%+v, %v", e, err)
	}
	for _, text := range []string{``, ` `, `[]`, `"{}"`, `null`, `not JSON`, `{}{}`, `{"eventId":"1"`, `{"eventId":01}`, `{"userIdentity":{"accountId":"1"}`, `{"referencedResources":{"a":["b",]}}`, runInstances[:len(runInstances)-1]} {
		if _, err := new(Decoder).Decode([]byte(text)); !errors.Is(err, ErrNotObject) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestResources(t *testing.T) {
	for text, want := range map[string][]string{
		`{"resourceName":"i-a,i-b;v-c","resourceType":"ACS::ECS::Instance;ACS::VPC::VSwitch"}`: {"ACS::ECS::Instance i-a", "ACS::ECS::Instance i-b", "ACS::VPC::VSwitch v-c"},
		`{"resourceName":" i-a , ,i-b ","resourceType":" ACS::ECS::Instance "}`:                {"ACS::ECS::Instance i-a", "ACS::ECS::Instance i-b"},
		`{"resourceName":"i-a"}`:                      {" i-a"},
		`{"resourceName":"i-a;x","resourceType":"T"}`: {"T i-a", " x"},
		`{"resourceName":";v-c","resourceType":"T;V","referencedResources":{"T":["t1","t2"],"V":["no"]}}`:     {"T t1", "T t2", "V v-c"},
		`{"resourceName":"","resourceType":"T","referencedResources":{"T":["t"],"U":["u"]}}`:                  {"T t"},
		`{"resourceType":"X","referencedResources":{"T":["t"],"U":"u"}}`:                                      {"T t", "U u"},
		`{"referencedResources":{"T":[1,null,""," t "],"U":{}},"resourceName":"i","resourceType":"ACS::x"}`:   {"ACS::x i"},
		`{"referencedResources":{"T":[1,null,""," t "],"U":{},"V":[]}}`:                                       {"T 1", "T t"},
		`{"referencedResources":"none","resourceType":"T"}`:                                                   nil,
		`{"resourceName":",;,","resourceType":"T;U;V"}`:                                                       nil,
		`{"resourceName":"größe-\"1\"","resourceType":"T\u00c4"}`:                                             {`TÄ größe-"1"`},
		`{"referencedResources":{"T":["old"]},"referencedResources":{"T":["new"]}}`:                           {"T new"},
		`{"resourceName":1234,"resourceType":"ACS::RDS::DBInstance","referencedResources":["not an object"]}`: {"ACS::RDS::DBInstance 1234"},
	} {
		if got := named(decode(t, text)); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// oracle decodes with encoding/json. ok is whether the text is an object.
func oracle(text []byte) (fields map[Field]string, ok bool) {
	var top, identity map[string]json.RawMessage
	if json.Unmarshal(text, &top) != nil || top == nil {
		return nil, false
	}
	_ = json.Unmarshal(top["userIdentity"], &identity) // else it is none
	scalar := func(raw json.RawMessage) string {
		var s string
		switch {
		case len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || raw[0] == 'n':
		case raw[0] == '"':
			_ = json.Unmarshal(raw, &s) // it is a string
		default:
			s = string(raw)
		}
		return s
	}
	fields = map[Field]string{}
	for f, name := range map[Field]string{ID: "eventId", Name: "eventName", RW: "eventRW", Source: "eventSource", Time: "eventTime", Type: "eventType", Region: "acsRegion", Service: "serviceName",
		ResourceType: "resourceType", ResourceName: "resourceName", RecipientAccountID: "recipientAccountId", ErrorCode: "errorCode"} {
		fields[f] = scalar(top[name])
	}
	for f, name := range map[Field]string{AccountID: "accountId", PrincipalID: "principalId", UserName: "userName", UserType: "type", AccessKeyID: "accessKeyId"} {
		fields[f] = scalar(identity[name])
	}
	return fields, true
}

func check(t *testing.T, text []byte) {
	t.Helper()
	kept := bytes.Clone(text)
	var d Decoder
	e, err := d.Decode(text)
	if !bytes.Equal(kept, text) {
		t.Fatalf("%q was changed", kept)
	}
	want, ok := oracle(text)
	if (err == nil) != ok {
		t.Fatalf("%q: %v, encoding/json takes it: %v", text, err, ok)
	}
	if err != nil {
		return
	}
	for f, s := range want {
		if got := string(e.Get(f)); got != s {
			t.Fatalf("%q: field %d: %q, want %q", text, f, got, s)
		}
	}
	for _, r := range e.Resources {
		if !utf8.Valid(r.Name) || !utf8.Valid(r.Type) || len(r.Name) == 0 {
			t.Fatalf("%q: resource %q of %q", text, r.Name, r.Type)
		}
	}
}

var seeds = []string{
	runInstances, `{}`, `{"eventName":"TagResources","serviceName":"Ecs","requestParameters":{"ResourceType":"disk","ResourceId.1":"[\"a\", \"b\"]","ResourceARN":["arn:acs:a:b:1:c/d"]}}`,
	`{"eventName":"UntagResources","requestParameters":"{\"ResourceId\":1e9}","requestParameterJson":"{}"}`, `{"eventId":1,"eventId":null}`, `{"userIdentity":{"accountId":1},"userIdentity":{}}`, `{"event\u0049d":"\ud83d\ude00\ud83d\n\\\/"}`,
	"{\"eventName\":\"\xff\xc3(\\u0000\"}", `{"resourceName":"a,b;c","resourceType":"x;y","referencedResources":{"x":["1",2],"y":"z"}}`, `{"userIdentity":[1]}`, `[]`,
	`{"eventId":` + strings.Repeat("[", 9999) + strings.Repeat("]", 9999) + `}`, `{"eventId":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + `}`,
	`{"userIdentity":{"type":` + strings.Repeat("[", 9998) + strings.Repeat("]", 9998) + `}}`, `{"userIdentity":{"type":` + strings.Repeat("[", 9999) + strings.Repeat("]", 9999) + `}}`,
}

func TestDecodeAsEncodingJSON(t *testing.T) {
	for _, s := range seeds {
		check(t, []byte(s))
	}
	for i := range runInstances { // whatever it is cut off at
		check(t, []byte(runInstances)[:i])
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(check)
}

func TestDecodeAllocatesNothing(t *testing.T) {
	var d Decoder
	text := []byte(runInstances)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := d.Decode(text); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations an event", n)
	}
}

func BenchmarkDecode(b *testing.B) {
	text := []byte(runInstances)
	b.Run("this", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		var d Decoder
		for b.Loop() {
			if _, err := d.Decode(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			var e struct {
				EventID, EventName, EventRW, EventSource, EventTime, EventType, AcsRegion, ServiceName, ResourceType, ResourceName, RecipientAccountID string
				UserIdentity                                                                                                                           struct{ AccountID, PrincipalID, UserName, Type string }
				ReferencedResources                                                                                                                    map[string][]string
			}
			if err := json.Unmarshal(text, &e); err != nil {
				b.Fatal(err)
			}
		}
	})
}
