package trigger

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Store is the service an object lies in.
type Store string

// The stores that send notices.
const (
	R2  Store = "r2"
	S3  Store = "s3"
	GCS Store = "gcs"
)

// Notice tells what happened to one object.
type Notice struct {
	Source Store
	Bucket string
	// Key is the object's name as the store knows it, not URL-encoded.
	Key string
	// Size is in bytes, -1 if the notice does not tell.
	Size int64
	// ETag is without quotes; empty if the notice does not tell.
	ETag string
	// VersionID (S3) and Generation (GCS) name the version that was written,
	// which may no longer be the newest; empty if there is none.
	VersionID, Generation string
	// Action is what happened, in the store's own word, such as PutObject,
	// ObjectCreated:Put, s3:TestEvent or OBJECT_FINALIZE.
	Action string
	// Created tells whether the action left a new object, or new content, to
	// read. A notice without it asks for nothing.
	Created bool
	// Time is when it happened, zero if the notice does not tell.
	Time time.Time

	// MessageID names the message that brought the notice, for an [Answer].
	MessageID string
	// Attempts is how often that message was delivered, this time included;
	// 0 if its envelope does not tell.
	Attempts int

	// Err is set when a readable envelope held an unreadable message: an
	// [*Error], permanent. Only Raw, MessageID and Attempts are then set.
	Err error
	// Raw is the unreadable message, for quarantine; nil without Err.
	Raw []byte
}

// checked returns n if it names an object that can exist.
func (n Notice) checked(envelope string) (Notice, error) {
	n.ETag = strings.Trim(n.ETag, `"`)
	switch {
	case n.Bucket == "":
		return Notice{}, refuse(envelope, "names no bucket")
	case n.Key == "":
		return Notice{}, refuse(envelope, "names no object key")
	case !utf8.ValidString(n.Key):
		return Notice{}, refuse(envelope, "the object key is not UTF-8")
	case n.Size < -1:
		return Notice{}, refuse(envelope, "the object size is negative")
	}
	return n, nil
}

// single is the event of a notice that stands alone.
func single(path, id string, n Notice, err error) (Event, error) {
	if err != nil {
		return Event{}, err
	}
	return Event{Kind: Objects, Path: path, ID: id, Notices: []Notice{n}}, nil
}

// optionalSize reads a size that may be absent.
func optionalSize(size *int64) int64 {
	if size == nil {
		return -1
	}
	return *size
}

// optionalTime reads a time that is good to know and no reason to refuse.
func optionalTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
