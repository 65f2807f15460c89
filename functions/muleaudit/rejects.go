package muleaudit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
)

// position is where the API returned an entry that was rejected.
type position struct {
	Org   string    `json:"organization"`
	From  time.Time `json:"from"` // of the query
	To    time.Time `json:"to"`
	Page  int       `json:"page"`  // from 1
	Index int       `json:"index"` // in the page, from 0
}

const (
	maxHeldRecord = 256 << 10 // a longer one is written as it is read, as an object of its own
	maxHeldBytes  = 2 << 20   // of the others, before they are written
)

// rejects are the entries of one draft that cannot be delivered. As events do, they
// are staged in STATE_URL, as few objects, and go to quarantine once a manifest has
// decided on them.
type rejects struct {
	ctx    context.Context
	store  *quarantine.Store
	state  *bucket.Bucket
	prefix string // of what is staged, which nothing else has
	day    time.Time
	id     string // nothing else has it
	held   []rejected
	bytes  int
	staged []part
	count  int64
}

type rejected struct {
	quarantine.Entry
	record []byte
}

// put reads an entry to its end, and keeps it if it is news.
func (r *rejects) put(org string, q interval, e anypoint.Rejected, news func(key) bool) error {
	at, err := json.Marshal(position{org, q.From, q.To, e.Page, e.Index})
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	entry := quarantine.Entry{Reason: e.Reason, Code: e.Code, Source: at}
	h := rejectHash()
	record := io.TeeReader(e.Record, h)
	start, err := io.ReadAll(io.LimitReader(record, maxHeldRecord+1))
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	if len(start) > maxHeldRecord {
		return r.putLong(entry, io.MultiReader(bytes.NewReader(start), record), func() bool { return news(keyOfSum(h.Sum(nil))) })
	}
	if !news(keyOfSum(h.Sum(nil))) {
		return nil
	}
	r.count++
	r.held = append(r.held, rejected{entry, start})
	if r.bytes += len(start); r.bytes > maxHeldBytes {
		return r.write()
	}
	return nil
}

func (r *rejects) putLong(e quarantine.Entry, record io.Reader, news func() bool) error {
	batch := r.batch()
	defer batch.Abort()
	if err := batch.Add(e, record); err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	if !news() {
		return nil
	}
	r.count++
	return r.commit(batch)
}

// write stages what is held.
func (r *rejects) write() error {
	if len(r.held) == 0 {
		return nil
	}
	batch := r.batch()
	defer batch.Abort()
	for _, e := range r.held {
		if err := batch.Add(e.Entry, bytes.NewReader(e.record)); err != nil {
			return fmt.Errorf("quarantine: %w", err)
		}
	}
	r.held, r.bytes = nil, 0
	return r.commit(batch)
}

func (r *rejects) batch() *quarantine.Batch {
	return r.store.Stage(r.ctx, r.state, fmt.Sprintf("%srejected-%03d.ndjson.gz", r.prefix, len(r.staged)+1))
}

func (r *rejects) commit(batch *quarantine.Batch) error {
	staged, err := batch.Commit()
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	p := part{Name: r.store.Name(r.day, fmt.Sprintf("%s/%d", r.id, len(r.staged))), Staged: staged, Events: int64(batch.Records())}
	p.Bytes, p.SHA256 = batch.Sum()
	r.staged = append(r.staged, p)
	return nil
}

// discard removes what no manifest names.
func (r *rejects) discard(ctx context.Context) error {
	var errs []error
	for _, p := range r.staged {
		errs = append(errs, r.state.Remove(ctx, p.Staged))
	}
	r.staged = nil
	return errors.Join(errs...)
}

// rejectHash hashes an entry that was rejected to a key which it does not have
// as an event: what was too long once may be delivered when the limit is raised.
func rejectHash() hash.Hash {
	h := sha256.New()
	_, _ = io.WriteString(h, "rejected\n")
	return h
}
