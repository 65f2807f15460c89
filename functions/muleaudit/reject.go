package muleaudit

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
)

// position is where the API returned an entry that was rejected.
type position struct {
	Org   string    `json:"organization"`
	From  time.Time `json:"from"` // of the window that was read
	To    time.Time `json:"to"`
	Page  int       `json:"page"`  // from 1
	Index int       `json:"index"` // in the page, from 0
}

// rejects sets aside the entries of one look that cannot be delivered. Each is
// an object named after its position and the manifest that will know of it: a run
// that is killed before it manifests writes the same objects again.
type rejects struct {
	ctx      context.Context
	store    *quarantine.Store
	look     look
	manifest string // path of the manifest
}

// put reads an entry to its end, and keeps it if it is news.
func (r rejects) put(e anypoint.Rejected, news func(key) (bool, error)) error {
	id := fmt.Sprintf("%s/%d/%d", r.manifest, e.Page, e.Index)
	batch := r.store.Batch(r.ctx, r.look.start, id)
	defer batch.Abort()
	at, err := json.Marshal(position{r.look.org, r.look.from, r.look.to, e.Page, e.Index})
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	h := rejectHash()
	err = batch.Add(quarantine.Entry{Reason: e.Reason, Code: e.Code, Source: at}, io.TeeReader(e.Record, h))
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	if keep, err := news(keyOfSum(h.Sum(nil))); err != nil || !keep {
		return err
	}
	if _, err := batch.Commit(); err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	return nil
}

// rejectHash hashes an entry that was rejected to a key which it does not have
// as an event: what was too long once may be delivered when the limit is raised.
func rejectHash() hash.Hash {
	h := sha256.New()
	_, _ = io.WriteString(h, "rejected\n")
	return h
}
