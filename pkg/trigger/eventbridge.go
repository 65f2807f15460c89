package trigger

import (
	"encoding/json"
	"strings"
)

// eventBridge reads an EventBridge event: S3's about an object
// (docs.aws.amazon.com/AmazonS3, ev-events), or a schedule's tick.
func eventBridge(body []byte) (Event, error) {
	const envelope = "EventBridge event"
	var e struct {
		ID         string          `json:"id"`
		Source     string          `json:"source"`
		DetailType string          `json:"detail-type"`
		Time       string          `json:"time"`
		Detail     json.RawMessage `json:"detail"`
	}
	if err := unmarshal(envelope, body, &e); err != nil {
		return Event{}, err
	}
	switch {
	case e.DetailType == "Scheduled Event" && (e.Source == "aws.events" || e.Source == "aws.scheduler"):
		return Event{Kind: Tick, Path: "eventbridge", ID: e.ID}, nil
	case e.Source != "aws.s3":
		return Event{}, refuse(envelope, "%.64q from source %.64q is not understood: want aws.s3 or a schedule", e.DetailType, e.Source)
	case !strings.HasPrefix(e.DetailType, "Object "):
		return Event{}, refuse(envelope, "detail-type %.64q is not about an object", e.DetailType)
	}
	var d struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key       string `json:"key"`
			Size      *int64 `json:"size"`
			ETag      string `json:"etag"`
			VersionID string `json:"version-id"`
		} `json:"object"`
	}
	if err := unmarshal(envelope, e.Detail, &d); err != nil {
		return Event{}, err
	}
	n, err := Notice{
		Source:    S3,
		Bucket:    d.Bucket.Name,
		Key:       d.Object.Key, // unlike in an S3 event, as it is
		Size:      optionalSize(d.Object.Size),
		ETag:      d.Object.ETag,
		VersionID: d.Object.VersionID,
		Action:    e.DetailType,
		Created:   e.DetailType == "Object Created",
		Time:      optionalTime(e.Time),
	}.checked(envelope)
	return single("eventbridge", e.ID, n, err)
}
