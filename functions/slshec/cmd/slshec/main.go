// Command slshec serves the slshec function over HTTP.
package main

import (
	"github.com/siemfeed/siemfeed/functions/slshec"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

func main() { serve.Main("slshec", slshec.New) }
