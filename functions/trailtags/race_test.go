//go:build race

package trailtags_test

// scale divides how much a test does: the race detector takes ten times as long.
const scale = 10
