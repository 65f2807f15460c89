package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/proctest"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/status"
)

// What a clock that is ahead has dated is told as it is.
func TestAgo(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		90 * time.Second: "1m ago", 0: "0s ago", -30 * time.Second: "0s ago", -23 * time.Hour: "23h0m ahead", -400 * 24 * time.Hour: "400d ahead",
	} {
		if got := ago(now.Add(-d), now); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestShowStatus(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) *time.Time { t := now.Add(-d); return &t }
	lag := 7200.0
	lags := map[string]float64{"org-1": 7200, "org-2": 61}
	for _, c := range "abcdefgh" {
		lags["small-"+string(c)] = 5
	}
	list := []status.Function{
		{
			Function: "muleaudit", Success: at(2*time.Hour + 3*time.Minute),
			Last:    &receipt.Core{StartedAt: *at(90 * time.Second), FinishedAt: *at(time.Minute), Status: receipt.Failed, LagSeconds: &lag, Lags: lags},
			Pending: status.Pending{Objects: 1200, Read: 64, Codes: map[string]int{"too_long": 3, "not_an_object": 61}},
			Proof:   &status.Proof{Time: *at(72 * time.Hour), Verified: receipt.Verified{Findings: 1234}},
			Next:    []string{"the last run failed: 403"},
		},
		{Function: "slshec", SuccessBefore: at(time.Hour), Last: &receipt.Core{StartedAt: now, Status: receipt.Running}},
	}
	list[0].Reached = list[0].Last.Reached()
	var b strings.Builder
	showStatus(&b, list, now)
	const want = `muleaudit: the last run failed: 403
  FUNCTION           LAST RUN  STATUS   LAST SUCCESS     LAG   UP TO                 IN QUARANTINE                          LAST PROOF  FINDINGS
  muleaudit          1m ago    failed   2h3m ago         2h0m  2026-03-10T09:59:00Z  1,200 (not_an_object×61, too_long×3, …)  3d ago      1,234
    org-1                                                2h0m  2026-03-10T09:59:00Z
    org-2                                                1m    2026-03-10T11:57:59Z
    small-a                                              5s    2026-03-10T11:58:55Z
    small-b                                              5s    2026-03-10T11:58:55Z
    small-c                                              5s    2026-03-10T11:58:55Z
    small-d                                              5s    2026-03-10T11:58:55Z
    small-e                                              5s    2026-03-10T11:58:55Z
    small-f                                              5s    2026-03-10T11:58:55Z
    and 2 less behind
  slshec             0s ago    running  before 1h0m ago  -     -                     0                                      never       -
`
	squeeze := func(s string) string {
		var lines []string
		for l := range strings.Lines(s) {
			lines = append(lines, strings.Join(strings.Fields(l), " "))
		}
		return strings.Join(lines, "\n")
	}
	if got := b.String(); squeeze(got) != squeeze(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestStateCommands(t *testing.T) {
	bin := proctest.Build(t, ".")
	source := t.TempDir()
	if err := os.WriteFile(filepath.Join(source, "bad.log.gz"), []byte("no gzip"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"SOURCE_URL": "file://" + source, "DEST_URL": "file://" + t.TempDir(), "STATE_URL": "file://" + t.TempDir(), "LOG_LEVEL": "error",
	}
	run := func(want string, args ...string) string {
		t.Helper()
		out, _ := proctest.Run(t, bin, env, args...) // the exit code is tested elsewhere
		if !strings.Contains(out, want) {
			t.Errorf("%q: %q is not in\n%s", args, want, out)
		}
		return out
	}
	run("no function has left anything", "status")
	run(`no function "x"`, "status", "x")
	run("muleaudit: it has not run", "status", "muleaudit")
	run("1 in quarantine", "backfill", "gunzipcsv")
	run("gunzipcsv: mend what put an object into quarantine", "status")
	var got struct{ Functions []status.Function }
	if err := json.Unmarshal([]byte(run("{", "status", "--output", "json")), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Functions) != 1 || got.Functions[0].Last.Quarantined != 1 || got.Functions[0].Pending.Objects != 1 || got.Functions[0].Success == nil {
		t.Errorf("%+v", got)
	}

	var list lsAnswer
	line := run(`"key":"bad.log.gz"`, "quarantine", "ls", "gunzipcsv", "--output", "json")
	if err := json.Unmarshal([]byte(line), &list); err != nil || len(list.Records) != 1 || list.Records[0].Code == "" || list.Records[0].Line != 1 {
		t.Fatalf("%s: %+v, %v", line, list, err)
	}
	first := list.Records[0]
	run(first.Object+":1", "quarantine", "ls", "gunzipcsv", "--code", first.Code, "--from", "1d")
	run("nothing of that is pending", "quarantine", "ls", "gunzipcsv", "--code", "another")
	run("has no line 2", "quarantine", "show", "gunzipcsv", first.Object, "--line", "2")
	run("\n", "quarantine", "show", "gunzipcsv", first.Object)

	page := filepath.Join(t.TempDir(), "proof.html")
	run(page, "report", "--from", "2d", "--out", page)
	html, err := os.ReadFile(page)
	if err != nil || !strings.Contains(string(html), first.Code) {
		t.Errorf("%v\n%s", err, html)
	}
	run("is before", "report", "--from", "2026-01-02", "--to", "2026-01-01")
}

func TestPrintable(t *testing.T) {
	for record, want := range map[string]string{
		"plain, Ünïcode\tand lines\r\n": "plain, Ünïcode\tand lines\r\n\n",
		"\x1b[2Jgone":                   `"\x1b[2Jgone"` + "\n",
		"\xff":                          `"\xff"` + "\n",
		"a\x7f":                         `"a\x7f"` + "\n",
		"":                              "\n",
	} {
		if got := string(printable([]byte(record))); got != want {
			t.Errorf("%q: %q, want %q", record, got, want)
		}
	}
}
