//go:build race

package report_test

// raceDetector makes work slower by a multiple.
const raceDetector = true
