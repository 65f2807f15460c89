// Package e2e tests the functions against real servers, those that are too
// heavy for the product's own go.mod: so far fake-gcs-server, reached by
// Google's own client as gs://. Run it here, with go test ./...
package e2e
