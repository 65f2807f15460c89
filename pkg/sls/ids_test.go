package sls_test

import (
	"fmt"
	"slices"
	"testing"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// pulled reads a shard to its end and returns what names each log; after, if
// set, is called after each page.
func pulled(t *testing.T, c *sls.Client, query string, count int, after func(page int)) (ids []string) {
	t.Helper()
	cursor, err := c.Cursor(t.Context(), 0, sls.Begin)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		p, err := c.Pull(t.Context(), sls.PullRequest{Shard: 0, Cursor: cursor, Query: query, Count: count})
		if err != nil {
			t.Fatal(err)
		}
		var g sls.Group
		var l sls.Log
		for gs := p.Groups(); gs.Next(&g); {
			for r := g.Reader(); r.Next(&l); {
				ids = append(ids, fmt.Sprintf("%d:%d", g.Cursor, l.Index))
			}
		}
		next := p.Next
		p.Release()
		if next == cursor {
			return ids
		}
		if cursor = next; after != nil {
			after(n)
		}
	}
}

// Under a query that leaves no group out, a log has the same id however it is
// paged.
func TestIDsUnderAQueryAreStable(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 1})
	l, gen := s.Logstore(), emulator.NewGenerator(1)
	c := newClient(t, s, sls.Options{})
	l.Append(0, gen.Group(1))
	tailing := pulled(t, c, "*", 0, func(page int) {
		if page == 0 {
			l.Append(0, gen.Group(1))
		}
	})
	if again := pulled(t, c, "*", 0, nil); !slices.Equal(tailing, again) || len(again) != 2 {
		t.Errorf("ids %v at the first delivery, %v after a restart", tailing, again)
	}
}

// Under a query that leaves groups out, an id never names two logs, in
// whatever pages they come.
func TestIDsUnderAQueryNameOneLog(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 1})
	l, gen := s.Logstore(), emulator.NewGenerator(1)
	c := newClient(t, s, sls.Options{})
	for range 20 {
		l.Append(0, gen.Group(3))
	}
	for _, query := range []string{"* | where seq != '4'", "* | where seq = '7'", "*"} {
		for count := 1; count < 8; count++ {
			ids := pulled(t, c, query, count, nil)
			if slices.Sort(ids); len(slices.Compact(slices.Clone(ids))) != len(ids) {
				t.Errorf("%s in pages of %d: %v", query, count, ids)
			}
		}
	}
}
