package consume_test

import (
	"context"
	"net/http"
	"testing"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/outagetest"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// of picks the requests of one kind to SLS.
func of(kind string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.URL.Query().Get("type") == kind }
}

// One that follows outlasts an outage of whatever any consumer needs.
func TestOutagesWhileFollowing(t *testing.T) {
	outagetest.Follow(t, map[string]outagetest.Need{
		"SLS":            {Variable: "SLS_ENDPOINT"},
		"SLS pull":       {Variable: "SLS_ENDPOINT (pull)", Match: of("logs")},
		"SLS checkpoint": {Variable: "SLS_ENDPOINT (checkpoint)", Match: of("checkpoint")},
		"SLS heartbeat":  {Variable: "SLS_ENDPOINT (heartbeat)", Match: of("heartbeat")},
		"state":          {Variable: "STATE_URL"},
	}, func(t *testing.T, need string) outagetest.Follower {
		t.Helper()
		w := newWorld(t, emulator.Options{Shards: 2}, map[string]string{"SLS_HEARTBEAT": "100ms", "SLS_GROUP_TIMEOUT": "2s"})
		w.Fill(emulator.NewGenerator(1), 20, 10)
		variable, target := "SLS_ENDPOINT", w.SLS.URL()
		if need == "state" {
			variable, target = "STATE_URL", outagetest.Store(t)
		}
		front := outagetest.NewFront(t, target)
		if w.Env[variable] = front.URL(); need == "state" {
			w.Env[variable] = outagetest.BucketURL(front.URL(), "state")
			w.State = w.Open(outagetest.BucketURL(target, "state"))
		}
		c := w.build(retry.Policy{}, func(c *consume.Config) { c.Mode = "follow" })
		return outagetest.Follower{
			Follow: func(ctx context.Context) error { return c.Follow(ctx, nil) }, Front: front, Log: w.Log.String,
			All: func() bool { return len(w.mem.arrived()) == len(w.Logs()) },
			Done: func(*testing.T) {
				w.wantAll(true)
				w.WantCheckpoints(group)
				w.wantProof()
				w.WantNoSecret(nil)
			},
		}
	})
}
