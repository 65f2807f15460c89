package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/emulator/cfqueue"
	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	"github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/objcsv/logpush"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// varying is what differs from run to run, and what stands for it in golden files.
// The order counts: what is longer comes first.
var varying = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`\bMTc[0-9A-Za-z+/]{20,}==`), "CURSOR"},
	{regexp.MustCompile(`\bsiemfeed-[a-z]+-[0-9a-f]{8}\b`), "CONSUMER"},
	{regexp.MustCompile(`\b20\d{6}T\d{6}\.\d{3}-[A-Z2-7]{10}\b`), "RUN"},
	{regexp.MustCompile(`\b20\d{6}T\d{6}Z`), "STAMP"},
	{regexp.MustCompile(`written were \d+`), "written were N"},
	{regexp.MustCompile(`\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "TIME"},
	{regexp.MustCompile(`\b20\d\d[-/]\d\d[-/]\d\d\b`), "DATE"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "HOST"},
	{regexp.MustCompile(`\b[A-Z2-7]{12}\b`), "ID"},
	{regexp.MustCompile(`\b[0-9a-f]{32,}\b`), "HASH"},
	{regexp.MustCompile(`("(?:seconds|lag_seconds|bytes_in|bytes_out|bytes|retries)": )[0-9][0-9.e-]*`), "${1}0"},
	{regexp.MustCompile(`(": )\d+\.\d+`), "${1}0"},
	// On a slow machine a receipt is kept once more.
	{regexp.MustCompile(`("chained": )\d+`), "${1}0"},
	{regexp.MustCompile(`receipts: \d+ named`), "receipts: N named"},
	{regexp.MustCompile(`\b\d+ retries`), "N retries"},
	{regexp.MustCompile(`("version": )"[^"]*"`), `${1}"VERSION"`},
	{regexp.MustCompile(`("known": )"[^"]*"`), `${1}"FILTER"`},
	{regexp.MustCompile(`by siemfeed \S+,`), "by siemfeed VERSION,"},
	{regexp.MustCompile(`\b\d+(\.\d+)? (B|KB|MB)\b`), "SIZE"},
	{regexp.MustCompile(`\b(\d+h)?(\d+m)?\d+(\.\d+)?(ms|µs|s)\b`), "SPAN"},
	{regexp.MustCompile(`\b\d+m ago`), "SPAN ago"},
}

// columns are as wide as what is in them.
var columns = regexp.MustCompile(`  +`)

// session runs commands in one environment and compares what they answer, as text
// and as JSON, with golden files.
type session struct {
	t    *testing.T
	dirs []string // whose names differ from run to run
}

// newSession has env as its environment, besides what the test was started with.
func newSession(t *testing.T, env map[string]string) *session {
	t.Helper()
	t.Setenv("LOG_LEVEL", "error")
	for name, value := range env {
		t.Setenv(name, value)
	}
	return &session{t: t}
}

// dir makes a folder whose name is DIR in golden files.
func (s *session) dir() string {
	dir := s.t.TempDir()
	s.dirs = append(s.dirs, dir)
	return dir
}

func (s *session) normal(text string) string {
	for _, dir := range s.dirs {
		text = strings.ReplaceAll(text, dir, "DIR")
	}
	for _, v := range varying {
		text = v.what.ReplaceAllString(text, v.as)
	}
	return text
}

// do runs a command for what it does.
func (s *session) do(args ...string) {
	s.t.Helper()
	if code, _, stderr := inProcess(s.t, functions(), args...); code == exitFailed {
		s.t.Fatalf("%q: %s", args, stderr)
	}
}

// answers runs a command as JSON and as text, and compares what it ends with and
// what it prints on standard output with golden files. prepare, if any, comes
// before each.
func (s *session) answers(name string, code int, prepare func(), args ...string) {
	s.t.Helper()
	for _, output := range []string{outputJSON, outputText} {
		if prepare != nil {
			prepare()
		}
		got, stdout, stderr := inProcess(s.t, functions(), append(args, "-o", output)...)
		if got != code {
			s.t.Errorf("%s: ended with %d, want %d\n%s%s", name, got, code, stdout, stderr)
		}
		text := strings.ReplaceAll(columns.ReplaceAllString(stdout, "  "), "  \n", "\n")
		if output == outputJSON {
			if doc := decodeAnswer(s.t, stdout); doc["exit"] != exits[code] {
				s.t.Errorf("%s: exit is %v, want %s", name, doc["exit"], exits[code])
			}
			var b bytes.Buffer
			if err := json.Indent(&b, []byte(stdout), "", "  "); err != nil {
				s.t.Fatal(err)
			}
			text = b.String()
		} else if code == exitFailed {
			text += "stderr: " + stderr
		}
		golden(s.t, name+"."+output, s.normal(text))
	}
}

// receiptGone verifies without a receipt that another run follows, and puts it
// back.
func (s *session) receiptGone(function string, span ...string) {
	s.t.Helper()
	s.do("run", function)
	receipts, err := filepath.Glob(strings.TrimPrefix(os.Getenv("STATE_URL"), "file://") + "/" + function + "/receipts/*/*/*/*-*-*.json")
	if err != nil || len(receipts) < 2 {
		s.t.Fatal(receipts, err)
	}
	text, err := os.ReadFile(receipts[0])
	if err == nil {
		err = os.Remove(receipts[0])
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.answers(function+"-verify-receipt-gone", exitFindings, nil, append([]string{"verify", function}, span...)...)
	if err := os.WriteFile(receipts[0], text, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

func TestAnswersOfGunzipcsv(t *testing.T) {
	api := cfqueue.New(cfqueue.Options{}).Start()
	t.Cleanup(api.Close)
	queue := api.AddQueue("q", cfqueue.QueueOptions{DeadLetter: "dead"})
	s := newSession(t, map[string]string{"CF_ACCOUNT_ID": "account", "CF_QUEUE_ID": "q", "CF_API_TOKEN": "token", "CF_API_BASE_URL": api.URL()})
	source, state := s.dir(), s.dir()
	t.Setenv("SOURCE_URL", "file://"+source)
	t.Setenv("DEST_URL", "file://"+s.dir())
	t.Setenv("STATE_URL", "file://"+state)
	var object bytes.Buffer
	if _, err := logpush.Gzip(1, 100, logpush.NDJSON).WriteTo(&object); err != nil {
		t.Fatal(err)
	}
	put := func(key string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(source, key), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tell := func(keys ...string) {
		t.Helper()
		for _, key := range keys {
			if err := notify(queue, "logs", key); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.answers("status-empty", exitDone, nil, "status")
	s.answers("gunzipcsv-doctor", exitDone, nil, "doctor", "gunzipcsv")
	put("a.log.gz", object.Bytes())
	s.answers("gunzipcsv-verify-missing", exitFindings, nil, "verify", "gunzipcsv")
	n := 0
	s.answers("gunzipcsv-run", exitDone, func() {
		n++
		key := fmt.Sprintf("new-%d.log.gz", n)
		put(key, object.Bytes())
		tell(key)
	}, "run", "gunzipcsv")
	tell("a.log.gz")
	s.do("run", "gunzipcsv")
	s.answers("gunzipcsv-verify", exitDone, nil, "verify", "gunzipcsv")
	s.receiptGone("gunzipcsv")
	s.answers("gunzipcsv-backfill", exitDone, nil, "backfill", "gunzipcsv")
	put("bad.log.gz", []byte("no gzip"))
	tell("bad.log.gz")
	s.do("run", "gunzipcsv")
	s.answers("gunzipcsv-verify-rejected", exitFindings, nil, "verify", "gunzipcsv")
	s.answers("gunzipcsv-replay-rejected", exitFindings, nil, "replay", "gunzipcsv")
	s.answers("quarantine-ls", exitDone, nil, "quarantine", "ls", "gunzipcsv")
	_, out, _ := inProcess(t, functions(), "quarantine", "ls", "gunzipcsv", "-o", "json")
	var list lsAnswer
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Records) != 1 {
		t.Fatalf("%v\n%s", err, out)
	}
	s.answers("quarantine-show", exitDone, nil, "quarantine", "show", "gunzipcsv", list.Records[0].Object)
	s.answers("quarantine-show-none", exitFailed, nil, "quarantine", "show", "gunzipcsv", list.Records[0].Object, "--line", "7")
	s.answers("status-findings", exitFindings, nil, "status")
	s.attest()
	put("bad.log.gz", object.Bytes())
	s.do("replay", "gunzipcsv")
	s.answers("gunzipcsv-replay", exitDone, nil, "replay", "gunzipcsv")
	s.answers("quarantine-accept", exitDone, func() {
		n++
		key := fmt.Sprintf("bad-%d.log.gz", n)
		put(key, []byte("no gzip"))
		tell(key)
		s.do("run", "gunzipcsv")
	}, "quarantine", "accept", "gunzipcsv", "--code", "not_gzip")

	b, err := bucket.Open(t.Context(), "file://"+state)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	for range 2 {
		old := gunzipcsv.Receipt{Core: receipt.Start("gunzipcsv")}
		old.StartedAt = time.Now().AddDate(0, 0, -30)
		if err := receipt.Save(t.Context(), b, &old); err != nil {
			t.Fatal(err)
		}
	}
	s.answers("prune", exitDone, nil, "prune", "gunzipcsv", "--keep", "10d", "--dry-run")
	s.answers("prune-too-much", exitFailed, nil, "prune", "gunzipcsv", "--keep", "1d")

	t.Setenv("CF_API_TOKEN", "another")
	t.Setenv("CF_QUEUE_ID", "gone")
	s.answers("gunzipcsv-doctor-fails", exitFindings, nil, "doctor", "gunzipcsv")
	s.answers("gunzipcsv-run-fails", exitFailed, nil, "run", "gunzipcsv")
	t.Setenv("SOURCE_URL", "")
	s.answers("gunzipcsv-misconfigured", exitFailed, nil, "verify", "gunzipcsv")
}

// attest signs what was done, checks it, and checks it again with a receipt gone.
func (s *session) attest() {
	s.t.Helper()
	dir := s.dir()
	private, public := keyFiles(s.t, dir)
	file := filepath.Join(dir, "delivery.json")
	s.answers("report", exitDone, nil, "report", "--from", "1d", "--out", filepath.Join(dir, "proof.html"))
	s.answers("attest", exitDone, nil, "attest", "--from", "1d", "--key", private, "--out", file)
	s.answers("attest-verify", exitDone, nil, "attest", "verify", file, "--public", public)
	s.answers("attest-verify-unchanged", exitDone, nil, "attest", "verify", file, "--public", public, "--compare")
	receipts, err := filepath.Glob(strings.TrimPrefix(os.Getenv("STATE_URL"), "file://") + "/gunzipcsv/receipts/*/*/*/*.json")
	if err != nil || len(receipts) == 0 {
		s.t.Fatal(receipts, err)
	}
	if err := os.Remove(receipts[0]); err != nil {
		s.t.Fatal(err)
	}
	s.answers("attest-verify-changed", exitFindings, nil, "attest", "verify", file, "--public", public, "--compare")
}

func TestAnswersOfMuleaudit(t *testing.T) {
	api := anypoint.New(anypoint.Options{}).Start()
	t.Cleanup(api.Close)
	hour := time.Now().UTC().Truncate(time.Hour)
	add := func(seed uint64, n int, from, to time.Duration) {
		t.Helper()
		if err := api.Add("org-1", anypoint.Generate("org-1", anypoint.Generated{Seed: seed, N: n, From: hour.Add(-from), To: hour.Add(-to)})...); err != nil {
			t.Fatal(err)
		}
	}
	add(1, 60, 110*time.Minute, 70*time.Minute)
	s := newSession(t, map[string]string{
		"MULE_ORG_ID": "org-1", "CLIENT_ID": "client", "CLIENT_SECRET": "secret", "MULE_BASE_URL": api.URL(), "MULE_LOOKBACK": "3h",
	})
	output := s.dir()
	t.Setenv("OUTPUT_URL", "file://"+output)
	t.Setenv("STATE_URL", "file://"+s.dir())
	span := []string{"--from", hour.Add(-2 * time.Hour).Format(time.RFC3339), "--to", hour.Add(-time.Hour).Format(time.RFC3339)}
	s.answers("muleaudit-doctor", exitDone, nil, "doctor", "muleaudit")
	s.answers("muleaudit-verify-gap", exitFindings, nil, append([]string{"verify", "muleaudit"}, span...)...)
	s.do("run", "muleaudit")
	s.answers("muleaudit-verify", exitDone, nil, append([]string{"verify", "muleaudit"}, span...)...)
	s.receiptGone("muleaudit", span...)
	s.answers("muleaudit-backfill", exitDone, nil, append([]string{"backfill", "muleaudit"}, span...)...)
	objects, err := filepath.Glob(output + "/*/*/*/*.gz")
	if err != nil || len(objects) != 1 {
		t.Fatal(objects, err)
	}
	if err := os.Truncate(objects[0], 10); err != nil {
		t.Fatal(err)
	}
	s.answers("muleaudit-verify-altered", exitFindings, nil, append([]string{"verify", "muleaudit"}, span...)...)
	s.answers("muleaudit-replay", exitDone, nil, "replay", "muleaudit")
	t.Setenv("MAX_RECORD_BYTES", "1")
	add(2, 3, 3*time.Hour, 2*time.Hour)
	s.do("backfill", "muleaudit", "--from", hour.Add(-3*time.Hour).Format(time.RFC3339), "--to", hour.Add(-2*time.Hour).Format(time.RFC3339))
	s.answers("muleaudit-replay-advises", exitFindings, nil, "replay", "muleaudit")
	api.Forbid("org-1", true)
	s.answers("muleaudit-doctor-fails", exitFindings, nil, "doctor", "muleaudit")
	s.answers("muleaudit-run-fails", exitFailed, nil, "run", "muleaudit")
}

func TestAnswersOfSlshec(t *testing.T) {
	store := sls.New(sls.Options{Shards: 1}).Start() // so that nothing is in another order
	t.Cleanup(store.Close)
	refuse := true
	hec := splunk.New(splunk.Options{Tokens: []splunk.Token{{Value: "t0ken-of-hec"}}, Refuse: func(e splunk.Event) int {
		if refuse && strings.HasSuffix(e.ID, ":7") {
			return 15
		}
		return 0
	}}).Start()
	t.Cleanup(hec.Close)
	gen := sls.NewGenerator(1)
	fill := func() { store.Logstore().Append(0, gen.Group(50)) }
	at, err := url.Parse(store.URL())
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(t, map[string]string{
		"SLS_ENDPOINT": at.Host, "SLS_AK_ID": "ak", "SLS_AK_KEY": "secret", "SLS_PROJECT": "project", "SLS_LOGSTORE": "logstore",
		"SLS_CG": "group", "SLS_START": "begin", "SLS_HEARTBEAT": "200ms", "SLS_GROUP_TIMEOUT": "2s", "HEC_URL": hec.URL(), "HEC_TOKEN": "t0ken-of-hec",
	})
	t.Setenv("STATE_URL", "file://"+s.dir())
	s.answers("slshec-doctor", exitDone, nil, "doctor", "slshec")
	s.answers("slshec-run", exitDone, fill, "run", "slshec")
	s.answers("slshec-verify-rejected", exitFindings, nil, "verify", "slshec")
	s.answers("slshec-replay-rejected", exitFindings, nil, "replay", "slshec")
	refuse = false
	s.do("replay", "slshec")
	s.answers("slshec-replay", exitDone, nil, "replay", "slshec")
	s.answers("slshec-verify", exitDone, nil, "verify", "slshec")
	s.receiptGone("slshec")
	time.Sleep(1100 * time.Millisecond) // receive times are in seconds, and a span ends before its end
	s.answers("slshec-backfill", exitDone, nil, "backfill", "slshec", "--from", "1h", "--to", "0s")
	hec.Set(func(o *splunk.Options) { o.Tokens = []splunk.Token{{Value: "another"}} })
	s.answers("slshec-doctor-fails", exitFindings, nil, "doctor", "slshec")
}

func TestAnswersOfTrailtags(t *testing.T) {
	world, api := newTrail()
	t.Cleanup(world.sls.Close)
	t.Cleanup(world.cloud.Close)
	world.fill(1, 20)
	at, err := url.Parse(world.sls.URL())
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(t, map[string]string{
		"SLS_ENDPOINT": at.Host, "SLS_AK_ID": "ak", "SLS_AK_KEY": "secret", "SLS_PROJECT": "project", "SLS_LOGSTORE": "logstore",
		"SLS_CG": "group", "SLS_START": "begin", "SLS_HEARTBEAT": "200ms", "SLS_GROUP_TIMEOUT": "2s",
		"SLS_TARGET_PROJECT": "security", "SLS_TARGET_LOGSTORE": "tagged", "ADMIN_ACCOUNT_ID": trailAccounts[0], "RESOURCE_AK_ID": "ak", "RESOURCE_AK_KEY": "secret",
		"STS_ENDPOINT": api, "TAG_ENDPOINT": api, "ECS_ENDPOINT": api, "SLB_ENDPOINT": api,
	})
	t.Setenv("STATE_URL", "file://"+s.dir())
	s.answers("trailtags-doctor", exitDone, nil, "doctor", "trailtags")
	s.do("run", "trailtags")
	s.answers("trailtags-verify", exitDone, nil, "verify", "trailtags")
	s.receiptGone("trailtags")
	s.answers("trailtags-replay", exitDone, nil, "replay", "trailtags")
	s.answers("trailtags-run", exitDone, func() { world.last("StopInstance") }, "run", "trailtags")
	time.Sleep(1100 * time.Millisecond) // receive times are in seconds, and a span ends before its end
	s.answers("trailtags-backfill", exitDone, nil, "backfill", "trailtags", "--from", "1h", "--to", "0s")
	s.answers("trailtags-verify-doubled", exitFindings, nil, "verify", "trailtags")
}

// The answers about a command line, and about variables.
func TestAnswersWithoutAFunction(t *testing.T) {
	s := newSession(t, nil)
	s.answers("usage", exitFailed, nil, "verfy", "muleaudit")
	s.answers("usage-function", exitFailed, nil, "run", "muleadit")
	s.answers("usage-name", exitFailed, nil, "status", "muleadit")
	s.answers("usage-span", exitFailed, nil, "report", "--from", "2026-01-02", "--to", "2026-01-01")
	five := append(functions(), stubFunction())
	for _, output := range []string{outputText, outputJSON} {
		_, text, _ := inProcess(t, five, "env", "stub", "-o", output)
		golden(t, "env."+output, text)
	}
}

// Whatever cannot begin ends with 2 and says why, a program in a document of its
// own.
func TestEveryCommandFailsAlike(t *testing.T) {
	t.Setenv("STATE_URL", "nowhere://x")
	_, public := keyFiles(t, t.TempDir())
	var commands []string
	for _, f := range functions() {
		for _, verb := range []string{"run", "backfill --from 2d --to 1d", "verify", "doctor", "replay", "prune --keep 400d"} {
			verb, flags, _ := strings.Cut(verb, " ")
			commands = append(commands, verb+" "+string(f.name)+" "+flags)
		}
	}
	commands = append(commands, "status", "report --out "+t.TempDir()+"/proof.html", "attest", "attest verify "+public+" --public "+public,
		"quarantine ls slshec", "quarantine show slshec x", "quarantine accept slshec --code x", "env nothing", "demo --nothing", "emulate", "serve", "")
	for _, command := range commands {
		for _, output := range []string{outputText, outputJSON} {
			code, stdout, stderr := inProcess(t, functions(), append(strings.Fields(command), "-o", output)...)
			if code != exitFailed || !strings.HasPrefix(stderr, "siemfeed: ") {
				t.Errorf("%s: ended with %d\n%s", command, code, stderr)
			}
			if output == outputText {
				if stdout != "" {
					t.Errorf("%s: %s", command, stdout)
				}
				continue
			}
			doc := decodeAnswer(t, stdout)
			why, _ := doc["error"].(map[string]any)
			if doc["schema"] != "siemfeed.error/v1" || why["code"] == "unknown" && !strings.HasPrefix(command, "attest verify") || why["message"] == "" {
				t.Errorf("%s: %s", command, stdout)
			}
		}
	}
}
