//go:build race

package sls_test

// consumerShards is 1 under the race detector: the SDK's client sets itself up
// without a lock when its shard goroutines first call it (client.go,
// initHttpClient), and the detector rightly objects.
const consumerShards = 1
