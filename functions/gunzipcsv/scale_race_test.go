//go:build race

package gunzipcsv_test

// scale divides the sizes of tests that are about numbers: the race detector takes
// several times as long over each object, and finds nothing more in many than in
// some.
const scale = 10
