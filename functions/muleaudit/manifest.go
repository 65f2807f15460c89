package muleaudit

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// manifest decides, once and for ever, what the next objects of a slice hold. It
// lies in STATE_URL as one create-only object: a line of JSON, then the keys of
// all events in it, 16 bytes each.
type manifest struct {
	Run   string    `json:"run"`
	Org   string    `json:"org"`
	Start time.Time `json:"slice_start"`
	End   time.Time `json:"slice_end"`
	// From and To bound the part of the slice that was read, and all of its events
	// save those that have no time of their own.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Keys is the number of keys that follow.
	Keys  int    `json:"keys"`
	Parts []part `json:"parts"`
	// Rejected are the objects of quarantine, with the entries that cannot be
	// delivered. A release before this one put them there before it decided.
	Rejected []part `json:"rejected,omitempty"`
}

// part is one object of a manifest.
type part struct {
	Name     string `json:"name"`   // in the output bucket, or in quarantine
	Staged   string `json:"staged"` // in STATE_URL, until it is published
	Events   int64  `json:"events"`
	Bytes    int64  `json:"bytes"` // of the object
	RawBytes int64  `json:"raw_bytes"`
	SHA256   string `json:"sha256"`
	MD5      string `json:"md5"`
}

func (p part) md5() []byte {
	sum, err := hex.DecodeString(p.MD5)
	if err != nil {
		return nil
	}
	return sum
}

// encode returns m and the keys as they lie in STATE_URL.
func (m manifest) encode(all keys) ([]byte, error) {
	m.Keys = len(all)
	head, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	data := make([]byte, 0, len(head)+1+len(all)*len(key{}))
	return all.appendTo(append(append(data, head...), '\n')), nil
}

// readManifest reads the manifest at path, and its keys into all unless that is
// nil.
func readManifest(ctx context.Context, state *bucket.Bucket, path string, all keys) (m manifest, err error) {
	r, err := state.NewReader(ctx, path, nil)
	if err != nil {
		return m, fmt.Errorf("read manifest %s: %w", path, err)
	}
	defer func() { _ = r.Close() }()
	br := bufio.NewReader(r)
	head, err := br.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(head, &m)
	}
	if err == nil && all != nil {
		err = all.readFrom(br, m.Keys)
	}
	if err != nil {
		return m, fmt.Errorf("read manifest %s: %w", path, err)
	}
	return m, nil
}
