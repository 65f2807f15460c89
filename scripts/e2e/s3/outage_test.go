package s3

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/outagetest"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

// TestOutages has the store fail under the SDK, which has retries of its own,
// and uploads in parts that it goes on with for a moment.
func TestOutages(t *testing.T) {
	outagetest.Run(t, map[string]outagetest.Need{
		"source":      {Variable: "SOURCE_URL"},
		"destination": {Variable: "DEST_URL"},
		"state":       {Variable: "STATE_URL"},
	}, func(t *testing.T, need string) outagetest.World {
		t.Helper()
		front := outagetest.NewFront(t, gateway.s3.URL)
		variable := map[string]string{"source": "SOURCE_URL", "destination": "DEST_URL", "state": "STATE_URL"}[need]
		env := map[string]string{"RUN_TIMEOUT": outagetest.RunTimeout.String()}
		direct := map[string]*bucket.Bucket{}
		var source string
		for _, name := range []string{"SOURCE_URL", "DEST_URL", "STATE_URL"} {
			in := newBucket(t)
			if name == "SOURCE_URL" {
				source = in
			}
			env[name] = kinds["s3"](in)
			direct[name] = open(t, env[name])
			if name == variable {
				env[name] = strings.Replace(env[name], gateway.s3.URL, front.URL(), 1)
			}
		}
		want := map[string]string{"large.csv": strings.Repeat("a,b,0123456789\n", (24<<20)/15)}
		for i := range 5 {
			want[fmt.Sprintf("%d.csv", i)] = "a,b\n1,2\n"
		}
		var records []any
		for key, text := range want {
			key = strings.TrimSuffix(key, ".csv") + ".log.gz"
			if err := direct["SOURCE_URL"].WriteAll(t.Context(), key, packed(t, text), nil); err != nil {
				t.Fatal(err)
			}
			records = append(records, map[string]any{
				"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
				"s3": map[string]any{"bucket": map[string]any{"name": source}, "object": map[string]any{"key": key, "size": 1}},
			})
		}
		notice, err := json.Marshal(map[string]any{"Records": records})
		if err != nil {
			t.Fatal(err)
		}
		rt := serve.WithLog(t.Context(), "gunzipcsv", slog.New(slog.DiscardHandler))
		return outagetest.World{
			Handler: outagetest.Handler(t, gunzipcsv.New, env, rt), Trigger: string(notice), Front: front,
			Done: func(t *testing.T) {
				t.Helper()
				for key, text := range want {
					if got, err := direct["DEST_URL"].ReadAll(t.Context(), key); err != nil || string(got) != text {
						t.Errorf("%s: %d bytes, want %d, %v", key, len(got), len(text), err)
					}
				}
			},
		}
	})
}
