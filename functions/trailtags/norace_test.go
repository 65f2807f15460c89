//go:build !race

package trailtags_test

const scale = 1
