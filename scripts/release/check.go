package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// place is where a build is made: what differs from machine to machine, and must not
// show.
type place struct {
	dir   string // below that of the check
	umask string
	env   []string
	mtime time.Time // of the source
}

var places = []place{
	{"a", "022", []string{"TZ=UTC", "LC_ALL=C"}, time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)},
	{"another/of a longer name", "077", []string{"TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "GOFLAGS=-tags=purego", "GOAMD64=v3"}, time.Now()},
}

// check builds the commit in two fresh clones, or in one beside the release in o.with,
// and tells every file that differs.
func check(ctx context.Context, o options, out io.Writer) (err error) {
	s, err := describe(ctx, o.source)
	if err != nil {
		return err
	}
	if s.dirty {
		return errors.New("there are changes that no commit has: a clone would not have them")
	}
	tmp, err := os.MkdirTemp("", "release-check-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	var built []string
	if o.with != "" {
		built = append(built, o.with)
	}
	for i := len(places) - 1; len(built) < 2; i-- {
		dist, err := buildAt(ctx, o, tmp, places[i])
		if err != nil {
			return fmt.Errorf("build in %q: %w", places[i].dir, err)
		}
		built = append(built, dist)
	}
	n, err := compare(built[0], built[1])
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "siemfeed %s: two builds gave the same %d files\n", s.version, n)
	return err
}

// buildAt builds in a clone of its own, by a process of its own, and returns where.
func buildAt(ctx context.Context, o options, tmp string, p place) (string, error) {
	source, err := filepath.Abs(o.source)
	if err != nil {
		return "", err
	}
	clone := filepath.Join(tmp, p.dir, "source")
	if _, err := git(ctx, source, "clone", "--quiet", source, clone); err != nil {
		return "", err
	}
	if err := touch(clone, p.mtime); err != nil {
		return "", err
	}
	own := filepath.Join(tmp, p.dir, "tmp")
	if err := os.Mkdir(own, 0o755); err != nil {
		return "", err
	}
	env := slices.Concat(p.env, []string{"TMPDIR=" + own})
	if o.cold {
		env = append(env, "GOCACHE="+filepath.Join(tmp, p.dir, "cache"))
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	dist := filepath.Join(clone, "dist")
	args := []string{"-c", `umask "$0"; exec "$@"`, p.umask, self, "build", "-source", clone, "-dist", dist, "-functions", o.functions, "-platforms", o.platforms}
	if o.key != "" {
		key, err := filepath.Abs(o.key)
		if err != nil {
			return "", err
		}
		args = append(args, "-key", key)
	}
	_, err = output(ctx, clone, env, "sh", args...)
	return dist, err
}

// touch gives the files of a source a time.
func touch(dir string, at time.Time) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	return fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Name() == ".git":
			return fs.SkipDir
		}
		return root.Chtimes(path, at, at)
	})
}

// compare tells whether the releases in two folders have the same bytes in the same
// files, and how many they are. Files of no release do not count.
func compare(a, b string) (int, error) {
	names := append(releaseFiles(a), releaseFiles(b)...)
	slices.Sort(names)
	names = slices.Compact(names)
	var differ []string
	for _, name := range names {
		one, err := fileSum(filepath.Join(a, name))
		if err != nil {
			return 0, err
		}
		other, err := fileSum(filepath.Join(b, name))
		if err != nil {
			return 0, err
		}
		if one != other {
			differ = append(differ, name)
		}
	}
	switch {
	case len(names) == 0:
		return 0, errors.New("nothing was built")
	case differ != nil:
		return 0, fmt.Errorf("two builds of one commit differ in %s", strings.Join(differ, ", "))
	}
	return len(names), nil
}
