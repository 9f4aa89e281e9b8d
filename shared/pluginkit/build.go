package pluginkit

import "runtime/debug"

// build is which build of a plugin this is.
type build struct {
	version  string // set by the author; wins
	module   string // as the Go tool recorded it; fills in
	revision string
}

func readBuild(version string) build {
	b := build{version: version}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.module = info.Main.Version
	modified := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.revision = s.Value
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	if b.revision != "" && modified {
		b.revision += "-modified"
	}
	return b
}
