package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"time"
)

// A program says in receipts, to servers and by --version which release it is of.
// Where scripts/package links it, the linker writes that; what Google's buildpack
// builds gets a file of source that does, as its linker's flags are the stack's.

// versions are what may be stamped: nothing that flags, source or a registry would
// take for something else.
var versions = regexp.MustCompile(`^v[0-9A-Za-z][0-9A-Za-z._-]*$`)

func checkVersion(version string) error {
	if version != "" && !versions.MatchString(version) {
		return fmt.Errorf("-version %q: want one such as v1.2.3", version)
	}
	return nil
}

// stampFlag is what the linker is told beside linkFlags.
func (m module) stampFlag() string {
	if m.version == "" {
		return ""
	}
	return " -X " + m.Path + "/pkg/version.stamped=" + m.version
}

// stampFile is the file that says the same in an archive of source.
func (m module) stampFile() file {
	return file{name: "pkg/version/stamped.go", data: fmt.Appendf(nil, "package version\n\nfunc init() { stamped = %q }\n", m.version)}
}

// archiveTime returns the time that files in archives have: epoch, or what
// SOURCE_DATE_EPOCH says (reproducible-builds.org/specs/source-date-epoch).
func archiveTime() (time.Time, error) {
	const variable = "SOURCE_DATE_EPOCH"
	text := os.Getenv(variable)
	if text == "" {
		return epoch, nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if at := time.Unix(seconds, 0).UTC(); err == nil && !at.Before(epoch) {
		return at, nil
	}
	return time.Time{}, fmt.Errorf("%s %q: want seconds since 1970, from 1980 on", variable, text)
}
