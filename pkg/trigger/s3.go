package trigger

import (
	"encoding/json"
	"net/url"
	"strings"
)

// s3Record is one element of an S3 event, version 2
// (docs.aws.amazon.com/AmazonS3, notification-content-structure).
type s3Record struct {
	EventVersion string `json:"eventVersion"`
	EventTime    string `json:"eventTime"`
	EventName    string `json:"eventName"`
	S3           *struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key       string `json:"key"`
			Size      *int64 `json:"size"`
			ETag      string `json:"eTag"`
			VersionID string `json:"versionId"`
		} `json:"object"`
	} `json:"s3"`
}

func s3Event(list []json.RawMessage) (Event, error) {
	e := Event{Kind: Objects, Path: "s3"}
	for _, raw := range list {
		n, err := s3Notice(raw)
		if err != nil {
			n = Notice{Raw: raw, Err: err}
		}
		e.Notices = append(e.Notices, n)
	}
	return readable(e, nil)
}

func s3Notice(raw []byte) (Notice, error) {
	const envelope = "S3 record"
	var r s3Record
	if err := unmarshal(envelope, raw, &r); err != nil {
		return Notice{}, err
	}
	if major, _, _ := strings.Cut(r.EventVersion, "."); major != "2" {
		return Notice{}, refuse(envelope, "eventVersion %.16q is not understood: want 2.x", r.EventVersion)
	}
	if r.S3 == nil {
		return Notice{}, refuse(envelope, `the key "s3" is missing`)
	}
	if r.EventName == "" {
		return Notice{}, refuse(envelope, "names no event")
	}
	// The key is form-encoded: a space is "+". AWS leaves "/" as it is, MinIO
	// does not.
	key, err := url.QueryUnescape(r.S3.Object.Key)
	if err != nil {
		return Notice{}, refuse(envelope, "the object key is not URL-encoded")
	}
	action := strings.TrimPrefix(r.EventName, "s3:") // MinIO's habit
	return Notice{
		Source:    S3,
		Bucket:    r.S3.Bucket.Name,
		Key:       key,
		Size:      optionalSize(r.S3.Object.Size),
		ETag:      r.S3.Object.ETag,
		VersionID: r.S3.Object.VersionID,
		Action:    action,
		Created:   strings.HasPrefix(action, "ObjectCreated:"),
		Time:      optionalTime(r.EventTime),
	}.checked(envelope)
}

// s3TestEvent reads what S3 sends once when a notification is set up. It has
// no object, and is to be acknowledged like a notice that asks for nothing.
func s3TestEvent(body []byte) (Event, error) {
	var test struct {
		Event, Bucket, Time, RequestID string
	}
	if err := unmarshal("S3 test event", body, &test); err != nil {
		return Event{}, err
	}
	if test.Event != "s3:TestEvent" {
		return Event{}, refuse("S3 test event", "event %.64q is not understood: want s3:TestEvent", test.Event)
	}
	n := Notice{Source: S3, Bucket: test.Bucket, Size: -1, Action: test.Event, Time: optionalTime(test.Time)}
	return single("s3", test.RequestID, n, nil)
}
