package gunzipcsv_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/config/configtest"
)

func base() map[string]string {
	return map[string]string{"SOURCE_URL": "gs://logs", "DEST_URL": "gs://csv", "STATE_URL": "gs://state"}
}

// merged is env with one more variable.
func merged(env map[string]string, name, value string) map[string]string {
	env = maps.Clone(env)
	env[name] = value
	return env
}

func TestConfigFaults(t *testing.T) {
	queue := map[string]string{"CF_ACCOUNT_ID": "a", "CF_QUEUE_ID": "q", "CF_API_TOKEN": "t"}
	for name, tc := range map[string]struct {
		env  map[string]string
		want []string // variables at fault
	}{
		"least":                  {nil, nil},
		"with a queue":           {queue, nil},
		"r2":                     {map[string]string{"SOURCE_URL": "r2://logs?account_id=abc", "R2_ACCESS_KEY_ID": "k", "R2_SECRET_ACCESS_KEY": "s"}, nil},
		"r2 without keys":        {map[string]string{"SOURCE_URL": "r2://logs"}, []string{"R2_ACCESS_KEY_ID", "R2_ACCOUNT_ID", "R2_SECRET_ACCESS_KEY"}},
		"nothing":                {map[string]string{"SOURCE_URL": "", "DEST_URL": "", "STATE_URL": ""}, []string{"DEST_URL", "SOURCE_URL", "STATE_URL"}},
		"half a queue":           {map[string]string{"CF_QUEUE_ID": "q"}, []string{"CF_ACCOUNT_ID", "CF_API_TOKEN"}},
		"its dead letters":       {merged(queue, "CF_DEAD_QUEUE_ID", "dead"), nil},
		"dead letters of none":   {map[string]string{"CF_DEAD_QUEUE_ID": "dead"}, []string{"CF_DEAD_QUEUE_ID"}},
		"dead letters in it":     {merged(queue, "CF_DEAD_QUEUE_ID", "q"), []string{"CF_DEAD_QUEUE_ID"}},
		"one bucket":             {map[string]string{"DEST_URL": "gs://logs"}, []string{"DEST_URL"}},
		"output in the source":   {map[string]string{"DEST_URL": "gs://logs?prefix=csv/"}, []string{"DEST_URL"}},
		"source in the output":   {map[string]string{"SOURCE_URL": "gs://csv?prefix=logs/"}, []string{"DEST_URL"}},
		"prefixes apart":         {map[string]string{"SOURCE_URL": "gs://b?prefix=in/", "DEST_URL": "gs://b?prefix=out/"}, nil},
		"state in the output":    {map[string]string{"STATE_URL": "gs://csv?prefix=state/"}, []string{"QUARANTINE_URL", "STATE_URL"}},
		"output in the state":    {map[string]string{"DEST_URL": "gs://state?prefix=gunzipcsv/manifests/"}, []string{"STATE_URL"}},
		"source in the state":    {map[string]string{"SOURCE_URL": "gs://state?prefix=quarantine"}, []string{"QUARANTINE_URL"}},
		"output beside state":    {map[string]string{"DEST_URL": "gs://state?prefix=siem"}, nil},
		"fragment":               {map[string]string{"SOURCE_URL": "gs://logs#x", "DEST_URL": "file://dir/csv"}, []string{"DEST_URL", "SOURCE_URL"}},
		"state in the source":    {map[string]string{"STATE_URL": "gs://logs?prefix=state/"}, []string{"QUARANTINE_URL", "STATE_URL"}},
		"quarantine in output":   {map[string]string{"QUARANTINE_URL": "gs://csv?prefix=q/"}, []string{"QUARANTINE_URL"}},
		"plain http":             {map[string]string{"CF_API_BASE_URL": "http://proxy.example/client/v4"}, []string{"CF_API_BASE_URL"}},
		"plain http, allowed":    {map[string]string{"CF_API_BASE_URL": "http://proxy.example/client/v4", "CF_API_INSECURE": "true"}, nil},
		"plain http to loopback": {map[string]string{"CF_API_BASE_URL": "http://127.0.0.1:1/client/v4"}, nil},
		"a comma too many":       {map[string]string{"CSV_COLUMNS": "a, b,"}, []string{"CSV_COLUMNS"}},
		"header of nothing":      {map[string]string{"CSV_HEADER": "true"}, []string{"CSV_HEADER"}},
		"numbers": {
			map[string]string{"CONCURRENCY": "0", "MAX_RATIO": "-1", "MAX_OUTPUT_BYTES": "0", "MAX_RECORD_BYTES": "x", "CF_VISIBILITY_TIMEOUT": "13h", "CF_RETRY_DELAY": "2h", "CSV_COLUMNS": "a,a", "RUN_TIMEOUT": "1ms"},
			[]string{"CF_RETRY_DELAY", "CF_VISIBILITY_TIMEOUT", "CONCURRENCY", "CSV_COLUMNS", "MAX_OUTPUT_BYTES", "MAX_RATIO", "MAX_RECORD_BYTES", "RUN_TIMEOUT"},
		},
	} {
		env := base()
		maps.Copy(env, tc.env)
		var c gunzipcsv.Config
		err := config.Load(t.Context(), envconfig.MapLookuper(env), &c)
		var faults config.Faults
		errors.As(err, &faults)
		got := map[string]bool{}
		for _, f := range faults {
			got[f.Var] = true
		}
		if !slices.Equal(slices.Sorted(maps.Keys(got)), tc.want) {
			t.Errorf("%s: %v, want faults of %v", name, err, tc.want)
		}
	}
}

func TestConfigDefaults(t *testing.T) {
	env := base()
	env["RUN_TIMEOUT"] = "5m"
	env["CF_API_TOKEN"], env["CF_ACCOUNT_ID"], env["CF_QUEUE_ID"] = "t0ken", "a", "q"
	var c gunzipcsv.Config
	if err := config.Load(t.Context(), envconfig.MapLookuper(env), &c); err != nil {
		t.Fatal(err)
	}
	if c.CFVisibility != 6*time.Minute || c.SourceBucket != "logs" || c.MaxRecordBytes != 16<<20 || c.MaxOutputBytes != 20<<30 || c.MaxRatio != 250 {
		t.Errorf("%+v", c)
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", c, c, c), "t0ken") {
		t.Error("the token is shown")
	}
}

func TestReadmeNamesEveryVariable(t *testing.T) {
	configtest.Readme[gunzipcsv.Config](t, "README.md")
}
