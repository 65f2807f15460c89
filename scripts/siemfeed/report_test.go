package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/proctest"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// kept keeps a run of each of the last days but today, and a proof that covers
// them, in a state directory.
func kept(t *testing.T, days int) (env map[string]string, state *bucket.Bucket, first time.Time) {
	t.Helper()
	dir := t.TempDir()
	state, err := bucket.Open(t.Context(), "file://"+dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = state.Close() })
	first = time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -days)
	for day := range days {
		c := receipt.Start("slshec")
		c.StartedAt = first.AddDate(0, 0, day).Add(time.Hour)
		c.Run = c.StartedAt.Format("20060102T150405.000") + "-X"
		c.In, c.Out = 10, 10
		if err := state.PutJSON(t.Context(), c.Key(), &c); err != nil {
			t.Fatal(err)
		}
	}
	v := receipt.NewVerified()
	v.From, v.To = first, first.AddDate(0, 0, days)
	if err := receipt.SaveVerification(t.Context(), state, receipt.Verification{Function: "slshec", Verify: v}); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"STATE_URL": "file://" + dir}, state, first
}

// What a report ends with tells a schedule whether somebody has to look.
func TestReportExit(t *testing.T) {
	bin := proctest.Build(t, ".")
	env, state, first := kept(t, 4)
	out := filepath.Join(t.TempDir(), "proof.html")
	from := first.Format(time.DateOnly)
	run := func(code int, want string, args ...string) string {
		t.Helper()
		text, err := proctest.Run(t, bin, env, append([]string{"report"}, args...)...)
		got := 0
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			got = exit.ExitCode()
		}
		if got != code || !strings.Contains(text, want) {
			t.Errorf("%v ended with %d, want %d and %q in\n%s", args, got, code, want, text)
		}
		return text
	}
	run(0, "slshec: Complete, "+from, "--from", from, "--out", out)
	if page, err := os.ReadFile(out); err != nil || !strings.Contains(string(page), "Complete, "+from) {
		t.Errorf("the page: %v", err)
	}
	run(0, "Complete, "+from, "slshec", "--from", "1y", "--reread", "--out", out)
	run(1, "muleaudit: No receipt is kept", "muleaudit", "--from", from, "--out", out)
	run(2, "is before --from", "--from", "2026-02-01", "--to", "2026-01-01", "--out", out)
	run(2, "nowhere", "--from", from, "--out", filepath.Join(out, "nowhere"))
	run(2, "about one function", "--receipts", from)

	second := first.AddDate(0, 0, 1)
	keys, err := state.Keys(t.Context(), "slshec/receipts/"+second.Format("2006/01/02/"))
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	text, err := state.ReadAll(t.Context(), keys[0])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	run(0, hex.EncodeToString(sum[:])+"  "+filepath.Base(keys[0])+"\n", "slshec", "--receipts", second.Format(time.DateOnly))
	if err := state.Delete(t.Context(), keys[0]); err != nil {
		t.Fatal(err)
	}
	run(1, "Not all was looked at: 1 of 4 days, "+second.Format(time.DateOnly), "--from", from, "--out", out)
}

// --serve shows the page on this machine until it is told to end.
func TestReportServe(t *testing.T) {
	bin := proctest.Build(t, ".")
	env, _, _ := kept(t, 2)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, "report", "--serve")
	cmd.Env = append(os.Environ(), "STATE_URL="+env["STATE_URL"])
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "http://127.0.0.1:") {
		t.Fatalf("%q", lines.Text())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, lines.Text(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), "slshec") || res.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d, %d bytes, %v", res.StatusCode, len(body), err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v", err)
	}
}
