package bucket_test

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// Without credentials the error says what to do, before anything is asked of
// the bucket, and no library prints on its own.
func TestNoGoogleCredentials(t *testing.T) {
	for name, v := range map[string]string{
		"STORAGE_EMULATOR_HOST": "", "HOME": t.TempDir(), "CLOUDSDK_CONFIG": t.TempDir(),
		"GOOGLE_APPLICATION_CREDENTIALS": t.TempDir() + "/not-there.json",
	} {
		t.Setenv(name, v)
	}
	var err error
	printed := output(t, func() { _, err = bucket.Open(t.Context(), "gs://b") })
	if err == nil || !strings.Contains(err.Error(), "gcloud auth application-default login") || !strings.Contains(err.Error(), "not-there.json") {
		t.Errorf("error %v", err)
	}
	if printed != "" {
		t.Errorf("printed %q", printed)
	}
	b, err := bucket.Open(t.Context(), "gs://b?anonymous=true")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// output returns what do prints to standard output and standard error.
func output(t *testing.T, do func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = w, w
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()
	do()
	_ = w.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
