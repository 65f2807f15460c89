package outagetest

import (
	"testing"

	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
)

// Buckets are those of the emulated store.
var Buckets = []string{"source", "dest", "state", "output", "quarantine"}

// Store starts an object store with all [Buckets], to be reached with the access
// key "ak" and this secret, and returns its base URL.
func Store(t testing.TB, secret string) string {
	t.Helper()
	s := oss.New(oss.Options{AccessKeySecret: secret})
	for _, name := range Buckets {
		s.AddBucket(name)
	}
	t.Cleanup(s.Close)
	return s.Start()
}

// BucketURL is the URL of a bucket of the store at base.
func BucketURL(base, name string) string {
	return "oss://" + name + "?region=cn-hangzhou&endpoint=" + base
}
