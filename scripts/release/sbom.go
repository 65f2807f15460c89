package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// sbomFile says which modules are in which archive, in CycloneDX's format
// (cyclonedx.org/docs/1.6/json).
const sbomFile = "sbom.cdx.json"

// ownModule is the module that is released.
const ownModule = "github.com/siemfeed/siemfeed"

// roots has the certificates that are in images beside the program.
const roots = "golang.org/x/crypto/x509roots/fallback"

// writeSBOM writes what is in the archives into dir.
func writeSBOM(ctx context.Context, s source, dir string, archives []archive) error {
	var every [][]module
	for i, a := range archives {
		if a.image != nil {
			m, err := rootsModule(s)
			if err != nil {
				return err
			}
			archives[i].modules = union(a.modules, []module{m})
		}
		every = append(every, archives[i].modules)
	}
	modules := union(every...)
	licenses, err := licensesOf(ctx, s, modules)
	if err != nil {
		return err
	}
	bom := cdx.NewBOM()
	own := cdx.Component{
		BOMRef: ref(module{path: ownModule, version: s.version}), Type: cdx.ComponentTypeApplication,
		Name: ownModule, Version: s.version, PackageURL: ref(module{path: ownModule, version: s.version}),
		Licenses: concluded([]string{"Apache-2.0"}),
	}
	bom.Metadata = &cdx.Metadata{Timestamp: time.Unix(s.time, 0).UTC().Format(time.RFC3339), Component: &own}
	var components []cdx.Component
	var dependencies []cdx.Dependency
	var refs []string
	for _, a := range archives {
		c, err := archiveComponent(dir, a, s.version)
		if err != nil {
			return err
		}
		components = append(components, c)
		refs = append(refs, c.BOMRef)
		dependencies = append(dependencies, cdx.Dependency{Ref: c.BOMRef, Dependencies: refsOf(a.modules)})
	}
	for _, m := range modules {
		c, err := moduleComponent(m, licenses[m.path])
		if err != nil {
			return err
		}
		components = append(components, c)
	}
	dependencies = append([]cdx.Dependency{{Ref: own.BOMRef, Dependencies: &refs}}, dependencies...)
	bom.Components, bom.Dependencies = &components, &dependencies
	f, err := os.Create(filepath.Join(dir, sbomFile))
	if err != nil {
		return err
	}
	return errors.Join(cdx.NewBOMEncoder(f, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cdx.SpecVersion1_6), f.Close())
}

func archiveComponent(dir string, a archive, version string) (cdx.Component, error) {
	sum, err := fileSum(filepath.Join(dir, a.name))
	if err != nil {
		return cdx.Component{}, err
	}
	c := cdx.Component{
		BOMRef: "file:" + a.name, Type: cdx.ComponentTypeFile, Name: a.name, Version: version,
		Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: sum}}, Licenses: concluded([]string{"Apache-2.0"}),
	}
	if a.image != nil {
		c.Type = cdx.ComponentTypeContainer
		c.Properties = &[]cdx.Property{{Name: "siemfeed:image:digest", Value: a.image.digest.String()}}
	}
	return c, nil
}

func moduleComponent(m module, licenses []string) (cdx.Component, error) {
	c := cdx.Component{
		BOMRef: ref(m), Type: cdx.ComponentTypeLibrary, Name: m.path, Version: m.version, PackageURL: ref(m),
		Scope: cdx.ScopeRequired, Licenses: concluded(licenses),
	}
	if m.sum == "" {
		return c, nil
	}
	// A SHA-256 of the list of the module's files with theirs
	// (go.dev/ref/mod, "go.sum files").
	sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.sum, "h1:"))
	if err != nil {
		return c, fmt.Errorf("%s: %w", m.path, err)
	}
	c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum)}}
	return c, nil
}

// concluded returns licences by their SPDX identifiers; nil where none is known.
func concluded(ids []string) *cdx.Licenses {
	if len(ids) == 0 {
		return nil
	}
	var list cdx.Licenses
	for _, id := range ids {
		list = append(list, cdx.LicenseChoice{License: &cdx.License{ID: id, Acknowledgement: cdx.LicenseAcknowledgementConcluded}})
	}
	return &list
}

// ref is a module's package URL (github.com/package-url/purl-spec), which names it in
// the file, too.
func ref(m module) string {
	return "pkg:golang/" + m.path + "@" + strings.ReplaceAll(m.version, "+", "%2B")
}

func refsOf(modules []module) *[]string {
	list := []string{}
	for _, m := range modules {
		list = append(list, ref(m))
	}
	return &list
}

// rootsModule returns the module of the certificates, as the source asks for it.
func rootsModule(s source) (module, error) {
	mod, err := os.ReadFile(filepath.Join(s.dir, "go.mod"))
	if err != nil {
		return module{}, err
	}
	sum, err := os.ReadFile(filepath.Join(s.dir, "go.sum"))
	if err != nil {
		return module{}, err
	}
	list, err := modulesOfSource(mod, sum)
	if err != nil {
		return module{}, err
	}
	i := slices.IndexFunc(list, func(m module) bool { return m.path == roots })
	if i < 0 {
		return module{}, fmt.Errorf("go.mod does not ask for %s", roots)
	}
	return list[i], nil
}
