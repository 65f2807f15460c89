//go:build race

package slshec_test

// scale divides the sizes of tests that are about numbers: the race detector
// makes the stand-in's JSON decoder ten times slower.
const scale = 10
