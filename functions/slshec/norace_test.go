//go:build !race

package slshec_test

const scale = 1
