package muleaudit_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/doctor"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/emulator/inprocess"
)

// Whether runs keep up is known before the first one: from the organisations,
// their events, the request budget and RUN_TIMEOUT.
func TestDoctorComputesTheSchedule(t *testing.T) {
	for _, tc := range []struct {
		name            string
		orgs            int
		events          int // of each, in a day
		env             map[string]string
		problem, advice string // empty: it fits
		every           string
	}{
		{name: "one of the us plane", orgs: 1, events: 10_000, env: map[string]string{"MULE_RATE_PER_MIN": "700"}, every: "every 1m0s"},
		{name: "eighty groups", orgs: 80, events: 1000, env: map[string]string{"MULE_RATE_PER_MIN": "40"}, every: "every 7m0s"},
		{name: "too many groups", orgs: 130, events: 10, env: map[string]string{"MULE_RATE_PER_MIN": "40"}, problem: "takes 9m46s, and RUN_TIMEOUT is 8m0s", advice: "RUN_TIMEOUT=9m46s"},
		{name: "too short a run", orgs: 4, events: 10, env: map[string]string{"MULE_RATE_PER_MIN": "40", "RUN_TIMEOUT": "10s"}, problem: "takes 19s, and RUN_TIMEOUT is 10s", advice: "RUN_TIMEOUT=19s"},
		{name: "too small pages", orgs: 2, events: 30_000, env: map[string]string{"MULE_RATE_PER_MIN": "40", "MULE_PAGE_SIZE": "1"}, problem: "41.7 requests a minute", advice: "MULE_PAGE_SIZE=200"},
		{name: "a small budget", orgs: 1, events: 20_000, env: map[string]string{"MULE_RATE_PER_MIN": "1", "MULE_PAGE_SIZE": "200"}, every: "every 4m0s"},
		{name: "too many events", orgs: 3, events: 100_000, env: map[string]string{"MULE_RATE_PER_MIN": "1"}, problem: "1.0 requests a minute", advice: "MULE_RATE_PER_MIN"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := emulator.New(emulator.Options{ClientSecret: secret})
				var orgs []string
				now := time.Now().UTC()
				for i := range tc.orgs {
					org := fmt.Sprint("org-", i)
					orgs = append(orgs, org)
					api.AddSynthetic(org, emulator.Synthetic{N: tc.events, From: now.Add(-day), To: now})
				}
				w := worldAt(t, api, "http://127.0.0.1:1", map[string]string{"MULE_ORG_ID": strings.Join(orgs, ","), "STATE_URL": "mem://", "OUTPUT_URL": "mem://"})
				for k, v := range tc.env {
					w.env[k] = v
				}
				w.client = &http.Client{Transport: inprocess.Transport{Handler: api}}
				var check doctor.Check
				for _, c := range w.function().Doctor(t.Context()) {
					if c.Name == "schedule" {
						check = c
					}
				}
				switch {
				case tc.problem == "":
					if !check.OK() || !strings.Contains(check.Detail, tc.every) {
						t.Errorf("%+v", check)
					}
				case check.OK() || !strings.Contains(check.Problem.Error(), tc.problem) || !strings.Contains(check.Fix, tc.advice):
					t.Errorf("%+v", check)
				}
			})
		})
	}
}
