package main

import (
	"reflect"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/functions/muleaudit"
	"github.com/siemfeed/siemfeed/functions/slshec"
	"github.com/siemfeed/siemfeed/functions/trailtags"
	"github.com/siemfeed/siemfeed/pkg/prune"
)

// Each function keeps proof, so each can be pruned, by a command of its name.
func TestEveryFunctionCanBePruned(t *testing.T) {
	pruners := map[string]prune.Pruner{
		"muleaudit": (*muleaudit.Function)(nil), "gunzipcsv": (*gunzipcsv.Function)(nil),
		"slshec": (*slshec.Function)(nil), "trailtags": (*trailtags.Function)(nil),
	}
	commands := map[string]bool{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[pruneCmd]()) {
		commands[strings.ToLower(f.Name)] = true
	}
	for name := range functions {
		if pruners[string(name)] == nil || !commands[string(name)] {
			t.Errorf("%s cannot be pruned", name)
		}
	}
}
