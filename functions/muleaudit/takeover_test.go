package muleaudit_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/emulator/inprocess"
)

// testdata/released is what the first release left behind: an export of hours; a
// run with half hours by mistake; and a run whose output took nothing, so that two
// of its manifests are pending. Beside it are all events of the log, and when that
// was.
func TestStateOfTheFirstReleaseIsTakenOver(t *testing.T) {
	text, err := os.ReadFile("testdata/released/time")
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile("testdata/released/events.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(recorded.Add(time.Minute)))
		w := worldAt(t, emulator.New(emulator.Options{ClientSecret: secret}), "http://localhost", nil)
		w.client = &http.Client{Transport: inprocess.Transport{Handler: w.api}}
		for name, variable := range map[string]string{"state": "STATE_URL", "output": "OUTPUT_URL"} {
			if err := os.CopyFS(strings.TrimPrefix(w.env[variable], "file://"), os.DirFS("testdata/released/"+name)); err != nil {
				t.Fatal(err)
			}
		}
		var events []emulator.Event
		for s := bufio.NewScanner(bytes.NewReader(log)); s.Scan(); {
			events = append(events, emulator.Event{Raw: bytes.Clone(s.Bytes())})
		}
		late := entry(recorded.Add(-30*time.Minute), "late")
		fresh := entry(recorded.Add(-5*time.Minute).Add(30*time.Second), "new")
		events = append(events, late, fresh)
		if err := w.api.Add("org-1", events...); err != nil {
			t.Fatal(err)
		}
		f := w.function()
		r := w.mustRun(f, "{}")
		if r.Out != 2 || len(r.Orgs[0].Recovered) != 2 || r.Orgs[0].Late != 1 {
			t.Errorf("receipt %+v, %+v", r.Core, r.Orgs[0])
		}
		w.wantExactly(hour, map[string][]emulator.Event{"org-1": events})
		w.wantTidy()
		// Of all of it the released version's keys are known.
		span := fmt.Sprintf(`{"from":%q,"to":%q}`, recorded.Add(-5*time.Hour).Format(time.RFC3339), recorded.Add(-5*time.Minute).Format(time.RFC3339))
		if r := w.mustRun(f, span); r.Out != 0 || r.Filtered < 300 {
			t.Errorf("read again: %+v", r.Core)
		}
		for _, deep := range []bool{false, true} {
			v, err := f.Verify(t.Context(), muleaudit.VerifyOptions{Deep: deep})
			if err != nil || v[0].Found > 0 {
				t.Errorf("deep %v: %+v, %v", deep, v, err)
			}
		}
	})
}
