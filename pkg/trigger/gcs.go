package trigger

import (
	"encoding/json"
	"strconv"
	"strings"
)

// typeGCS begins the CloudEvent types of Cloud Storage: finalized, deleted,
// archived and metadataUpdated (googleapis/google-cloudevents,
// proto/google/events/cloud/storage/v1).
const typeGCS = "google.cloud.storage.object.v1."

// gcsObject is the part of the storage API's object resource that matters
// here. Its integers come as strings or as numbers; a json.Number takes both.
type gcsObject struct {
	Bucket     string      `json:"bucket"`
	Name       string      `json:"name"`
	Generation json.Number `json:"generation"`
	Size       json.Number `json:"size"`
	ETag       string      `json:"etag"`
	Updated    string      `json:"updated"`
}

func gcsEvent(change string, data []byte) (Event, error) {
	const envelope = "GCS event"
	var created bool
	switch change {
	case "finalized":
		created = true
	case "deleted", "archived", "metadataUpdated":
	default:
		return Event{}, refuse(envelope, "type %.64q is not understood", change)
	}
	n, err := gcsNotice(envelope, data, created)
	n.Action = change
	return single("gcs", "", n, err)
}

func gcsNotice(envelope string, data []byte, created bool) (Notice, error) {
	var o gcsObject
	if err := unmarshal(envelope, data, &o); err != nil {
		return Notice{}, err
	}
	size := int64(-1)
	if o.Size != "" {
		var err error
		if size, err = strconv.ParseInt(o.Size.String(), 10, 64); err != nil {
			return Notice{}, refuse(envelope, "the object size is not an integer")
		}
	}
	return Notice{
		Source:     GCS,
		Bucket:     o.Bucket,
		Key:        o.Name,
		Size:       size,
		ETag:       o.ETag,
		Generation: o.Generation.String(),
		Created:    created,
		Time:       optionalTime(o.Updated),
	}.checked(envelope)
}

// isGCSNotification tells Cloud Storage's Pub/Sub notifications from other
// messages, by the attributes each of them has
// (docs.cloud.google.com/storage/docs/pubsub-notifications).
func isGCSNotification(attributes map[string]string) bool {
	return strings.HasPrefix(attributes["eventType"], "OBJECT_") && attributes["bucketId"] != ""
}

// gcsNotification turns a Pub/Sub message into the notice it is. The
// attributes say all that is needed; the object resource, there unless the
// notification was set up with payload format NONE, adds size and ETag.
func gcsNotification(e Event) (Event, error) {
	const envelope = "GCS notification"
	attr := e.Attributes
	n := Notice{Size: -1}
	if attr["payloadFormat"] == "JSON_API_V1" {
		var err error
		if n, err = gcsNotice(envelope, e.Data, false); err != nil {
			return Event{}, err
		}
	}
	n.Source = GCS
	n.Bucket, n.Key, n.Generation = attr["bucketId"], attr["objectId"], attr["objectGeneration"]
	n.Action = attr["eventType"]
	n.Created = n.Action == "OBJECT_FINALIZE"
	n.Time = optionalTime(attr["eventTime"])
	n, err := n.checked(envelope)
	return single("pubsub > gcs", e.ID, n, err)
}
