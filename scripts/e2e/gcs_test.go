package e2e

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"
	"go.uber.org/goleak"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
)

// gcs is the one storage server of this package: Google's client finds it by an
// environment variable, so there cannot be two. A test has buckets of its own.
var gcs struct {
	server *fakestorage.Server
	faults fault.Injector
	rules  *rules
}

// asked counts what would have been requests for credentials.
var asked atomic.Int64

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusNotFound)
	}))
	defer metadata.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	host := listener.Addr().String()
	// The client reads objects through the XML API, which is told by its host.
	gcs.server, err = fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true, PublicHost: host})
	if err != nil {
		log.Fatal(err)
	}
	gcs.rules = newRules(gcs.server.HTTPHandler())
	front := httptest.NewUnstartedServer(gcs.faults.Wrap(gcs.rules))
	_ = front.Listener.Close()
	front.Listener = listener
	front.Start()
	for k, v := range map[string]string{
		"STORAGE_EMULATOR_HOST":          host,
		"GCE_METADATA_HOST":              strings.TrimPrefix(metadata.URL, "http://"),
		"GOOGLE_APPLICATION_CREDENTIALS": "/nonexistent/credentials.json",
	} {
		if err := os.Setenv(k, v); err != nil {
			log.Fatal(err)
		}
	}
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	front.CloseClientConnections()
	front.Close()
	gcs.server.Stop()
	metadata.Close()
	if n := asked.Load(); n > 0 {
		log.Printf("the client asked for credentials %d times", n)
		return 1
	}
	if err := goleak.Find(goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start")); err != nil && code == 0 {
		log.Print(err)
		return 1
	}
	return code
}

var buckets atomic.Int64

// newBucket makes an empty bucket and returns its name.
func newBucket() string {
	name := fmt.Sprintf("bucket-%d", buckets.Add(1))
	gcs.server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: name})
	return name
}

func open(t testing.TB, url string) *bucket.Bucket {
	t.Helper()
	b, err := bucket.Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}
