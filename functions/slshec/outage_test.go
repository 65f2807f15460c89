package slshec_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/functions/slshec"
	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/outagetest"
)

// of picks the requests of one kind to SLS.
func of(kind string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.URL.Query().Get("type") == kind }
}

func TestOutages(t *testing.T) {
	outagetest.Run(t, map[string]outagetest.Need{
		"SLS":            {Variable: "SLS_ENDPOINT"},
		"SLS pull":       {Variable: "SLS_ENDPOINT (pull)", Match: of("logs")},
		"SLS checkpoint": {Variable: "SLS_ENDPOINT (checkpoint)", Match: of("checkpoint")},
		"SLS heartbeat":  {Variable: "SLS_ENDPOINT (heartbeat)", Match: of("heartbeat")},
		"HEC":            {Variable: "HEC_URL"},
		"state":          {Variable: "STATE_URL"},
	}, func(t *testing.T, need string) outagetest.World {
		t.Helper()
		w := newWorld(t, emulator.Options{Shards: 2}, splunk.Options{}, map[string]string{
			"RUN_TIMEOUT": outagetest.RunTimeout.String(), "LEASE_TTL": "3s", "SLS_HEARTBEAT": "100ms",
		})
		w.Fill(emulator.NewGenerator(1), 20, 10)
		variable, target := "SLS_ENDPOINT", w.SLS.URL()
		switch {
		case need == "HEC":
			variable, target = "HEC_URL", w.hec.URL()
		case need == "state":
			variable, target = "STATE_URL", outagetest.Store(t)
		}
		front := outagetest.NewFront(t, target)
		if w.Env[variable] = front.URL(); need == "state" {
			w.Env[variable] = outagetest.BucketURL(front.URL(), "state")
			w.State = w.Open(outagetest.BucketURL(target, "state"))
		}
		return outagetest.World{
			Handler: outagetest.Handler(t, slshec.New, w.Env, w.Runtime()), Trigger: "{}", Front: front,
			Done: func(*testing.T) {
				w.wantAll(true)
				w.wantProof()
				if strings.Contains(w.Log.String(), secret) {
					t.Error("the log shows the secret")
				}
			},
		}
	})
}

// One that follows outlasts an outage of Splunk; for what every consumer needs
// pkg/sls/consume shows it.
func TestOutagesWhileFollowing(t *testing.T) {
	outagetest.Follow(t, map[string]outagetest.Need{"HEC": {Variable: "HEC_URL"}}, func(t *testing.T, _ string) outagetest.Follower {
		t.Helper()
		w := newWorld(t, emulator.Options{Shards: 2}, splunk.Options{}, map[string]string{
			"MODE": "follow", "SLS_HEARTBEAT": "100ms",
		})
		w.Fill(emulator.NewGenerator(1), 20, 10)
		front := outagetest.NewFront(t, w.hec.URL())
		w.Env["HEC_URL"] = front.URL()
		f := w.slow()
		return outagetest.Follower{
			Follow: func(ctx context.Context) error { return f.Follow(ctx, nil) }, Front: front, Log: w.Log.String,
			All: func() bool { return len(w.hec.Counts()) == len(w.Logs()) },
			Done: func(*testing.T) {
				w.wantAll(true)
				w.WantCheckpoints(group)
				w.wantProof()
				w.wantNoSecret()
			},
		}
	})
}
