// Command muleaudit serves the muleaudit function over HTTP.
package main

import (
	"github.com/siemfeed/siemfeed/functions/muleaudit"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

func main() { serve.Main("muleaudit", muleaudit.New) }
