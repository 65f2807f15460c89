package trigger_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

const (
	key  = "20260102/20260102T030000Z_20260102T030100Z_06b7e0be.log.gz"
	eTag = "d41d8cd98f00b204e9800998ecf8427e"
)

var (
	at       = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	atSecond = at.Truncate(time.Second)
	atMicros = at.Add(901 * time.Microsecond)
)

func s3Put(key string) trigger.Notice {
	return trigger.Notice{
		Source: trigger.S3, Bucket: "logs", Key: key, Size: 1024, ETag: eTag,
		VersionID: "096fKKXTRTtl3on89fVO.nfljtsv6qko", Action: "ObjectCreated:Put", Created: true, Time: at,
	}
}

func r2(action, key string, size int64, eTag string, created bool) trigger.Notice {
	return trigger.Notice{Source: trigger.R2, Bucket: "logs", Key: key, Size: size, ETag: eTag, Action: action, Created: created, Time: at}
}

func gcs(action string, created bool, when time.Time) trigger.Notice {
	return trigger.Notice{
		Source: trigger.GCS, Bucket: "logs", Key: key, Size: 352, ETag: "CLGuqMKn15EDEAE=",
		Generation: "1767323045678901", Action: action, Created: created, Time: when,
	}
}

func with(n trigger.Notice, change func(*trigger.Notice)) trigger.Notice {
	change(&n)
	return n
}

func in(id string, attempts int, n trigger.Notice) trigger.Notice {
	n.MessageID, n.Attempts = id, attempts
	return n
}

func unreadable(id string, raw, message string) trigger.Notice {
	return trigger.Notice{MessageID: id, Attempts: 1, Raw: []byte(raw), Err: errors.New(message)}
}

var (
	bridged = trigger.Notice{
		Source: trigger.S3, Bucket: "logs", Key: "a+b %41.log.gz", Size: 5, ETag: "b1946ac92492d2347c6235b4d2611184",
		VersionID: "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e", Action: "Object Created", Created: true, Time: atSecond,
	}
	s3Test = trigger.Notice{Source: trigger.S3, Bucket: "logs", Size: -1, Action: "s3:TestEvent", Time: at}
)

