package muleaudit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// claim decides, once and for ever, what the next objects of a slice hold. It
// lies in STATE_URL as one create-only object: a line of JSON, then the keys of
// all events in it, 16 bytes each.
type claim struct {
	Run   string    `json:"run"`
	Org   string    `json:"org"`
	Start time.Time `json:"slice_start"`
	End   time.Time `json:"slice_end"`
	// From and To are the part of the slice that was looked at.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Keys is the number of keys that follow.
	Keys  int    `json:"keys"`
	Parts []part `json:"parts"`
}

// part is one object of a claim.
type part struct {
	Name     string `json:"name"`   // in the output bucket
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

// writeClaim creates the claim object at path. bucket.ErrExists means that
// another run has claimed that number; that our own earlier attempt got through
// although its answer was lost counts as success.
func writeClaim(ctx context.Context, state *bucket.Bucket, path string, c claim, keys *keySet) error {
	c.Keys = keys.len()
	head, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode claim: %w", err)
	}
	head = append(head, '\n')
	pr, pw := io.Pipe()
	go func() {
		_, err := pw.Write(head)
		if err == nil {
			_, err = keys.WriteTo(pw)
		}
		pw.CloseWithError(err)
	}()
	_, err = state.Create(ctx, path, pr, blob.WriterOptions{ContentType: "application/octet-stream"})
	_ = pr.Close() // frees the writer when Create stopped reading early
	if errors.Is(err, bucket.ErrExists) {
		there, readErr := readClaim(ctx, state, path, nil)
		if readErr != nil {
			return errors.Join(err, readErr)
		}
		// Two runs differ in their id, two looks of a run in what they staged.
		if mine, _ := json.Marshal(c); bytes.Equal(mine, mustJSON(there)) {
			return nil
		}
	}
	return err
}

func mustJSON(c claim) []byte {
	data, err := json.Marshal(c)
	if err != nil { // times, numbers and strings always encode
		panic(err)
	}
	return data
}

// readClaim reads the claim at path, and its keys into keys unless that is nil.
func readClaim(ctx context.Context, state *bucket.Bucket, path string, keys *keySet) (c claim, err error) {
	r, err := state.NewReader(ctx, path, nil)
	if err != nil {
		return c, fmt.Errorf("read claim %s: %w", path, err)
	}
	defer func() { _ = r.Close() }()
	br := bufio.NewReader(r)
	head, err := br.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(head, &c)
	}
	if err == nil && keys != nil {
		keys.reserve(c.Keys)
		var n int
		if n, err = keys.readFrom(br); err == nil && n != c.Keys {
			err = fmt.Errorf("%d keys of %d: restore the object", n, c.Keys)
		}
	}
	if err != nil {
		return c, fmt.Errorf("read claim %s: %w", path, err)
	}
	return c, nil
}
