//go:build !race

package alitags_test

// raced says that the race detector is at work, which takes ten times as long.
const raced = false
