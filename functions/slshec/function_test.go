package slshec_test

import (
	"testing"

	"go.uber.org/goleak"

	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

func slsCursor(c string) (int64, bool) { return sls.CursorNumber(c) }

func TestDrain(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 4}, splunk.Options{}, nil)
	gen := emulator.NewGenerator(1)
	w.fill(gen, 30, 40)
	f := w.function()
	r := w.mustRun(f)
	w.wantAll(false)
	w.wantCheckpoints(group)
	if r.In != 4*30*40 || r.Out != r.In || len(r.Shards) != 4 {
		t.Errorf("receipt %+v", r)
	}
	if again := w.mustRun(f); again.In != 0 {
		t.Errorf("a second run read %d", again.In)
	}
	w.wantNoSecret()
}
