//go:build race

package trailtags_test

<<<<<<< HEAD
// scale divides how much a test does: the race detector takes ten times as long.
const scale = 10
=======
// raced says that the race detector makes everything ten times slower.
const raced = true
>>>>>>> 38d3628 (Hold trailtags to its promises, and say how to run it)
