package muleaudit_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/emulator/inprocess"
	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
	"github.com/siemfeed/siemfeed/pkg/outagetest"
)

// The entries of an API that tells their time in no way we know cost the state no
// more than others: a few requests a slice, however many there are.
func TestEntriesWithoutTimeCostLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := oss.New(oss.Options{AccessKeyID: outagetest.KeyID, AccessKeySecret: outagetest.Secret})
		store.AddBucket("state")
		c := &tally{inner: inprocess.Transport{Handler: store}, n: map[string]int{}}
		w := asleep(t, emulator.Options{}, map[string]string{"QUARANTINE_URL": "mem://", "MULE_LOOKBACK": "4h"})
		w.state = w.through(c, outagetest.BucketURL("http://localhost", "state"))
		var events []emulator.Event
		for i := range 2000 {
			at := aligned(3).Add(time.Duration(i) * 3 * time.Second)
			events = append(events, emulator.Event{Time: at, Raw: fmt.Appendf(nil, `{"timestamp":"%s","n":%d}`, at.Format(time.DateTime), i)})
		}
		if err := w.api.Add("org-1", events...); err != nil {
			t.Fatal(err)
		}
		f := w.function()
		r := w.mustRun(f, "{}")
		if r.Out != 2000 || r.Orgs[0].Untimed != 2000 {
			t.Errorf("receipt %+v", r.Core)
		}
		if asked := c.n[http.MethodGet] + c.n["LIST"]; asked > 150 {
			t.Errorf("to the state %v", c.n)
		}
		lines := map[string]int{}
		for _, o := range r.Orgs[0].Objects {
			for _, line := range w.object(o.Name) {
				lines[line]++
			}
		}
		for _, e := range events {
			if lines[string(e.Raw)] != 1 {
				t.Fatalf("%s is out %d times", e.Raw, lines[string(e.Raw)])
			}
		}
		if r := w.mustRun(f, fmt.Sprintf(`{"from":%q,"to":%q}`, aligned(4).Format(time.RFC3339), aligned(0).Format(time.RFC3339))); r.Out != 0 {
			t.Errorf("read again: %+v", r.Core)
		}
	})
}
