package receipt

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

const (
	// lookTime bounds how long is looked for what a receipt follows, which is no
	// reason to lose it; and it never takes more than half of what time there is.
	lookTime = 5 * time.Second
	// late is how long saving a receipt may take: if the store dates it when that
	// begins, others have to find it before they have passed that. It is less than
	// [disorder].
	late = 3 * time.Second
	// again is how often a receipt that was saved late is saved once more, so that
	// one follows it.
	again = 3
)

// Save keeps r in the state bucket, and notes in it where: while the run goes on
// at a key of its own, where it replaces what was kept before, and once it has
// ended at one that tells its hash. It then names the receipts that it follows;
// why it names none is written in it, and no error. What was kept while the run
// went on is removed.
func Save(ctx context.Context, state *bucket.Bucket, r Receipt) error {
	c := r.Base()
	var err error
	if c.Status == Running {
		c.Kept = true // also if the answer is lost
		err = state.PutJSON(ctx, c.Key(), r)
	} else {
		err = saveEnded(ctx, state, r)
	}
	if err != nil {
		return fmt.Errorf("save receipt: %w", err)
	}
	return nil
}

func saveEnded(ctx context.Context, state *bucket.Bucket, r Receipt) error {
	c := r.Base()
	running := c.runningKey()
	end := c.FinishedAt
	if end.IsZero() {
		end = c.StartedAt
	}
	for i := range again {
		c.Follows = looked(ctx, state, c.Function, end)
		c.Follows.Again = i > 0
		text, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("encode %s: %w", c.Run, err)
		}
		sum := sha256.Sum256(text)
		key := Name{At: end, ID: c.id(), SHA256: hex.EncodeToString(sum[:])}.Key(c.Function)
		began := time.Now()
		if _, err := state.Put(ctx, key, bytes.NewReader(text), blob.WriterOptions{ContentType: "application/json"}); err != nil {
			return err
		}
		c.key = key
		if end = time.Now(); end.Sub(began) < late {
			break
		}
	}
	if !c.Kept {
		return nil
	}
	// One that stays behind, also after a kill, is superseded by this one: no reason
	// to fail a run whose receipt is kept.
	c.Kept = state.Remove(ctx, running) != nil
	return nil
}

// looked returns what the receipt of a run that ended at end follows, or why that
// is not known.
func looked(ctx context.Context, state *bucket.Bucket, function string, end time.Time) *Follows {
	limit := lookTime
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)/2)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	f, err := follow(ctx, state, function, end)
	if err != nil {
		return &Follows{Why: short(err.Error())}
	}
	return f
}

// id is what the run is called besides when it began.
func (c *Core) id() string {
	_, id, found := strings.Cut(c.Run, "-")
	if !found {
		return c.Run
	}
	return id
}

// Key is where the receipt lies in STATE_URL, see [Name]: where [Save] has kept it
// or, before that, will keep it while the run goes on.
func (c *Core) Key() string {
	if c.key != "" {
		return c.key
	}
	return c.runningKey()
}

func (c *Core) runningKey() string {
	return folder(c.Function) + c.StartedAt.UTC().Format("2006/01/02/") + c.Run + ".json"
}
