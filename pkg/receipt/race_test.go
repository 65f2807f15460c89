//go:build race

package receipt_test

// scale divides the sizes of tests that are about volume: the race detector takes
// ten times as long over each receipt, and finds nothing more in many than in some.
const scale = 10
