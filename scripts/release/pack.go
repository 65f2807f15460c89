package main

import (
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// operator is the operator's command, which is packed beside the functions.
const operator = "siemfeed"

// pack has the archives written into dir.
func pack(ctx context.Context, s source, dir string, o options) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	names, err := wanted(s, o.functions)
	if err != nil {
		return err
	}
	i := slices.Index(names, operator)
	if i >= 0 {
		names = slices.Delete(names, i, i+1)
		if err := packFormats(ctx, s, dir, o.platforms, "oci,command", operator); err != nil {
			return err
		}
	}
	if len(names) == 0 {
		return nil
	}
	return packFormats(ctx, s, dir, o.platforms, "gcf,lambda,fc,oci", names...)
}

// packFormats runs scripts/package, which is the same program in every clone: compiled
// once.
func packFormats(ctx context.Context, s source, dir, platforms, formats string, names ...string) error {
	env := []string{"SOURCE_DATE_EPOCH=" + strconv.FormatInt(s.time, 10), "GOWORK=off", "GOFLAGS=-tags=disable_grpc_modules", "GOAMD64="}
	args := append([]string{"run", "-trimpath", "./scripts/package", "-version", s.version, "-platforms", platforms, "-format", formats, "-o", dir}, names...)
	_, err := output(ctx, s.dir, env, "go", args...)
	return err
}

// wanted returns the functions that list names, or without one all there are and the
// operator's command.
func wanted(s source, list string) ([]string, error) {
	if list != "" {
		return strings.Split(list, ","), nil
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "functions", "*", "function.go"))
	if err != nil {
		return nil, err
	}
	names := []string{operator}
	for _, f := range files {
		names = append(names, filepath.Base(filepath.Dir(f)))
	}
	return names, nil
}
