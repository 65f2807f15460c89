package alitags

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"gocloud.dev/blob"
	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// kept is what is known of resources from one process to the next: objects of
// gzip NDJSON that are only ever created and deleted. A save creates one, of what
// is new since the last. When they have become many, one with everything that is
// remembered takes the place of all that were read before it was written.
//
// Several processes may do so at once. Of two lines about a resource the newer
// counts, so that it does no harm where one is there twice, nor when a process is
// killed between writing and deleting. There are never many more objects than
// mostKept for each process, nor more lines than a few times what a process
// remembers ([Options.Size]), however old the deployment grows.
type kept struct {
	bucket *bucket.Bucket
	prefix string

	turn   chan struct{}  // holds one token: one at a time reads or writes
	seen   map[string]int // the objects that were read or written, and their lines
	bad    []string       // what is wrong with those that cannot be read; under the client's lock
	read   time.Time      // when they were listed
	merged int            // lines of the last object that took the place of others
	gz     *gzip.Writer
}

const (
	// fewKept objects are left alone; more are merged once they hold a quarter of
	// what there is, so that one line is not written again and again.
	fewKept  = 16
	mostKept = 64
	// recallAfter is how old the list of objects may be when a resource is gone:
	// another process may have known it, or know it better.
	recallAfter = 10 * time.Second
)

func newKept(b *bucket.Bucket, prefix string) *kept {
	return &kept{bucket: b, prefix: prefix, turn: make(chan struct{}, 1), seen: map[string]int{}, gz: gzip.NewWriter(nil)}
}

func (k *kept) acquire(ctx context.Context) error {
	select {
	case k.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (k *kept) release() { <-k.turn }

// Load reads what this process has not read yet of what is kept. Call it at the
// beginning of a run: it costs one list, and one read for each object that is
// new.
func (c *Client) Load(ctx context.Context) error {
	if c.kept == nil {
		return nil
	}
	if err := c.kept.acquire(ctx); err != nil {
		return err
	}
	defer c.kept.release()
	return c.load(ctx)
}

func (c *Client) load(ctx context.Context) error {
	k := c.kept
	// An object that is listed and gone was merged into one that is not listed; and
	// file:// trips over what is removed while it lists.
	for try := 0; ; try++ {
		keys, err := k.bucket.Keys(ctx, k.prefix)
		if err == nil {
			err = c.read(ctx, keys)
		}
		if err == nil {
			k.read = time.Now()
			return nil
		}
		if !bucket.IsNotFound(err) || try == 10 {
			return fmt.Errorf("known tags: %w", err)
		}
		if err := retry.Sleep(ctx, 10*time.Millisecond<<try); err != nil {
			return err
		}
	}
}

// read merges those of the objects that were not seen, in the order in which they
// were written: what was asked about last is what stays where not all can.
func (c *Client) read(ctx context.Context, keys []string) error {
	k := c.kept
	raw := make([][]byte, len(keys))
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(8)
	for i, name := range keys {
		if _, ok := k.seen[name]; ok || !strings.HasSuffix(name, suffix) {
			continue
		}
		all.Go(func() (err error) {
			if raw[i], err = k.bucket.ReadAll(ctx, name); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	seen := make(map[string]int, len(keys))
	k.merged = 0
	var bad []string
	for i, name := range keys {
		n, ok := k.seen[name]
		if raw[i] != nil {
			var err error
			n, err = c.unpack(raw[i])
			raw[i], ok = nil, err == nil
			if err != nil { // nobody removes it but a person, and all else is read
				bad = append(bad, fmt.Sprintf("%s, which holds tags that were known, cannot be read, so that resources deleted since may be told without: remove it: %v", name, err))
			}
		}
		if ok {
			seen[name] = n
			k.merged = max(k.merged, n)
		}
	}
	k.seen = seen
	c.mu.Lock()
	defer c.mu.Unlock()
	k.bad = bad
	return nil
}

// Unreadable says what is wrong with objects of known tags that the last
// [Client.Load] could not read. They are left as they are, and aside.
func (c *Client) Unreadable() []string {
	if c.kept == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept.bad
}

func (c *Client) unpack(raw []byte) (lines int, err error) {
	gz, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return 0, err
	}
	return c.readLines(gz)
}

// Save keeps what is new. Call it before what it was learned from is checked off:
// after a kill it cannot be learned again from a resource that is gone by then.
// Where nothing is new it costs nothing.
func (c *Client) Save(ctx context.Context) error {
	if c.kept == nil {
		return nil
	}
	k := c.kept
	if err := k.acquire(ctx); err != nil {
		return err
	}
	defer k.release()
	lines := c.news()
	if len(lines) > 0 {
		name, _, err := k.write(ctx, slices.Values(lines))
		if err != nil {
			c.unsaved(lines)
			return fmt.Errorf("known tags: %w", err)
		}
		k.seen[name] = len(lines)
		c.saved(lines)
	}
	return c.merge(ctx)
}

// suffix ends the objects' names.
const suffix = ".ndjson.gz"

// write creates an object. Its name begins with the time, for people.
func (k *kept) write(ctx context.Context, lines iter.Seq[line]) (name string, n int, err error) {
	name = k.prefix + time.Now().UTC().Format("20060102T150405.000Z") + "-" + rand.Text()[:8] + suffix
	err = k.bucket.Write(ctx, name, blob.WriterOptions{ContentType: "application/gzip", IfNotExist: true}, func(w io.Writer) error {
		k.gz.Reset(w) // a new one is a megabyte
		if n, err = writeLines(k.gz, lines); err != nil {
			return err
		}
		return k.gz.Close()
	})
	return name, n, err
}

// merge puts one object in the place of many.
func (c *Client) merge(ctx context.Context) error {
	k := c.kept
	rest := -k.merged
	for _, n := range k.seen {
		rest += n
	}
	if len(k.seen) <= fewKept || len(k.seen) <= mostKept && rest < k.merged/4 {
		return nil
	}
	if err := c.load(ctx); err != nil { // what others wrote meanwhile
		return err
	}
	old := k.seen
	name, lines, err := k.write(ctx, c.everything())
	if err != nil {
		return fmt.Errorf("known tags: %w", err)
	}
	k.merged = lines
	k.seen = map[string]int{name: lines}
	// Side by side: checkpoints wait for it.
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(8)
	for key := range old {
		all.Go(func() error { return k.bucket.Remove(ctx, key) })
	}
	if err := all.Wait(); err != nil {
		maps.Copy(k.seen, old) // the next merge looks which are left
		return fmt.Errorf("known tags: %w", err)
	}
	return nil
}

// recall reads what other processes have kept lately.
func (c *Client) recall(ctx context.Context) error {
	if c.kept == nil {
		return nil
	}
	if err := c.kept.acquire(ctx); err != nil {
		return err
	}
	defer c.kept.release()
	if time.Since(c.kept.read) < recallAfter {
		return nil
	}
	return c.load(ctx)
}
