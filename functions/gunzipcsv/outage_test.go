package gunzipcsv_test

import (
	"fmt"
	"testing"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/outagetest"
)

func TestOutages(t *testing.T) {
	outagetest.Run(t, map[string]outagetest.Need{
		"queue":       {Variable: "CF_QUEUE_ID"},
		"source":      {Variable: "SOURCE_URL"},
		"destination": {Variable: "DEST_URL"},
		"state":       {Variable: "STATE_URL"},
	}, func(t *testing.T, need string) outagetest.World {
		t.Helper()
		variable := map[string]string{"queue": "CF_API_BASE_URL", "source": "SOURCE_URL", "destination": "DEST_URL", "state": "STATE_URL"}[need]
		env := outagetest.Keys()
		env["RUN_TIMEOUT"], env["CF_VISIBILITY_TIMEOUT"] = outagetest.RunTimeout.String(), "4s"
		var front *outagetest.Front
		if need != "queue" {
			front = outagetest.NewFront(t, outagetest.Store(t))
			env[variable] = outagetest.BucketURL(front.URL(), "dest")
		}
		w := newWorld(t, env)
		if need == "queue" {
			front = outagetest.NewFront(t, w.api.URL())
			w.env[variable] = front.URL() + "/client/v4"
		}
		const n = 20
		for i := range n {
			key := fmt.Sprintf("day/%d.log.gz", i)
			w.put(key, gz(t, "a,b\n1,2\n"))
			w.notify(key)
		}
		return outagetest.World{
			Handler: outagetest.Handler(t, gunzipcsv.New, w.env, w.runtime()), Trigger: "{}", Front: front,
			Rest: func() bool { return w.queue.Backlog() > 0 },
			Done: func(*testing.T) {
				w.wantSettled(n)
				if got := w.targets(); len(got) != n || got["day/7.csv"] != "a,b\n1,2\n" {
					t.Errorf("%d targets: %v", len(got), got)
				}
				if q := w.quarantined(); len(q) > 0 {
					t.Errorf("in quarantine: %+v", q)
				}
			},
		}
	})
}
