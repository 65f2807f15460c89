package s3

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/proctest"
)

// build compiles gunzipcsv as it is deployed.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "gunzipcsv")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "disable_grpc_modules", "-o", bin, "github.com/siemfeed/siemfeed/functions/gunzipcsv/cmd/gunzipcsv")
	cmd.Dir = home
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "PWD="+home)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// peak returns the peak of a process's resident memory in KiB.
func peak(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(status) {
		if f := strings.Fields(string(line)); f[0] == "VmHWM:" {
			kib, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib
		}
	}
	t.Fatal("no VmHWM")
	return 0
}

// TestMemory converts small objects and a large one, each kind in a process of
// its own, between r2:// buckets. A process that has converted one small object
// may not have filled the buffers yet that it holds from there on, so it is
// given a few, one after the other.
func TestMemory(t *testing.T) {
	bin, url := build(t), kinds["r2"]
	const unit = 4 << 20
	member := packed(t, lines(unit))
	convert := func(objects, units int) int64 {
		source, dest := newBucket(t), newBucket(t)
		p := proctest.Start(t, bin, environment(url, source, dest))
		defer p.Kill()
		for i := range objects {
			name := fmt.Sprintf("k%d", i)
			err := open(t, url(source)).Write(t.Context(), name+".log.gz", blob.WriterOptions{}, func(w io.Writer) error {
				for range units { // gzip members, one after the other, are one gzip file
					if _, err := w.Write(member); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			status, answer, err := p.Post(t.Context(), string(batch(t, source, name+".log.gz")), nil)
			if err != nil || status != http.StatusOK || !strings.Contains(string(answer), `"out":1`) {
				t.Fatalf("%d %s, %v\n%s", status, answer, err, p.Output())
			}
			a, err := open(t, url(dest)).Attributes(t.Context(), "csv/"+name+".csv")
			if err != nil || a.Size != int64(units)*unit {
				t.Fatalf("target %+v, %v", a, err)
			}
		}
		return peak(t, p.PID())
	}
	small, large := convert(4, 100<<20/unit), convert(1, 1<<30/unit)
	t.Logf("peak of %d MiB for 100 MiB, %d MiB for 1 GiB", small>>10, large>>10)
	if flat := max(small+16<<10, small*12/10); large > flat || large > 128<<10 {
		t.Errorf("memory grows with the object: %d KiB for 100 MiB, %d KiB for 1 GiB", small, large)
	}
}

// lines returns CSV of n bytes that deflates to about a tenth.
func lines(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%x,203.0.113.7,GET,/index.html,200,\"Mozilla/5.0, like Gecko\"\n", i*0x9e3779b1)
	}
	return b.String()[:n-1] + "\n"
}
