package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/config"
)

// What is kept below STATE_URL and the logs must lie apart, whichever is the
// other's folder: that of the function counts, not the whole bucket.
func TestStateAndLogsApart(t *testing.T) {
	file := "file://" + t.TempDir()
	for kind, at := range map[string]func(prefix string) string{
		"gs":   func(p string) string { return "gs://b?prefix=" + p },
		"s3":   func(p string) string { return "s3://b?region=x&prefix=" + p },
		"r2":   func(p string) string { return "r2://b?account_id=a&prefix=" + p },
		"oss":  func(p string) string { return "oss://b?region=cn-hangzhou&prefix=" + p },
		"file": func(p string) string { return file + "?prefix=" + p },
		"path": func(p string) string { return strings.TrimSuffix(file+"/"+p, "/") },
	} {
		if bucket.Check(at("")) != nil {
			continue // not built in
		}
		for _, tc := range []struct {
			state, logs string
			bad         bool
		}{
			{"", "", true},
			{"", "fn/", true},
			{"", "fn", true},
			{"", "fn/receipts/", true},
			{"", "quarantine/", true},
			{"", "quarantine/fn/", true},
			{"", "quarantine/fn/2026/", true},
			{"", "doctor/", true},
			{"", "fn2/", false},
			{"", "siem/", false},
			{"", "quarantine/other/", false},
			{"logs/state/", "logs/", true},
			{"logs/", "logs/", true},
			{"logs", "logs/", true},
			{"logs", "logs-other/", false},
			{"state/", "state/fn/", true},
			{"state/", "state/siem/", false},
			{"state/", "siem/", false},
			{"siem/state/", "siem/out/", false},
		} {
			c := config.Common{StateURL: at(tc.state), RunTimeout: time.Minute}
			f := c.Validate("fn", map[string]string{"OUT": at(tc.logs)})
			if bad := len(f) > 0; bad != tc.bad {
				t.Errorf("%s: state in %q, logs in %q: %v", kind, tc.state, tc.logs, f)
			}
			for _, fault := range f {
				if !strings.Contains(fault.Problem, "OUT") || !strings.Contains(fault.Problem, "use another bucket or prefix") {
					t.Errorf("%s: %v", kind, fault)
				}
			}
		}
	}
}

func TestQuarantineAndLogsApart(t *testing.T) {
	for _, tc := range []struct {
		quarantine string
		bad        bool
	}{{"gs://out", true}, {"gs://out?prefix=q", true}, {"gs://up", true}, {"gs://held", false}} {
		c := config.Common{StateURL: "gs://state", QuarantineURL: tc.quarantine, RunTimeout: time.Minute}
		f := c.Validate("fn", map[string]string{"OUT": "gs://out", "UP": "gs://up?prefix=fn/2026/"})
		if bad := len(f) == 1 && f[0].Var == "QUARANTINE_URL"; bad != tc.bad {
			t.Errorf("%s: %v", tc.quarantine, f)
		}
	}
}

func TestDifferentStoresAreApart(t *testing.T) {
	urls := []string{"gs://b", "s3://b?region=x", "r2://b?account_id=a", "file://" + t.TempDir()}
	for i, state := range urls {
		for j, logs := range urls {
			c := config.Common{StateURL: state, RunTimeout: time.Minute}
			if f := c.Validate("fn", map[string]string{"OUT": logs}); (len(f) > 0) != (i == j) {
				t.Error(fmt.Sprint(state, " ", logs, ": ", f))
			}
		}
	}
}
