package gunzipcsv_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
)

// TestShardsAddUp converts shard by shard: each object in one, and in no other.
func TestShardsAddUp(t *testing.T) {
	w := newWorld(t, nil)
	const objects = 60
	for i := range objects {
		w.put(fmt.Sprintf("day%d/%03d.log.gz", i%3, i), gz(t, "x\n"))
	}
	// Two that would fall on one target: only one shard has either.
	w.put("same.log.gz", gz(t, "x\n"))
	w.put("same.json.gz", gz(t, "x\n"))
	f := w.function()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "shards")
		var sum int64
		for i := range n {
			one, err := f.Count(t.Context(), gunzipcsv.Selection{Shard: gunzipcsv.Shard{Index: i, Of: n}})
			if err != nil {
				t.Fatal(err)
			}
			both, err := f.Count(t.Context(), gunzipcsv.Selection{Prefix: "same.", Shard: gunzipcsv.Shard{Index: i, Of: n}})
			if err != nil || both == 1 {
				t.Fatalf("%d of 2 sources of one target are in shard %d/%d, %v", both, i, n, err)
			}
			sum += one
		}
		if sum != objects+2 {
			t.Fatalf("%d shards have %d objects", n, sum)
		}
	})
	largest := int64(0)
	for i := range 8 {
		n, err := f.Count(t.Context(), gunzipcsv.Selection{Shard: gunzipcsv.Shard{Index: i, Of: 8}})
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, n)
	}
	if largest > 3*objects/8 {
		t.Errorf("one of 8 shards has %d of %d objects", largest, objects)
	}
	if _, err := f.Count(t.Context(), gunzipcsv.Selection{Shard: gunzipcsv.Shard{Index: 8, Of: 8}}); err == nil {
		t.Error("shard 8/8 is taken for one")
	}
}

func TestTaskShard(t *testing.T) {
	for _, tc := range []struct {
		env, want, err string
	}{
		{"", "0/1", ""},
		{"CLOUD_RUN_TASK_INDEX=3 CLOUD_RUN_TASK_COUNT=8", "3/8", ""},
		{"JOB_COMPLETION_INDEX=0 JOB_COMPLETIONS=2", "0/2", ""},
		{"JOB_COMPLETION_INDEX=1", "", "JOB_COMPLETIONS is not"},
		{"AWS_BATCH_JOB_ARRAY_INDEX=9 AWS_BATCH_JOB_ARRAY_SIZE=10", "9/10", ""},
		{"AWS_BATCH_JOB_ARRAY_INDEX=10 AWS_BATCH_JOB_ARRAY_SIZE=10", "", "want i/n"},
		{"CLOUD_RUN_TASK_INDEX=x CLOUD_RUN_TASK_COUNT=8", "", "want i/n"},
	} {
		env := map[string]string{}
		for _, v := range strings.Fields(tc.env) {
			name, value, _ := strings.Cut(v, "=")
			env[name] = value
		}
		saved := maps.Clone(env)
		s, err := gunzipcsv.TaskShard(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%s: %v", tc.env, err)
			}
			continue
		}
		if err != nil || s.String() != tc.want || !maps.Equal(env, saved) {
			t.Errorf("%s: %v, %v", tc.env, s, err)
		}
	}
	for _, bad := range []string{"", "1", "8/8", "-1/8", "0/0", "1/2/3", "a/b", " 1/2"} {
		if s, err := gunzipcsv.ParseShard(bad); err == nil {
			t.Errorf("%q: %v", bad, s)
		}
	}
}
