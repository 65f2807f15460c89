package gunzipcsv_test

import (
	"os"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

// asProcess makes the test binary the function's own server, for the tests that
// kill it.
func asProcess() bool {
	if os.Getenv("GUNZIPCSV_TEST_SERVE") == "" {
		return false
	}
	serve.Main("gunzipcsv", gunzipcsv.New)
	return true
}
