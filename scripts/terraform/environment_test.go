package main

import (
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/functions/muleaudit"
	"github.com/siemfeed/siemfeed/functions/slshec"
	"github.com/siemfeed/siemfeed/functions/trailtags"
	"github.com/siemfeed/siemfeed/pkg/config"
)

// server are the variables of every function's server.
var server = []string{"LOG_LEVEL", "GOOGLE_CLOUD_PROJECT", "PORT", "FUNCTION_TOKEN"}

// alibaba are the ways to Alibaba Cloud that a function has which does not go there.
var alibaba = names(config.Variables[config.Alibaba]())

// These lead a function to what a stack has not.
var (
	queues = []string{"CF_ACCOUNT_ID", "CF_QUEUE_ID", "CF_DEAD_QUEUE_ID", "CF_API_TOKEN", "CF_API_BASE_URL", "CF_API_INSECURE", "CF_VISIBILITY_TIMEOUT", "CF_RETRY_DELAY"}
	r2     = names(config.Variables[config.R2]())
)

// keys are ways to Alibaba Cloud besides the role that Google opens.
var keys = []string{"SLS_AK_ID", "SLS_AK_KEY", "SLS_SECURITY_TOKEN", "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN", "FC_FUNCTION_NAME", "ALIBABA_CLOUD_ECS_METADATA"}

// stacks says which function each stack configures, and which of its variables it
// leaves out on purpose.
var stacks = map[string]struct {
	config  any
	without map[string]string // why, by variable
	open    map[string]string // secrets that are set in the open, and why
}{
	"actiontrail-tags": {trailtags.Config{}, merged(
		because("the function is the role of its invocation", slices.DeleteFunc(slices.Clone(alibaba), func(v string) bool {
			return v == "STS_ENDPOINT" // is that of the member accounts' role, too
		})...),
		because("set by Function Compute", "PORT"),
		because("triggers of Function Compute bear no token", "FUNCTION_TOKEN"),
		because("it is triggered, and the default is a drain", "MODE"),
		because("Google Cloud only", "GOOGLE_CLOUD_PROJECT"),
	), because("Function Compute has no reference to a secret store", "RESOURCE_AK_KEY")},
	"mulesoft-to-secops": {muleaudit.Config{}, merged(
		because("nothing of it lies on Alibaba Cloud", alibaba...),
		because("set by Cloud Run", "PORT"),
		because("Cloud Run's IAM checks who calls", "FUNCTION_TOKEN"),
		because("OUTPUT_URL says the same", "GCS_BUCKET"),
	), nil},
	"r2-to-csv": {gunzipcsv.Config{}, merged(
		because("nothing of it lies on Alibaba Cloud", alibaba...),
		because("set by Cloud Run", "PORT"),
	), nil},
	"sls-to-splunk": {slshec.Config{}, merged(
		because("the function is a role by Google's identity tokens", keys...),
		because("set by Cloud Run", "PORT"),
		because("Cloud Run's IAM checks who calls", "FUNCTION_TOKEN"),
		because("a function has no files of its own", "HEC_CA_FILE"),
	), nil},
	"sls-to-splunk-fc": {slshec.Config{}, merged(
		because("the function is the role of its invocation", alibaba...),
		because("set by Function Compute", "PORT"),
		because("triggers of Function Compute bear no token", "FUNCTION_TOKEN"),
		because("it is triggered, and the default is a drain", "MODE"),
		because("Google Cloud only", "GOOGLE_CLOUD_PROJECT"),
		because("a function has no files of its own", "HEC_CA_FILE"),
	), because("Function Compute has no reference to a secret store", "HEC_TOKEN")},
	"s3-to-csv": {gunzipcsv.Config{}, merged(
		because("notices come by SQS", queues...),
		because("nothing of it lies on R2", r2...),
		because("nothing of it lies on Alibaba Cloud", alibaba...),
		because("Lambda serves no HTTP", "PORT", "FUNCTION_TOKEN"),
		because("Google Cloud only", "GOOGLE_CLOUD_PROJECT"),
	), nil},
}

