package outagetest

import (
	"testing"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
)

// KeyID and Secret are what the store is reached with.
const (
	KeyID  = "ak"
	Secret = "s3cret-of-the-key" // #nosec G101 -- made up
)

// names are the buckets of the store.
var names = []string{"source", "dest", "state", "output"}

// Store starts an object store, with a bucket for every purpose, and returns its
// base URL.
func Store(t testing.TB) string {
	t.Helper()
	s := oss.New(oss.Options{AccessKeyID: KeyID, AccessKeySecret: Secret})
	for _, name := range names {
		s.AddBucket(name)
	}
	t.Cleanup(s.Close)
	return s.Start()
}

// BucketURL is the URL of a bucket of the store at base.
func BucketURL(base, name string) string {
	return "oss://" + name + "?region=cn-hangzhou&endpoint=" + base
}

// Keys are the variables with which a function reaches the store.
func Keys() map[string]string { return map[string]string{"SLS_AK_ID": KeyID, "SLS_AK_KEY": Secret} }

// WithKeys is how a test reaches it.
func WithKeys() bucket.Option { return bucket.WithOSS(alibaba.Static(KeyID, Secret, "")) }
