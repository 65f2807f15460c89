package bucket_test

import (
	"testing"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/bucket/buckettest"
)

func TestSuite(t *testing.T) {
	t.Run("mem", func(t *testing.T) {
		buckettest.Run(t, buckettest.Kind{Open: func(t *testing.T) *bucket.Bucket { return open(t, "mem://") }})
	})
	t.Run("file", func(t *testing.T) {
		buckettest.Run(t, buckettest.Kind{Open: func(t *testing.T) *bucket.Bucket { return open(t, "file://"+t.TempDir()) }})
	})
}
