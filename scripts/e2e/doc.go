// Package e2e tests the functions against real servers, those that are too
// heavy for the product's own go.mod: here fake-gcs-server, reached by Google's
// own client as gs://; below, an S3 server and an HTTP Event Collector. Run them
// with go test ./...
package e2e
