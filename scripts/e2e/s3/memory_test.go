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

// uploadMain is the other process of TestMemoryOfAnUpload.
func uploadMain() error {
	size, err := strconv.ParseInt(os.Getenv(uploadVar), 10, 64)
	if err != nil {
		return err
	}
	ctx := context.Background()
	b, err := bucket.Open(ctx, os.Getenv("UPLOAD_TO"), r2Keys)
	if err != nil {
		return err
	}
	_, err = b.Create(ctx, "k", data(1, size), blob.WriterOptions{})
	return err
}

// asChild does the work of another process, if this one is told to be it, and
// prints the peak of its resident memory in KiB.
func asChild() bool {
	var work func() error
	switch {
	case os.Getenv(uploadVar) != "":
		work = uploadMain
	case os.Getenv(convertVar) != "":
		work = convertMain
	default:
		return false
	}
	err := work()
	var status []byte
	if err == nil {
		status, err = os.ReadFile("/proc/self/status")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for line := range bytes.Lines(status) {
		if f := strings.Fields(string(line)); f[0] == "VmHWM:" {
			fmt.Print(f[1])
		}
	}
	return true
}

// child runs this program as another process and returns its peak.
func child(t *testing.T, env ...string) int64 {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	kib, err := strconv.ParseInt(string(out), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib
}

func TestMemoryOfAnUpload(t *testing.T) {
	peak := func(size int64) int64 {
		return child(t, fmt.Sprint(uploadVar, "=", size), "UPLOAD_TO="+kinds["r2"](newBucket(t)))
	}
	small, large := peak(32<<20), peak(256<<20)
	t.Logf("peak of %d MiB for 32 MiB, %d MiB for 256 MiB", small>>10, large>>10)
	if flat := max(small+16<<10, small*12/10); large > flat {
		t.Errorf("memory grows with the object: %d KiB for 32 MiB, %d KiB for 256 MiB", small, large)
	}
}
