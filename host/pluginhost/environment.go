package pluginhost

import (
	"maps"
	"slices"
)

// passedOn are the variables that every plugin gets from the host's own
// environment: where it is, which authorities to trust, how to reach the
// network.
var passedOn = []string{"HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "TZ"}

// environment makes a plugin's whole environment, sorted. lookup is
// os.LookupEnv.
func environment(lookup func(string) (string, bool), manifest []string, configured, own map[string]string) []string {
	all := map[string]string{}
	for _, name := range slices.Concat(passedOn, manifest) {
		if value, ok := lookup(name); ok {
			all[name] = value
		}
	}
	maps.Copy(all, configured)
	maps.Copy(all, own)
	list := make([]string, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, name+"="+all[name])
	}
	return list
}
