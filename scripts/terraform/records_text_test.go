package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/telemetry"
)

var (
	asText  = regexp.MustCompile(`regexp_extract\(message, '([^']+)', 1\)`)
	asLike  = regexp.MustCompile(`message like '%(\\"code[^']+)%'`)
	numbers = regexp.MustCompile(`numbers += \{ for f in \[([^\]]+)\]`)
	codes   = regexp.MustCompile(`code += \{ for c in \[([^\]]+)\]`)
	limit   = regexp.MustCompile(`max_text_len = ([0-9]{5})`)
)

// The Log Service analyses the beginning of a record, which is no JSON where the
// record is longer. Alerts find in it what the whole record says.
func TestAlertsReadTheBeginningOfALongRecord(t *testing.T) {
	alerts, delivery := moduleText(t, "alerts.tf"), moduleText(t, "delivery.tf")
	analysed, err := strconv.Atoi(one(t, limit, delivery))
	if err != nil {
		t.Fatal(err)
	}
	lag := 90061.25
	run := &struct{ receipt.Core }{receipt.Core{
		Function: "slshec", Status: receipt.Failed, In: 7, Out: 4, Filtered: 2, Quarantined: 1, LagSeconds: &lag, Seconds: 0.0000005,
		Error: strings.Repeat(`said {"status":"ok","in":99} `, 20), Code: receipt.Misconfigured,
		Remaining: strings.Split(strings.Repeat("a shard that is not at its end,", 2000), ","),
	}}
	proof := receipt.NewVerified()
	proof.Findings, proof.Incomplete = 12, strings.Repeat("x", analysed)

	var lines bytes.Buffer
	log, err := telemetry.NewLogger(&lines, "info", "")
	if err != nil {
		t.Fatal(err)
	}
	log.Info("run finished", serve.ReceiptKey, receipt.Record(run))
	log.Info("verify finished", "verify", proof.Record())
	records := strings.SplitAfter(lines.String(), "\n")[:2]
	for i := range records {
		if len(records[i]) <= analysed {
			t.Fatalf("a record of %d bytes is analysed whole", len(records[i]))
		}
		records[i] = records[i][:analysed]
	}

	want := map[string]string{
		"status": "failed", "in": "7", "out": "4", "filtered": "2", "quarantined": "1",
		"lag_seconds": "90061.25", "seconds": "5e-7", "findings": "12",
	}
	read := 0
	for _, m := range asText.FindAllStringSubmatch(alerts, -1) {
		pattern := strings.ReplaceAll(m[1], `\"`, `"`)
		fields := []string{"status"}
		if strings.Contains(pattern, "${f}") {
			fields = words(t, numbers, alerts)
		}
		for _, name := range fields {
			record := records[0]
			if name == "findings" {
				record = records[1]
			}
			got := regexp.MustCompile(strings.ReplaceAll(pattern, "${f}", name)).FindStringSubmatch(record)
			if read++; got == nil || got[1] != want[name] {
				t.Errorf("%s of the record is read as %q, and is %s", name, got, want[name])
			}
		}
	}
	if read != len(want) {
		t.Errorf("%d fields are read, not %d", read, len(want))
	}
	like := strings.ReplaceAll(one(t, asLike, alerts), `\"`, `"`)
	for _, code := range words(t, codes, alerts) {
		has := strings.Contains(records[0], strings.ReplaceAll(like, "${c}", code))
		if has != (code == string(receipt.Misconfigured)) {
			t.Errorf("a run that was misconfigured counts as %s: %v", code, has)
		}
		if code != string(receipt.Misconfigured) && code != string(receipt.TimedOut) {
			t.Errorf("no run ends with the code %s", code)
		}
	}
}

// moduleText is a file of the module that reads the Log Service's own log.
func moduleText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "modules", "fc-function", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// one is what the group of pattern matches in text.
func one(t *testing.T, pattern *regexp.Regexp, text string) string {
	t.Helper()
	m := pattern.FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("nothing matches %s", pattern)
	}
	return m[1]
}

// words are those of a list that pattern finds in text.
func words(t *testing.T, pattern *regexp.Regexp, text string) []string {
	t.Helper()
	return strings.Split(strings.NewReplacer(`"`, "", " ", "").Replace(one(t, pattern, text)), ",")
}
