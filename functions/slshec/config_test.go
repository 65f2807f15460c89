package slshec_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/slshec"
	"github.com/siemfeed/siemfeed/pkg/config/configtest"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
)

var good = map[string]string{
	"SLS_ENDPOINT": "cn-hangzhou.log.aliyuncs.com", "SLS_AK_ID": "ak", "SLS_AK_KEY": "hidden-key", "SLS_PROJECT": "p", "SLS_LOGSTORE": "l", "SLS_CG": "g",
	"HEC_URL": "https://splunk.example.com:8088", "HEC_TOKEN": "hidden-token", "STATE_URL": "mem://",
}

func open(t *testing.T, changes map[string]string) (*slshec.Function, error) {
	t.Helper()
	env := maps.Clone(good)
	maps.Copy(env, changes)
	f, err := slshec.Open(t.Context(), envconfig.MapLookuper(env), serve.Runtime{Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		t.Cleanup(func() { _ = f.Close() })
	}
	return f, err
}

func TestMissingConfigurationNamesEveryVariable(t *testing.T) {
	_, err := slshec.New(t.Context(), envconfig.MapLookuper(nil), serve.Runtime{})
	if err == nil {
		t.Fatal("started without configuration")
	}
	for _, name := range []string{"SLS_ENDPOINT", "SLS_AK_ID", "SLS_AK_KEY", "SLS_PROJECT", "SLS_LOGSTORE", "SLS_CG", "HEC_URL", "HEC_TOKEN", "STATE_URL"} {
		if strings.Count(err.Error(), "\n  "+name+": required") != 1 {
			t.Errorf("%s is not named once in:\n%v", name, err)
		}
	}
}

func TestWrongConfigurationNamesEveryVariable(t *testing.T) {
	if _, err := open(t, nil); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, value, names string }{
		{"SLS_ENDPOINT", "http://cn-hangzhou.log.aliyuncs.com", "SLS_ENDPOINT"},
		{"SLS_ENDPOINT", "cn-hangzhou.log.aliyuncs.com/path", "SLS_ENDPOINT"},
		{"SLS_PROJECT", "a b", "SLS_PROJECT"},
		{"SLS_LOGSTORE", "a/b", "SLS_LOGSTORE"},
		{"SLS_AK_KEY", "", "SLS_AK_KEY"},
		{"SLS_START", "yesterday", "SLS_START"},
		{"SLS_CG", "a group", "SLS_CG"},
		{"SLS_PROCESSOR", "a/b", "SLS_PROCESSOR"},
		{"SLS_HEARTBEAT", "40s", "SLS_HEARTBEAT"},
		{"SLS_HEARTBEAT", "0s", "SLS_HEARTBEAT"},
		{"SLS_GROUP_TIMEOUT", "1500ms", "SLS_GROUP_TIMEOUT"},
		{"SLS_GROUP_TIMEOUT", "soon", "SLS_GROUP_TIMEOUT"},
		{"SLS_ON_INVALID_CURSOR", "newest", "SLS_ON_INVALID_CURSOR"},
		{"HEC_URL", "http://splunk.example.com:8088", "HEC_URL"},
		{"HEC_URL", "https://a:8088,https://a:8088", "HEC_URL"},
		{"HEC_URL", "splunk:8088", "HEC_URL"},
		{"HEC_TOKEN", "Splunk hidden-token", "HEC_TOKEN"},
		{"HEC_ACK", "maybe", "HEC_ACK"},
		{"HEC_ACK_POLL", "0s", "HEC_ACK_POLL"},
		{"HEC_ACK_TIMEOUT", "-1s", "HEC_ACK_TIMEOUT"},
		{"HEC_TIMEOUT", "0s", "HEC_TIMEOUT"},
		{"HEC_BATCH_BYTES", "10", "HEC_BATCH_BYTES"},
		{"HEC_CONCURRENCY", "0", "HEC_CONCURRENCY"},
		{"HEC_CA_FILE", "/does/not/exist", "HEC_CA_FILE"},
		{"HEC_INDEX", "{topics}", "HEC_INDEX"},
		{"HEC_SOURCETYPE", "aliyun:{tag:}", "HEC_SOURCETYPE"},
		{"HEC_SOURCE", "{topic", "HEC_SOURCE"},
		{"HEC_SOURCE", "topic}", "HEC_SOURCE"},
		{"HEC_HOST", "{{source}}", "HEC_HOST"},
		{"HEC_HOST", "{Source}", "HEC_HOST"},
		{"HEC_FIELDS", "env", "HEC_FIELDS"},
		{"HEC_FIELDS", "env=prod,=x", "HEC_FIELDS"},
		{"HEC_FIELDS", "env=", "HEC_FIELDS"},
		{"HEC_FIELDS", "env=a,team=b,env=c", "HEC_FIELDS"},
		{"HEC_FIELDS", "sls_id=1", "HEC_FIELDS"},
		{"HEC_FIELDS", "index=main", "HEC_FIELDS"},
		{"HEC_FIELDS", "_time=1", "HEC_FIELDS"},
		{"HEC_FIELDS", "a b=1", "HEC_FIELDS"},
		{"HEC_FIELDS", "env={tag:env}", "HEC_FIELDS"},
		{"HEC_JSON_KEYS", "event,,content", "HEC_JSON_KEYS"},
		{"MODE", "sometimes", "MODE"},
		{"LEASE_TTL", "0s", "LEASE_TTL"},
		{"RUN_TIMEOUT", "0s", "RUN_TIMEOUT"},
		{"STATE_URL", "ftp://x", "STATE_URL"},
		{"QUARANTINE_URL", "ftp://x", "QUARANTINE_URL"},
	} {
		_, err := open(t, map[string]string{tc.name: tc.value})
		if err == nil || strings.Count(err.Error(), "\n  "+tc.names+": ") != 1 || strings.Count(err.Error(), "\n") != 1 {
			t.Errorf("%s=%s: %v", tc.name, tc.value, err)
		}
		if err != nil && strings.Contains(err.Error(), "hidden-") {
			t.Errorf("a secret is in %v", err)
		}
	}
}

