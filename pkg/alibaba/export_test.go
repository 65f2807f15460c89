package alibaba

import (
	"net/http"
	"testing"
)

// AskMetadata has a test answer for the metadata server.
func AskMetadata(t *testing.T, transport http.RoundTripper) {
	t.Helper()
	before := metadataClient
	metadataClient = &http.Client{Transport: transport}
	t.Cleanup(func() { metadataClient = before })
}
