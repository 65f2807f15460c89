// Command gunzipcsv serves the gunzipcsv function.
package main

import (
	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

func main() { serve.Main("gunzipcsv", gunzipcsv.New) }
