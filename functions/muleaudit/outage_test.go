package muleaudit_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/outagetest"
)

func TestOutages(t *testing.T) {
	token := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/oauth2/token") }
	outagetest.Run(t, map[string]outagetest.Need{
		"API":       {Variable: "MULE_BASE_URL", Match: func(r *http.Request) bool { return !token(r) }},
		"all of it": {Variable: "MULE_BASE_URL"},
		"token":     {Variable: "MULE_BASE_URL (token)", Match: token},
		"state":     {Variable: "STATE_URL"},
		"output":    {Variable: "OUTPUT_URL"},
	}, func(t *testing.T, need string) outagetest.World {
		t.Helper()
		w := newWorld(t, emulator.Options{}, map[string]string{
			"RUN_TIMEOUT": outagetest.RunTimeout.String(), "MULE_LOOKBACK": "4h",
		})
		events := emulator.Generate("org-1", emulator.Generated{Seed: 1, N: 300, From: aligned(3), To: time.Now().Add(-10 * time.Minute)})
		if err := w.api.Add("org-1", events...); err != nil {
			t.Fatal(err)
		}
		variable, target := "MULE_BASE_URL", w.api.URL()
		switch need {
		case "state":
			variable, target = "STATE_URL", outagetest.Store(t)
		case "output":
			variable, target = "OUTPUT_URL", outagetest.Store(t)
		}
		front := outagetest.NewFront(t, target)
		w.env[variable] = front.URL()
		if variable != "MULE_BASE_URL" {
			w.env[variable] = outagetest.BucketURL(front.URL(), need)
			maps.Copy(w.env, outagetest.Keys())
			w.state, w.output = w.open("STATE_URL"), w.open("OUTPUT_URL")
		}
		return outagetest.World{
			Handler: outagetest.Handler(t, muleaudit.New, w.env, w.runtime()), Trigger: "{}", Front: front,
			Done: func(*testing.T) { w.wantExactly(hour, map[string][]emulator.Event{"org-1": events}) },
		}
	})
}
