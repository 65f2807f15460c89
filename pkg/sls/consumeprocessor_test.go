package sls_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// A consume processor filters like the SPL that it holds, and its groups are
// numbered like those of a query.
func TestConsumeProcessor(t *testing.T) {
	const spl = "* | where seq != '3'"
	srv := startServer(t, emulator.Options{Shards: 1, ConsumeProcessors: map[string]string{"most": spl}})
	gen := emulator.NewGenerator(1)
	for range 3 {
		srv.Logstore().Append(0, gen.Group(2))
	}
	c := newClient(t, srv, sls.Options{})
	if got, err := c.ConsumeProcessor(t.Context(), "most"); err != nil || got != spl {
		t.Error(got, err)
	}
	var e *sls.Error
	if got, err := c.ConsumeProcessor(t.Context(), "none"); !errors.As(err, &e) || e.HTTP != http.StatusNotFound {
		t.Error(got, err)
	}
	begin, err := c.Cursor(t.Context(), 0, sls.Begin)
	if err != nil {
		t.Fatal(err)
	}
	pull := func(q sls.PullRequest) (bases []int) {
		q.Cursor = begin
		p, err := c.Pull(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Release()
		var g sls.Group
		for groups := p.Groups(); groups.Next(&g); {
			bases = append(bases, g.Base, g.Logs)
		}
		return bases
	}
	got, want := pull(sls.PullRequest{ConsumeProcessor: "most"}), pull(sls.PullRequest{Query: spl})
	if !slices.Equal(got, want) || len(got) != 6 || got[3] != 1 {
		t.Errorf("%v, want %v", got, want)
	}
	if _, err := c.Pull(t.Context(), sls.PullRequest{Cursor: begin, ConsumeProcessor: "none"}); !errors.As(err, &e) {
		t.Error(err)
	}
}
