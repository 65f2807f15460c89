package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/semver"
)

// source is the commit that is built.
type source struct {
	dir     string
	commit  string // in full
	time    int64  // of the commit, in seconds since 1970
	tag     string // of a release; empty for anything else
	version string
	dirty   bool // there are changes that the commit has not
}

// describe finds out what the checkout in dir is. A version is the commit's tag,
// such as v1.2.3; between releases the last tag, how many commits there are since,
// and this one, such as v1.2.3-4-g0123456789ab; with -dirty where there are changes.
func describe(ctx context.Context, dir string) (s source, err error) {
	s.dir = dir
	if s.commit, err = git(ctx, dir, "rev-parse", "HEAD"); err != nil {
		return s, err
	}
	at, err := git(ctx, dir, "log", "-1", "--format=%ct")
	if err != nil {
		return s, err
	}
	if s.time, err = strconv.ParseInt(at, 10, 64); err != nil {
		return s, err
	}
	changes, err := git(ctx, dir, "status", "--porcelain")
	if err != nil {
		return s, err
	}
	if s.dirty = changes != ""; !s.dirty {
		if s.tag, err = releaseTag(ctx, dir); err != nil {
			return s, err
		}
	}
	if s.version = s.tag; s.version == "" {
		s.version, err = between(ctx, s)
	}
	return s, err
}

// releaseTag returns the tag of HEAD that is a version: of several the one that the
// workflow runs for, or the highest.
func releaseTag(ctx context.Context, dir string) (string, error) {
	list, err := git(ctx, dir, "tag", "--points-at", "HEAD")
	if err != nil {
		return "", err
	}
	tags := slices.DeleteFunc(strings.Fields(list), func(t string) bool { return semver.Canonical(t) != t })
	// docs.github.com/en/actions/reference/workflows-and-actions/variables
	if os.Getenv("GITHUB_REF_TYPE") == "tag" {
		wanted := os.Getenv("GITHUB_REF_NAME")
		if !slices.Contains(tags, wanted) {
			return "", fmt.Errorf("the tag %q is no version such as v1.2.3 of the commit that is checked out", wanted)
		}
		return wanted, nil
	}
	if len(tags) == 0 {
		return "", nil
	}
	return slices.MaxFunc(tags, semver.Compare), nil
}

// between returns the version of a commit that is no release. How much of a hash is
// unique differs from one clone to the next, so its length is given.
func between(ctx context.Context, s source) (version string, err error) {
	version, err = git(ctx, s.dir, "describe", "--tags", "--long", "--abbrev=12", "--match=v[0-9]*")
	if err != nil { // there is no tag yet
		count, err := git(ctx, s.dir, "rev-list", "--count", "HEAD")
		if err != nil {
			return "", err
		}
		version = "v0.0.0-" + count + "-g" + s.commit[:12]
	}
	if s.dirty {
		version += "-dirty"
	}
	return version, nil
}

func git(ctx context.Context, dir string, args ...string) (string, error) {
	return output(ctx, dir, nil, "git", args...)
}

// output runs a program in dir, with env over the environment, and returns what it
// prints.
func output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stderr, cmd.Env = dir, &stderr, append(os.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, args[0], err, stderr.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}
