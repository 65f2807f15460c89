package alitags

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"slices"
)

// line is a line of what is kept. Names and meanings stay: a later version reads
// what an earlier one wrote, and passes over what it does not know.
type line struct {
	Account string            `json:"account"`
	Region  string            `json:"region,omitempty"`
	Type    string            `json:"type"`
	ID      string            `json:"id"`
	Tags    map[string]string `json:"tags,omitempty"`
	Given   int64             `json:"given,omitempty"` // ms, when the API was asked for them
	None    int64             `json:"none,omitempty"`  // ms, since when it gives none
	Gone    int64             `json:"gone,omitempty"`  // ms, eventTime of the delete

	key  key
	tags Tags
}

func lineOf(k key, r record) line {
	return line{
		Account: k.scope.name.account, Region: k.scope.name.region, Type: k.scope.name.typ, ID: k.id,
		Given: r.given, None: r.none, Gone: r.gone, key: k, tags: r.tags,
	}
}

// worth tells whether a record says anything that the API might not say again.
func (r *record) worth() bool { return !r.tags.None() || r.given != 0 || r.gone != 0 || r.saved != 0 }

// news takes what has changed since it was taken last.
func (c *Client) news() []line {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := make([]line, 0, len(c.memory.dirty))
	for k := range c.memory.dirty {
		if r, ok := c.memory.lru.Peek(k); ok && r.worth() {
			lines = append(lines, lineOf(k, r))
		}
	}
	clear(c.memory.dirty)
	return lines
}

// saved notes what was written.
func (c *Client) saved(lines []line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range lines {
		if r, ok := c.memory.lru.Peek(l.key); ok {
			r.saved = max(l.Given, 1)
			c.memory.lru.Add(l.key, r)
		}
	}
}

// unsaved gives back what could not be written.
func (c *Client) unsaved(lines []line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range lines {
		c.memory.changed(l.key)
	}
}

// everything yields all that is remembered, what was asked about last at the end.
// It is not held in memory a second time.
func (c *Client) everything() iter.Seq[line] {
	c.mu.Lock()
	keys := c.memory.lru.Keys()
	c.mu.Unlock()
	return func(yield func(line) bool) {
		for some := range slices.Chunk(keys, 256) {
			for _, l := range c.linesOf(some) {
				if !yield(l) {
					return
				}
			}
		}
	}
}

func (c *Client) linesOf(keys []key) []line {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := make([]line, 0, len(keys))
	for _, k := range keys {
		if r, ok := c.memory.lru.Peek(k); ok && r.worth() {
			lines = append(lines, lineOf(k, r))
		}
	}
	return lines
}

func writeLines(w io.Writer, lines iter.Seq[line]) (n int, err error) {
	b := bufio.NewWriterSize(w, 64<<10)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	for l := range lines {
		l.Tags = l.tags.Map()
		if err := enc.Encode(l); err != nil {
			return n, err
		}
		n++
	}
	return n, b.Flush()
}

// readLines merges what is kept into what is known.
func (c *Client) readLines(r io.Reader) (n int, err error) {
	dec := json.NewDecoder(bufio.NewReaderSize(r, 64<<10))
	for {
		batch := make([]line, 0, 256)
		for len(batch) < cap(batch) && err == nil {
			var l line
			if err = dec.Decode(&l); err == nil {
				batch = append(batch, l)
			}
		}
		c.mu.Lock()
		for _, l := range batch {
			c.merged(l)
		}
		c.mu.Unlock()
		n += len(batch)
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		}
	}
}

// merged takes over a line, or what is newer in it.
func (c *Client) merged(l line) {
	res := Resource{l.Account, l.Region, l.Type, l.ID}
	if !res.supported() {
		return // of a version that could ask for it
	}
	k := key{c.scopeOf(res), res.ID}
	r, known := c.memory.lru.Peek(k)
	newer := !known || l.Given > r.given
	if newer {
		r.tags, r.given, r.none, r.saved = MakeTags(l.Tags), l.Given, l.None, l.Given
	} else if l.Given == r.given && r.none == 0 && r.last != gave {
		r.none = l.None
	}
	if l.Gone > r.gone || newer {
		r.gone = max(r.gone, l.Gone)
		c.memory.put(k, r)
	}
}
