//go:build !race

package sls_test

const consumerShards = 4
