// Package version names the release that a binary was built from.
package version

import (
	"runtime/debug"
	"sync"
)

// stamped is set by the linker, for builds outside a module's own repository:
// -ldflags "-X github.com/siemfeed/siemfeed/pkg/version.stamped=v1.2.3".
var stamped string

// String returns the release, such as v1.2.3; what the Go toolchain knows of
// the commit where no release was stamped; and "devel" where it knows nothing.
var String = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return from(stamped, nil)
	}
	return from(stamped, info)
})

func from(stamped string, info *debug.BuildInfo) string {
	if stamped != "" {
		return stamped
	}
	if info == nil {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	commit := set["vcs.revision"]
	if commit == "" {
		return "devel"
	}
	name := "devel-" + commit[:min(12, len(commit))]
	if set["vcs.modified"] == "true" {
		name += "-dirty"
	}
	return name
}
