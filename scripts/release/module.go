package main

import (
	"bufio"
	"bytes"
	"cmp"
	"debug/buildinfo"
	"io"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// module is a Go module that is part of an archive.
type module struct {
	path, version string
	sum           string // as in go.sum: "h1:" and base64; empty for the standard library
}

// standard is what the standard library is called as a module.
const standard = "std"

// modulesOfProgram returns what the linker has written into a program about itself:
// every module that it has a package of, and the standard library.
func modulesOfProgram(r io.Reader) ([]module, error) {
	program, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return nil, err
	}
	list := []module{{path: standard, version: info.GoVersion}}
	for _, d := range info.Deps {
		if d.Replace != nil {
			d = d.Replace
		}
		list = append(list, module{d.Path, d.Version, d.Sum})
	}
	return list, nil
}

// modulesOfSource returns the modules that source asks for. Whoever builds it
// chooses the standard library.
func modulesOfSource(mod, sum []byte) ([]module, error) {
	f, err := modfile.Parse("go.mod", mod, nil)
	if err != nil {
		return nil, err
	}
	sums := map[[2]string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(sum)); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) == 3 {
			sums[[2]string(words)] = words[2]
		}
	}
	var list []module
	for _, r := range f.Require {
		list = append(list, module{r.Mod.Path, r.Mod.Version, sums[[2]string{r.Mod.Path, r.Mod.Version}]})
	}
	return list, nil
}

// union returns the modules of all lists, once each, by path.
func union(lists ...[]module) []module {
	all := slices.Concat(lists...)
	slices.SortFunc(all, func(a, b module) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.version, b.version), -cmp.Compare(a.sum, b.sum))
	})
	return slices.CompactFunc(all, func(a, b module) bool { return a.path == b.path && a.version == b.version })
}
