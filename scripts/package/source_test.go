package main

import (
	"encoding/json"
	"maps"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
)

// sourceOf starts an API with n audit events, and returns the variables of a
// muleaudit that reads them.
func sourceOf(t *testing.T, n int, env map[string]string) map[string]string {
	t.Helper()
	api := emulator.New(emulator.Options{}).Start()
	t.Cleanup(api.Close)
	events := emulator.Generate("org-1", emulator.Generated{
		Seed: 1, N: n, From: time.Now().Add(-3 * time.Hour), To: time.Now().Add(-10 * time.Minute),
	})
	if err := api.Add("org-1", events...); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{
		"MULE_ORG_ID": "org-1", "CLIENT_ID": "client", "CLIENT_SECRET": "secret",
		"MULE_BASE_URL": api.URL(), "MULE_RATE_PER_MIN": "60000",
		"OUTPUT_URL": "file://" + t.TempDir(), "STATE_URL": "file://" + t.TempDir(),
	}
	maps.Copy(all, env)
	return all
}

// release is what tests say that they package.
const release = "v1.2.3-test"

// checkReceipt fails the test unless the answer is a receipt for n events, of
// that release.
func checkReceipt(t *testing.T, answer []byte, n int) {
	t.Helper()
	var receipt struct {
		Function, Status, Version string
		Out                       int
	}
	if err := json.Unmarshal(answer, &receipt); err != nil {
		t.Fatalf("answer %q: %v", answer, err)
	}
	if receipt.Function != "muleaudit" || receipt.Status != "ok" || receipt.Version != release || receipt.Out != n {
		t.Errorf("receipt %s", answer)
	}
}
