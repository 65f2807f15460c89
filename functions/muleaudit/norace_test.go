//go:build !race

package muleaudit_test

const scale = 1
