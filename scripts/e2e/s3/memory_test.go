package s3

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

const uploadVar = "UPLOAD_BYTES"

// uploadMain is the other process of TestMemoryOfAnUpload: it uploads, reads
// back, and prints its peak of resident memory in KiB.
func uploadMain() int {
	size, err := strconv.ParseInt(os.Getenv(uploadVar), 10, 64)
	if err != nil {
		return 1
	}
	ctx := context.Background()
	b, err := bucket.Open(ctx, os.Getenv("UPLOAD_TO"), r2Keys)
	if err == nil {
		_, err = b.Create(ctx, "k", data(1, size), blob.WriterOptions{})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 1
	}
	for line := range bytes.Lines(status) {
		if f := strings.Fields(string(line)); f[0] == "VmHWM:" {
			fmt.Print(f[1])
		}
	}
	return 0
}

func TestMemoryOfAnUpload(t *testing.T) {
	peak := func(size int64) (kib int64) {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), fmt.Sprint(uploadVar, "=", size), "UPLOAD_TO="+kinds["r2"](newBucket(t)))
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		kib, err = strconv.ParseInt(string(out), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return kib
	}
	small, large := peak(32<<20), peak(256<<20)
	t.Logf("peak of %d MiB for 32 MiB, %d MiB for 256 MiB", small>>10, large>>10)
	if large > small+16<<10 && large > small*12/10 {
		t.Errorf("memory grows with the object: %d KiB for 32 MiB, %d KiB for 256 MiB", small, large)
	}
}
