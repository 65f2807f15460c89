//go:build !race

package gunzipcsv_test

const scale = 1
