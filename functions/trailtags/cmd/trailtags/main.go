// Command trailtags serves the trailtags function over HTTP.
package main

import (
	"github.com/siemfeed/siemfeed/functions/trailtags"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

func main() { serve.Main("trailtags", trailtags.New) }