// envelopes maps each file in testdata to what it must decode to.
var envelopes = map[string]trigger.Event{
	"r2-put":       {Path: "r2", Notices: []trigger.Notice{r2("PutObject", key, 65536, "c846ff7a18f28c2e262116d6e8719ef0", true)}},
	"r2-copy":      {Path: "r2", Notices: []trigger.Notice{r2("CopyObject", "a+b %41.log.gz", 0, "c846", true)}},
	"r2-multipart": {Path: "r2", Notices: []trigger.Notice{r2("CompleteMultipartUpload", "big.log.gz", 5<<30, "abc-7", true)}},
	"r2-delete":    {Path: "r2", Notices: []trigger.Notice{r2("DeleteObject", key, -1, "", false)}},
	"r2-lifecycle": {Path: "r2", Notices: []trigger.Notice{r2("LifecycleDeletion", key, -1, "", false)}},
	"r2-pushed-batch": {Path: "queue > r2", PerMessage: true, Notices: []trigger.Notice{
		in("m1", 1, r2("PutObject", "a.log.gz", 1, "e1", true)),
		in("m2", 2, r2("PutObject", "b.log.gz", 2, "e2", true)),
		in("m3", 1, r2("DeleteObject", "c.log.gz", -1, "", false)),
		{MessageID: "m4", Attempts: 1, Err: errors.New("body of type Map has no JSON form")},
		unreadable("m5", "{\n    \"hello\": 1\n   }", `only the key "hello"`),
	}},

	"s3": {Path: "s3", Notices: []trigger.Notice{s3Put(key)}},
	"s3-encoded-keys": {Path: "s3", Notices: []trigger.Notice{
		s3Put("a b+c%d/日本/../e.log.gz"),
		with(s3Put("gone.log.gz"), func(n *trigger.Notice) {
			n.Action, n.Created, n.Size, n.ETag = "ObjectRemoved:DeleteMarkerCreated", false, -1, "4c1f2e0b"
		}),
	}},
	"s3-minio": {Path: "s3", Notices: []trigger.Notice{with(s3Put("2026/01/a.log.gz"), func(n *trigger.Notice) {
		n.Action, n.VersionID = "ObjectCreated:CompleteMultipartUpload", ""
	})}},
	"s3-test":    {Path: "s3", ID: "5582815E1AEA5ADF", Notices: []trigger.Notice{s3Test}},
	"sns-http":   {Path: "sns > s3", ID: snsID, Notices: []trigger.Notice{in(snsID, 0, s3Put(key))}},
	"sns-lambda": {Path: "sns > s3", ID: snsID, Notices: []trigger.Notice{in(snsID, 0, s3Put(key))}},
	"sqs": {Path: "sqs > s3", PerMessage: true, Notices: []trigger.Notice{
		in("msg-1", 3, s3Put(key)),
		in("msg-1", 3, s3Put("b.log.gz")),
		in("msg-2", 1, s3Put("c.log.gz")),
		in("msg-3", 1, s3Test),
		in("msg-4", 1, bridged),
		unreadable("msg-5", "not json", "broken JSON at byte 2"),
		unreadable("msg-6", `{"hello": 1}`, `only the key "hello"`),
		unreadable("msg-7", `{}`, "a tick where a notice"),
	}},
	"eventbridge": {Path: "eventbridge", ID: bridgeID, Notices: []trigger.Notice{bridged}},
	"eventbridge-deleted": {Path: "eventbridge", ID: bridgeID, Notices: []trigger.Notice{
		{Source: trigger.S3, Bucket: "logs", Key: "k.log.gz", Size: -1, ETag: "d41d", Action: "Object Deleted", Time: atSecond},
	}},
	"eventbridge-schedule": {Kind: trigger.Tick, Path: "eventbridge", ID: bridgeID},

	"gcs-finalized":         {Path: "cloudevent > gcs", ID: "7477", Notices: []trigger.Notice{gcs("finalized", true, at)}},
	"gcs-finalized-numbers": {Path: "cloudevent > gcs", ID: "7477", Notices: []trigger.Notice{gcs("finalized", true, at)}},
	"gcs-deleted":           {Path: "cloudevent > gcs", ID: "7477", Notices: []trigger.Notice{gcs("deleted", false, at)}},
	"gcs-notification":      {Path: "pubsub > gcs", ID: "901", Notices: []trigger.Notice{gcs("OBJECT_FINALIZE", true, atMicros)}},
	"gcs-notification-none": {Path: "pubsub > gcs", ID: "901", Notices: []trigger.Notice{
		with(gcs("OBJECT_FINALIZE", true, atMicros), func(n *trigger.Notice) { n.Size, n.ETag = -1, "" }),
	}},
	"gcs-notification-delete": {Path: "pubsub > gcs", ID: "901", Notices: []trigger.Notice{gcs("OBJECT_DELETE", false, atMicros)}},

	"sls": {Kind: trigger.Logs, Path: "sls", ID: "c2691505-38da-4d1b-998a-f1d4bb8c9994", Range: &trigger.LogRange{
		Endpoint: "http://cn-shanghai-intranet.log.aliyuncs.com", Project: "audit", Logstore: "actiontrail", Shard: 2,
		Begin: "MTUyOTQ4MDIwOTY1NTk3ODQ2Mw==", End: "MTUyOTQ4MDIwOTY1NTk3ODQ2NA==",
		Job: "1f7043ced683de1a4e3d8d70b5a412843d817a39", Task: "c2691505-38da-4d1b-998a-f1d4bb8c9994",
		Time: time.Unix(1529486425, 0).UTC(),
	}},
	"timer": {Kind: trigger.Tick, Path: "timer"},
}

const (
	snsID    = "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"
	bridgeID = "17793124-05d4-b198-2fde-7ededc63b103"
)

// sameError compares a wanted message with the error that must contain it.
var sameError = cmp.Comparer(func(a, b error) bool {
	return a == nil && b == nil || a != nil && b != nil &&
		(strings.Contains(a.Error(), b.Error()) || strings.Contains(b.Error(), a.Error()))
})

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestEnvelopes(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(envelopes)) {
		t.Run(name, func(t *testing.T) {
			want := envelopes[name]
			if want.Kind == "" {
				want.Kind = trigger.Objects
			}
			body := testdata(t, name)
			fromHTTP, err := trigger.FromHTTP(post(string(body)), 0)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, fromHTTP, sameError); diff != "" {
				t.Error(diff)
			}
			for _, n := range fromHTTP.Notices {
				var refused *trigger.Error
				if n.Err != nil && (!errors.As(n.Err, &refused) || !retry.IsPermanent(n.Err)) {
					t.Errorf("%v: want a permanent *trigger.Error", n.Err)
				}
			}
		})
	}
}

func TestOneUnreadableRecordDoesNotHoldUpTheOthers(t *testing.T) {
	e, err := trigger.FromBytes(testdata(t, "s3-one-unreadable"))
	if err != nil || len(e.Notices) != 2 {
		t.Fatalf("%+v, %v", e, err)
	}
	bad, good := e.Notices[0], e.Notices[1]
	if bad.Err == nil || !strings.Contains(bad.Err.Error(), "not URL-encoded") || !strings.Contains(string(bad.Raw), "100%.log.gz") {
		t.Errorf("%+v", bad)
	}
	if diff := cmp.Diff(s3Put(key), good); diff != "" {
		t.Error(diff)
	}
}

