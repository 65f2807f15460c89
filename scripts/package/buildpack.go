package main

import (
	"bytes"
	"context"
	"text/template"

	// The program that the buildpack generates imports it: go.mod has to hold, at
	// versions that were tried, what that needs.
	_ "github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
)

// The flags that a build of a function should have. The tag leaves out gRPC's
// balancers for Google's own network, which cloud.google.com/go/storage brings
// along for a client that the functions do not use: a third of the binary
// (cloud.google.com/go/storage, doc.go). There is no way to say so in code.
const (
	buildFlags = "-tags=disable_grpc_modules"
	linkFlags  = "-s -w"
)

// shim is the package at the root of the archive. What it looks like is laid
// down by the buildpack (GoogleCloudPlatform/buildpacks,
// cmd/go/functions_framework): not main, and importing the framework's package
// functions itself. Without that import the buildpack takes the entry point for
// the name of a Go function and generates a program that does not compile.
var shim = template.Must(template.New("function.go").Parse(`// Package function registers {{.Name}} with functions-framework-go.
package function

import (
	// What the program imports that the buildpack generates: kept in go.mod.
	_ "github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	// Tells the buildpack that this package registers the function itself.
	_ "github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"{{.Module}}/functions/{{.Name}}"
	"{{.Module}}/pkg/serve"
)

func init() { serve.Register("{{.Name}}", {{.Name}}.New) }
`))

// descriptor sets the build's variables where the project descriptor is read:
// by pack, and by Cloud Build (docs.cloud.google.com/docs/buildpacks,
// "Set environment variables to configure builds").
const descriptor = `[[build.env]]
name = "GOFLAGS"
value = "` + buildFlags + `"

[[build.env]]
name = "GOOGLE_GOLDFLAGS"
value = "` + linkFlags + `"
`

// buildpackSource returns a zip archive that Google's Go buildpack builds into
// the function called name.
func buildpackSource(ctx context.Context, m module, name string, _ []platform) ([]byte, error) {
	if err := m.checkFunction(name); err != nil {
		return nil, err
	}
	files, err := m.closure(ctx, "./functions/"+name, "./pkg/serve")
	if err != nil {
		return nil, err
	}
	var root bytes.Buffer
	if err := shim.Execute(&root, map[string]string{"Module": m.Path, "Name": name}); err != nil {
		return nil, err
	}
	license, err := m.read("LICENSE")
	if err != nil {
		return nil, err
	}
	files = append(files, license,
		file{name: "function.go", data: root.Bytes()},
		file{name: "project.toml", data: []byte(descriptor)},
	)
	if m.version != "" {
		files = append(files, m.stampFile())
	}
	if files, err = m.tidy(ctx, files); err != nil {
		return nil, err
	}
	return zipArchive(files, m.time)
}
