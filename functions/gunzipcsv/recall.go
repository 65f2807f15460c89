package gunzipcsv

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// readPart calls each with every line of a part of a manifest.
func readPart(ctx context.Context, state *bucket.Bucket, key string, each func(Written)) error {
	r, err := state.NewReader(ctx, key, nil)
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	defer func() { _ = r.Close() }()
	gz, err := gzip.NewReader(r)
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	lines := bufio.NewScanner(gz)
	lines.Buffer(nil, 1<<20) // a line has two keys of 1 KB at most, escaped
	for n := 1; lines.Scan(); n++ {
		var w Written
		if err := json.Unmarshal(lines.Bytes(), &w); err != nil {
			return fmt.Errorf("read %s line %d: %w", key, n, err)
		}
		each(w)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	return nil
}

const (
	// recalled is how many runs' manifests are kept in mind. Neighbours in a
	// list of objects were mostly written by the same run.
	recalled = 16
	// recallAgain is how long the manifest of a run that may be under way counts
	// as read.
	recallAgain = 2 * time.Second
)

// recall knows what the manifests of other runs tell, some 100 bytes a target.
type recall struct {
	state *bucket.Bucket

	mu    sync.Mutex
	runs  map[string]*pastRun
	order []string // of runs, as they were asked for first
}

type pastRun struct {
	mu    sync.Mutex
	known map[uint64]string // SHA-256 of targets, see markOf; nil: not read
	read  time.Time
}

// sum returns the SHA-256 that a manifest has of the target as run wrote it,
// and false if none has the target as it is now.
func (c *recall) sum(ctx context.Context, run, target, etag string) (string, bool, error) {
	prefix, err := manifestPrefix(run)
	if err != nil {
		return "", false, nil //nolint:nilerr // metadata of somebody else's: no manifest knows it
	}
	p := c.run(run)
	p.mu.Lock()
	defer p.mu.Unlock()
	mark := markOf(target, etag)
	if sum, ok := p.known[mark]; ok {
		return sum, true, nil
	}
	if p.known != nil && time.Since(p.read) < recallAgain {
		return "", false, nil
	}
	read, known := time.Now(), map[uint64]string{}
	for o, err := range c.state.Objects(ctx, prefix) {
		if err == nil && strings.HasSuffix(o.Key, ".jsonl.gz") {
			err = readPart(ctx, c.state, o.Key, func(w Written) { known[markOf(w.Target, w.TargetETag)] = w.TargetSHA256 })
		}
		if err != nil {
			return "", false, err
		}
	}
	p.read, p.known = read, known
	sum, ok := known[mark]
	return sum, ok, nil
}

func (c *recall) run(name string) *pastRun {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runs == nil {
		c.runs = map[string]*pastRun{}
	}
	p, ok := c.runs[name]
	if !ok {
		if len(c.order) == recalled {
			delete(c.runs, c.order[0])
			c.order = c.order[1:]
		}
		p = &pastRun{}
		c.runs[name] = p
		c.order = append(c.order, name)
	}
	return p
}