func TestGCSBinaryCloudEvent(t *testing.T) {
	e, err := trigger.FromHTTP(post(`{"bucket":"logs","name":"a b.log.gz","size":"7","generation":"3"}`, map[string]string{
		"ce-specversion": "1.0", "ce-id": "1", "ce-type": "google.cloud.storage.object.v1.finalized",
		"ce-source": "//storage.googleapis.com/projects/_/buckets/logs", "ce-subject": "objects/a b.log.gz",
	}), 0)
	want := trigger.Event{Kind: trigger.Objects, Path: "cloudevent > gcs", ID: "1", Notices: []trigger.Notice{
		{Source: trigger.GCS, Bucket: "logs", Key: "a b.log.gz", Size: 7, Generation: "3", Action: "finalized", Created: true},
	}}
	if diff := cmp.Diff(want, e); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestRefusedNotices(t *testing.T) {
	for name, tc := range map[string]struct{ body, message string }{
		"no records":               {`{"Records":[]}`, "Records is empty"},
		"records not a list":       {`{"Records":{}}`, "Records is not a list"},
		"unknown source":           {`{"Records":[{"eventSource":"aws:dynamodb"}]}`, `eventSource "aws:dynamodb"`},
		"no source":                {`{"Records":[{"hello":1}]}`, `eventSource ""`},
		"S3 version 3":             {`{"Records":[{"eventSource":"aws:s3","eventVersion":"3.0"}]}`, `eventVersion "3.0"`},
		"S3 without object":        {`{"Records":[{"eventSource":"aws:s3","eventVersion":"2.1","eventName":"ObjectCreated:Put"}]}`, `"s3" is missing`},
		"S3 without key":           {`{"Records":[{"eventSource":"aws:s3","eventVersion":"2.1","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"}}}]}`, "no object key"},
		"S3 key not UTF-8":         {`{"Records":[{"eventSource":"aws:s3","eventVersion":"2.1","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"%ff"}}}]}`, "not UTF-8"},
		"other test event":         {`{"Service":"Amazon S3","Event":"s3:Other","Bucket":"b"}`, `event "s3:Other"`},
		"SQS without id":           {`{"Records":[{"eventSource":"aws:sqs","body":"{}"}]}`, "no id to answer"},
		"SNS subscription":         {`{"Type":"SubscriptionConfirmation","MessageId":"1","SubscribeURL":"https://x"}`, "confirm the subscription yourself"},
		"SNS without message":      {`{"Type":"Notification","MessageId":"1"}`, `"Message" is missing`},
		"SNS of something else":    {`{"Type":"Notification","MessageId":"1","Message":"hi"}`, "broken JSON"},
		"EventBridge, other":       {`{"detail-type":"EC2 Instance State-change Notification","source":"aws.ec2","detail":{}}`, `"aws.ec2"`},
		"EventBridge, not object":  {`{"detail-type":"Bucket Moved","source":"aws.s3","detail":{}}`, "not about an object"},
		"EventBridge, no bucket":   {`{"detail-type":"Object Created","source":"aws.s3","detail":{}}`, "no bucket"},
		"R2, unknown action":       {`{"action":"Rename","bucket":"b","object":{"key":"k"}}`, `action "Rename"`},
		"R2, no key":               {`{"action":"PutObject","bucket":"b","object":{}}`, "no object key"},
		"R2, negative size":        {`{"action":"PutObject","bucket":"b","object":{"key":"k","size":-2}}`, "negative"},
		"batch without queue":      {`{"messages":[]}`, "no queue"},
		"batch of nothing":         {`{"queue":"q","messages":[]}`, "no message"},
		"batch without id":         {`{"queue":"q","messages":[{"body":1}]}`, "no id to answer"},
		"GCS, unknown change":      {`{"specversion":"1.0","id":"1","source":"s","type":"google.cloud.storage.object.v1.moved","data":{}}`, `"moved"`},
		"GCS, size":                {`{"specversion":"1.0","id":"1","source":"s","type":"google.cloud.storage.object.v1.finalized","data":{"size":1.5}}`, "not an integer"},
		"GCS notification, no key": {`{"message":{"attributes":{"eventType":"OBJECT_FINALIZE","bucketId":"b"}}}`, "no object key"},
		"GCS notification, data":   {`{"message":{"data":"aGk=","attributes":{"eventType":"OBJECT_FINALIZE","bucketId":"b","objectId":"k","payloadFormat":"JSON_API_V1"}}}`, "broken JSON"},
		"SLS without cursor":       {`{"source":{"projectName":"p","logstoreName":"l","shardId":0,"beginCursor":"a"},"cursorTime":1}`, "source.endCursor is missing"},
		"SLS without shard":        {`{"source":{"projectName":"p","logstoreName":"l","beginCursor":"a","endCursor":"b"},"cursorTime":1}`, "shardId"},
		"SLS of another shape":     {`{"source":1,"cursorTime":1}`, "source cannot be a number"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := trigger.FromBytes([]byte(tc.body))
			var refused *trigger.Error
			if !errors.As(err, &refused) || !retry.IsPermanent(err) || refused.Status != 400 {
				t.Fatalf("%+v, %v: want a permanent *trigger.Error", got, err)
			}
			if !strings.Contains(err.Error(), tc.message) {
				t.Errorf("%v: want %q", err, tc.message)
			}
		})
	}
}
