// Package outagetest is the suite that every function has to pass for every
// thing that it needs: while that is down, a run says so, in time and by name;
// once it is back, the next run completes.
package outagetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/serve"
)

// RunTimeout is the RUN_TIMEOUT to configure functions with.
const RunTimeout = 5 * time.Second

// Need is one thing that a function needs.
type Need struct {
	// Variable is what leads there: an error about it has to name it.
	Variable string
	// Match picks the requests that are for it, where others go to the same
	// address; nil means all.
	Match func(*http.Request) bool
}

// World is a function, and what it needs, with work to do.
type World struct {
	// Handler serves the function.
	Handler http.Handler
	// Trigger is the body to post.
	Trigger string
	// Front is what stands before the need that is to break.
	Front *Front
	// Rest tells whether there is work that a run was not given yet, such as
	// messages that are hidden for a while; nil means there is none.
	Rest func() bool
	// Done fails the test unless all the work is done, once and for good.
	Done func(t *testing.T)
}

// Handler builds a function from its variables, as a process does that starts,
// and serves it until the test ends.
func Handler(t testing.TB, build serve.New, env map[string]string, rt serve.Runtime) http.Handler {
	t.Helper()
	f, err := build(t.Context(), envconfig.MapLookuper(env), rt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return serve.NewHandler(t.Context(), f, rt)
}

// side is how many outages are tried at a time: they take waiting, not work.
const side = 12

// Run tries every kind of outage of every need, in a world of its own.
func Run(t *testing.T, needs map[string]Need, build func(t *testing.T, need string) World) {
	t.Helper()
	var wg sync.WaitGroup
	turns := make(chan struct{}, side)
	for name, need := range needs {
		for kind := range kinds {
			wg.Go(func() {
				turns <- struct{}{}
				defer func() { <-turns }()
				t.Run(fmt.Sprintf("%s/%s", name, kind), func(t *testing.T) { outage(t, need, kind, build(t, name)) })
			})
		}
	}
	wg.Wait()
}

func outage(t *testing.T, need Need, kind Kind, w World) {
	t.Helper()
	w.Front.Break(t, kind, need.Match)
	began := time.Now()
	status, body := post(t, w)
	took := time.Since(began)
	var r struct {
		Status, Error string
		In            int64
	}
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatalf("%d %s", status, body)
	}
	if status != http.StatusInternalServerError || r.Status != "failed" {
		t.Errorf("answered %d %q: %s", status, r.Status, body)
	}
	// How soon after its time a run ends is shown in virtual time elsewhere; here
	// it must not wait until what is down would have it come back.
	if limit := RunTimeout + 30*time.Second; took > limit {
		t.Errorf("answered after %v, and not within %v", took, limit)
	}
	if !strings.Contains(r.Error, need.Variable) || !strings.Contains(r.Error, kinds[kind]) {
		t.Errorf("the error names not both %q and %q: %s", need.Variable, kinds[kind], r.Error)
	}
	if strings.Contains(r.Error, "\x00") || len(r.Error) > 4000 {
		t.Errorf("an error of %d bytes: %.500s", len(r.Error), r.Error)
	}

	w.Front.Heal(t)
	// What was cut off may have left a lease, or a message hidden, for a moment.
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		status, body = post(t, w)
		if status == http.StatusOK && strings.Contains(string(body), `"status":"ok"`) && (w.Rest == nil || !w.Rest()) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the trouble is over, and yet %d %s", status, body)
		}
	}
	w.Done(t)
}

func post(t *testing.T, w World) (int, []byte) {
	t.Helper()
	rec := httptest.NewRecorder()
	w.Handler.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(w.Trigger)))
	return rec.Code, rec.Body.Bytes()
}
