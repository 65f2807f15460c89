package gunzipcsv

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/siemfeed/siemfeed/pkg/objcsv"
)

// Shard is the share of one task of many: those objects whose target's key
// hashes to Index, from 0, of Of. The zero value is all of them. Since the
// target decides, two sources that would fall on one target are in one shard.
type Shard struct{ Index, Of int }

// String writes it as [ParseShard] reads it.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, max(s.Of, 1)) }

// ParseShard reads i/n, i from 0 to n-1.
func ParseShard(text string) (Shard, error) {
	index, of, ok := strings.Cut(text, "/")
	i, err1 := strconv.Atoi(index)
	n, err2 := strconv.Atoi(of)
	if !ok || err1 != nil || err2 != nil || n < 1 || i < 0 || i >= n {
		return Shard{}, fmt.Errorf("%.40q is no shard: want i/n, such as 0/8 to 7/8", text)
	}
	return Shard{i, n}, nil
}

// taskVars are the variables that tell a task which one it is, and of how many
// (docs.cloud.google.com/run/docs/create-jobs, kubernetes.io/docs/tasks/job/indexed-parallel-processing-static,
// docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html). Kubernetes
// has none for the number: the pod's template has to set it.
var taskVars = []struct{ platform, index, of string }{
	{"a Cloud Run job", "CLOUD_RUN_TASK_INDEX", "CLOUD_RUN_TASK_COUNT"},
	{"an indexed Kubernetes job", "JOB_COMPLETION_INDEX", "JOB_COMPLETIONS"},
	{"an AWS Batch array job", "AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"},
}

// TaskShard is the shard of this task of a job, as lookup, of its environment,
// tells; the zero Shard where there is no job. A task that knows its index and
// not the number of tasks is an error: as many would do all the work, each.
func TaskShard(lookup func(string) (string, bool)) (Shard, error) {
	for _, v := range taskVars {
		index, ok := lookup(v.index)
		if !ok || index == "" {
			continue
		}
		of, ok := lookup(v.of)
		if !ok || of == "" {
			return Shard{}, fmt.Errorf("%s is set and %s is not: set it to the number of tasks of %s, or give --shard (0/1 for all)", v.index, v.of, v.platform)
		}
		s, err := ParseShard(index + "/" + of)
		if err != nil {
			return Shard{}, fmt.Errorf("%s/%s: %w", v.index, v.of, err)
		}
		return s, nil
	}
	return Shard{}, nil
}

// has tells whether the target is of this shard.
func (s Shard) has(target string) bool {
	if s.Of <= 1 {
		return true
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(target)) // never fails
	n := h.Sum64()
	n ^= n >> 32                          // FNV's low bits alone are uneven
	return int(n%uint64(s.Of)) == s.Index //nolint:gosec // less than Of
}

// hasSource tells whether what is made of the source key is of this shard.
func (s Shard) hasSource(key string) bool { return s.has(objcsv.TargetKey(key)) }

// split divides the shard in n, which together have just what it has.
func (s Shard) split(n int) []Shard {
	of := max(s.Of, 1)
	parts := make([]Shard, n)
	for i := range parts {
		parts[i] = Shard{Index: s.Index + of*i, Of: of * n}
	}
	return parts
}

var errShard = errors.New("a shard is 0/n to n-1/n")

func (s Shard) valid() error {
	if s == (Shard{}) || s.Of >= 1 && s.Index >= 0 && s.Index < s.Of {
		return nil
	}
	return errShard
}