// A stack sets, or lets its user set, what the function's configuration knows, and
// nothing else. Secrets go by Secret Manager only.
func TestEnvironmentIsWhatTheFunctionKnows(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join(root, "stacks", "*"))
	if err != nil || len(dirs) != len(stacks) {
		t.Fatalf("%v: %d stacks, and %d in the table", err, len(dirs), len(stacks))
	}
	for name, s := range stacks {
		t.Run(name, func(t *testing.T) {
			set := environmentOf(t, filepath.Join(root, "stacks", name))
			known := map[string]bool{}
			for _, v := range append(variables(reflect.TypeOf(s.config)), server...) {
				known[v] = true
			}
			for v := range s.without {
				switch {
				case !known[v]:
					t.Errorf("%s is left out, and %T does not know it", v, s.config)
				case set[v] != 0:
					t.Errorf("%s is left out, and set", v)
				}
				delete(known, v)
			}
			for v := range known {
				if set[v] == 0 {
					t.Errorf("%s is known to %T, and can be set neither by the stack nor in its settings", v, s.config)
				}
			}
			for v := range set {
				if !known[v] {
					t.Errorf("%s is set or may be set, and %T does not know it", v, s.config)
				}
			}
			for _, v := range append(secrets(reflect.TypeOf(s.config)), "FUNCTION_TOKEN") {
				if set[v] != 0 && set[v] != secret && s.open[v] == "" {
					t.Errorf("%s is a secret, and set in the open", v)
				}
			}
		})
	}
}

// How a variable is set.
const (
	open = iota + 1
	secret
)

var upper = regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$`)

// environmentOf collects the variables that a stack and its modules set: the keys
// in capitals of their objects, and what its variable settings lists.
func environmentOf(t *testing.T, dir string) map[string]int {
	t.Helper()
	all, err := loadAll(dir)
	if err != nil {
		t.Fatal(err)
	}
	set := map[string]int{}
	for _, c := range all {
		for _, b := range c.blocks {
			if b.Type != "variable" && b.Type != "output" && b.Type != "provider" {
				collect(b.Body, set)
			}
		}
	}
	settings := all[0].variable("settings")
	if settings == nil {
		t.Fatal("there is no variable settings")
	}
	for _, s := range literals(settings.Body) {
		if upper.MatchString(s) {
			set[s] = open
		}
	}
	return set
}

// collect notes the keys of the objects in body.
func collect(body *hclsyntax.Body, set map[string]int) {
	for name, a := range body.Attributes {
		how := open
		if name == "secrets" {
			how = secret
		}
		_ = hclsyntax.VisitAll(a.Expr, func(n hclsyntax.Node) hcl.Diagnostics {
			if object, ok := n.(*hclsyntax.ObjectConsExpr); ok {
				for _, item := range object.Items {
					key := hcl.ExprAsKeyword(item.KeyExpr)
					if s, ok := literal(item.KeyExpr); ok {
						key = s
					}
					if upper.MatchString(key) {
						set[key] = max(how, set[key])
					}
				}
			}
			return nil
		})
	}
	for _, b := range body.Blocks {
		if b.Type != "build_config" && b.Type != "provisioner" { // have variables of their own
			collect(b.Body, set)
		}
	}
}

// variables lists those of a configuration.
func variables(t reflect.Type) (out []string) {
	walk(t, func(name string, _ reflect.Type) { out = append(out, name) })
	return out
}

// secrets lists those of a configuration that are secret.
func secrets(t reflect.Type) (out []string) {
	walk(t, func(name string, field reflect.Type) {
		if field == reflect.TypeFor[config.Secret]() {
			out = append(out, name)
		}
	})
	return out
}

func walk(t reflect.Type, visit func(string, reflect.Type)) {
	for f := range fields(t) {
		if tag, ok := f.Tag.Lookup("env"); ok {
			name, _, _ := strings.Cut(tag, ",")
			visit(name, f.Type)
		} else if f.Anonymous {
			walk(f.Type, visit)
		}
	}
}

func fields(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

func names(all []config.Variable) (out []string) {
	for _, v := range all {
		out = append(out, v.Name)
	}
	return out
}

func because(why string, all ...string) map[string]string {
	out := map[string]string{}
	for _, v := range all {
		out[v] = why
	}
	return out
}

func merged(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range all {
		maps.Copy(out, m)
	}
	return out
}

// What is read of the code is what is in it.
func TestEnvironmentIsRead(t *testing.T) {
	set := environmentOf(t, filepath.Join(root, "stacks", "mulesoft-to-secops"))
	for v, how := range map[string]int{"OUTPUT_URL": open, "RUN_TIMEOUT": open, "MULE_SLICE": open, "CLIENT_SECRET": secret} {
		if set[v] != how {
			t.Errorf("%s: %d, want %d", v, set[v], how)
		}
	}
	if all := slices.Sorted(maps.Keys(set)); slices.Contains(all, "GOFLAGS") {
		t.Error("variables of the build count as the function's")
	}
}
