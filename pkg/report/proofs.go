package report

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// Proof is a verification that a trigger asked for.
type Proof struct {
	Time   time.Time // when it ended
	Key    string
	SHA256 string // of its bytes, in hex
	// Damaged says why it cannot be read as one: then nothing rests on it.
	Damaged error
	receipt.Verified
}

// laterProofs is how many days after a day a proof may be the first that covers
// it: the daily one looks back two days.
const laterProofs = 8

// daysAbreast is how many days' proofs are read side by side.
const daysAbreast = 32

// readProofs reads the verifications kept on the days from from to to, both
// included, in the order of their times.
func readProofs(ctx context.Context, state *bucket.Bucket, function string, from, to time.Time) ([]Proof, error) {
	var days [][]Proof
	for t := from; !t.After(to); t = t.AddDate(0, 0, 1) {
		days = append(days, nil)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(daysAbreast)
	for i := range days {
		g.Go(func() error {
			keys, err := state.Keys(ctx, function+"/verify/"+from.AddDate(0, 0, i).Format("2006/01/02/"))
			if err != nil {
				return err
			}
			for _, key := range keys {
				p, err := readProof(ctx, state, key)
				if err != nil {
					return err
				}
				days[i] = append(days[i], p)
			}
			return nil
		})
	}
	err := g.Wait()
	return slices.Concat(days...), err
}

func readProof(ctx context.Context, state *bucket.Bucket, key string) (Proof, error) {
	text, err := state.ReadAll(ctx, key)
	if bucket.IsObjectRefused(err) {
		return Proof{Key: key, Damaged: err}, nil
	}
	if err != nil {
		return Proof{}, fmt.Errorf("read %s: %w", key, err)
	}
	sum := sha256.Sum256(text)
	p := Proof{Key: key, SHA256: hex.EncodeToString(sum[:])}
	v, err := receipt.ReadVerification(text)
	if p.Damaged = err; p.Damaged == nil {
		p.Verified = v.Verify
		p.Time, p.Damaged = receipt.Began(strings.TrimSuffix(path.Base(key), ".json"))
	}
	return p, nil
}
