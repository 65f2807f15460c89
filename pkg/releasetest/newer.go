package releasetest

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/format"
	"github.com/siemfeed/siemfeed/pkg/proctest"
	"github.com/siemfeed/siemfeed/pkg/prune"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// Refused checks that a function refuses what a newer release has left, of
// whatever kind, before it has written anything: a trigger is answered 500 and
// misconfigured, a verification and a removal end with the same words. env
// configures the function, with a STATE_URL that is a file:// URL and holds
// something; events are those that it is to be tried with; untouched are the
// file:// URLs of what it writes to besides.
func Refused(t *testing.T, function string, build serve.New, env map[string]string, events []trigger.Event, untouched ...string) {
	t.Helper()
	dirs := append([]string{env["STATE_URL"]}, untouched...)
	for _, kind := range format.Kinds() {
		mark := fmt.Sprintf("%s/format/%s/%d", function, kind, format.Number(kind)+1)
		file := filepath.Join(directory(env["STATE_URL"]), filepath.FromSlash(mark))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o750), os.WriteFile(file, []byte(`{"version":"v99.1.0"}`), 0o600)); err != nil {
			t.Fatal(err)
		}
		before := trees(t, dirs)
		var log proctest.Buffer
		rt := serve.WithLog(t.Context(), function, slog.New(slog.NewJSONHandler(&log, nil)))
		f, err := build(t.Context(), envconfig.MapLookuper(env), rt)
		if err != nil {
			t.Fatal(err)
		}
		want := func(what string, err error) {
			t.Helper()
			var newer *format.NewerError
			if !errors.As(err, &newer) || !strings.Contains(err.Error(), mark) || !strings.Contains(err.Error(), "upgrade to v99.1.0 or newer") {
				t.Errorf("%s: %s: %v", kind, what, err)
			}
		}
		for i, ev := range events {
			r, status, err := serve.Execute(t.Context(), f, ev, rt)
			want(fmt.Sprint("event ", i), err)
			if r == nil || status != http.StatusInternalServerError || r.Base().Code != receipt.Misconfigured || strings.Count(r.Base().Error, "upgrade to") != 1 {
				t.Errorf("%s: event %d: %d, %+v", kind, i, status, r)
			}
		}
		_, status, err := serve.Verify(t.Context(), f, trigger.Event{Span: &trigger.Span{}}, rt)
		want("verify", err)
		if status != http.StatusInternalServerError {
			t.Errorf("%s: verify is answered %d", kind, status)
		}
		if p, ok := f.(prune.Pruner); !ok {
			t.Errorf("%T cannot be pruned", f)
		} else {
			_, err = p.Prune(t.Context(), prune.Options{Keep: 30 * 24 * time.Hour})
			want("prune", err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if after := trees(t, dirs); !maps.Equal(before, after) {
			t.Errorf("%s: something was written: from %v to %v", kind, names(before), names(after))
		}
		if err := os.RemoveAll(filepath.Dir(filepath.Dir(file))); err != nil {
			t.Fatal(err)
		}
	}
}

func trees(t testing.TB, urls []string) map[string]string {
	all := map[string]string{}
	for i, u := range urls {
		for name, text := range Tree(t, u) {
			all[fmt.Sprint(i, "/", name)] = text
		}
	}
	return all
}

func names(tree map[string]string) (list []string) {
	for name := range tree {
		list = append(list, name)
	}
	return list
}