func TestPlainHTTPWhereItIsAllowed(t *testing.T) {
	for _, env := range []map[string]string{
		{"HEC_URL": "http://127.0.0.1:8088", "SLS_ENDPOINT": "127.0.0.1:8080"},
		{"HEC_URL": "http://localhost:8088,http://[::1]:8088", "SLS_ENDPOINT": "http://localhost:1"},
		{"HEC_URL": "http://splunk.example.com:8088", "HEC_INSECURE": "true"},
		{"SLS_ENDPOINT": "http://cn-hangzhou-intranet.log.aliyuncs.com", "SLS_INSECURE": "true"},
	} {
		if _, err := open(t, env); err != nil {
			t.Errorf("%v: %v", env, err)
		}
	}
}

func TestReadmeNamesEveryVariable(t *testing.T) {
	configtest.Readme[slshec.Config](t, "README.md")
}

// Whatever is configured wrong or may no longer be, the run says what to fix,
// and no checkpoint moves.
func TestWhatIsWrongIsNamed(t *testing.T) {
	for _, tc := range []struct {
		name string
		sls  emulator.Options
		hec  splunk.Options
		env  map[string]string
		do   func(*world)
		says []string
	}{
		{name: "wrong token", env: map[string]string{"HEC_TOKEN": "another"}, says: []string{"HEC_TOKEN", "code 4"}},
		{name: "disabled token", hec: splunk.Options{Tokens: []splunk.Token{{Value: token, Disabled: true}}}, says: []string{"disabled", "HEC_TOKEN"}},
		{name: "unknown index", hec: splunk.Options{Tokens: []splunk.Token{{Value: token, Indexes: []string{"main"}}}}, env: map[string]string{"HEC_INDEX": "nowhere"}, says: []string{"HEC_INDEX", "code 7"}},
		{name: "no ack on the server", hec: splunk.Options{Tokens: []splunk.Token{{Value: token}}}, env: map[string]string{"HEC_ACK": "true"}, says: []string{"HEC_ACK=false"}},
		{name: "ack on the server alone", hec: splunk.Options{Tokens: []splunk.Token{{Value: token, UseACK: true}}}, says: []string{"HEC_ACK=true"}},
		{name: "wrong logstore", env: map[string]string{"SLS_LOGSTORE": "nowhere"}, says: []string{"LogStoreNotExist", "logstore's name"}},
		{name: "wrong project", env: map[string]string{"SLS_PROJECT": "nowhere"}, says: []string{"ProjectNotExist", "project's name"}},
		{name: "wrong secret", env: map[string]string{"SLS_AK_KEY": "another"}, says: []string{"SignatureNotMatch", "secret"}},
		{name: "unknown key", env: map[string]string{"SLS_AK_ID": "another"}, says: []string{"access key"}},
		{name: "clock skew", sls: emulator.Options{Skew: time.Hour}, says: []string{"RequestTimeTooSkewed", "clock"}},
		{name: "expired cursor", do: func(w *world) {
			f := w.function()
			w.mustRun(f)
			w.Fill(emulator.NewGenerator(9), 4, 5)
			for id := range w.First {
				w.Store.Expire(id, 4)
			}
		}, says: []string{"expired", "LogGroups", "oldest"}},
		{name: "splunk is away", do: func(w *world) { w.hec.Set(func(o *splunk.Options) { o.Busy = true }) }, says: []string{"503"}},
		{name: "sls is away", do: func(w *world) { w.SLS.Faults.Random(1, map[fault.Kind]float64{fault.Error500: 1}) }, says: []string{"500"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tc.sls, tc.hec, tc.env)
			w.Fill(emulator.NewGenerator(1), 3, 5)
			if tc.do != nil {
				tc.do(w)
			}
			before := map[int]string{}
			for id := range w.First {
				before[id] = w.Store.Checkpoint(group, id)
			}
			rt := w.Runtime()
			r, status, err := serve.Execute(context.Background(), w.function(), tick, rt)
			if err == nil || status != http.StatusInternalServerError || r.Base().Status != receipt.Failed {
				t.Fatalf("%d %v %+v", status, err, r)
			}
			for _, want := range tc.says {
				if !strings.Contains(r.Base().Error, want) {
					t.Errorf("%q is not in %s", want, r.Base().Error)
				}
			}
			if n := strings.Count(r.Base().Error, "\n"); n > 3 {
				t.Errorf("%d lines: %s", n, r.Base().Error)
			}
			for id, first := range w.First {
				if now := w.Store.Checkpoint(group, id); now != before[id] && consumetest.CursorNumber(t, now) > first {
					t.Errorf("the checkpoint of shard %d moved", id)
				}
			}
			w.wantNoSecret(fmt.Sprint(err))
		})
	}
}
