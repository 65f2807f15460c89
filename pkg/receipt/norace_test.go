//go:build !race

package receipt_test

const scale = 1
