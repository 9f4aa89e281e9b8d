package pluginhost

import (
	"math/rand/v2"
	"slices"
	"time"
)

// failures is how often a plugin's processes failed of late. It decides when
// the next is started, and when no more are.
type failures struct {
	timing Timing
	row    int         // since the last process that was healthy for long
	recent []time.Time // within Timing.Within
}

// healthy forgets the row: a process has run for Timing.Healthy.
func (f *failures) healthy() { f.row = 0 }

// forget begins anew: with another binary, or by order of a person.
func (f *failures) forget() { f.row, f.recent = 0, nil }

// add counts one, and gives the pause before the next start, or that there is
// none: quarantine.
func (f *failures) add(now time.Time) (pause time.Duration, quarantine bool) {
	f.recent = slices.DeleteFunc(f.recent, func(at time.Time) bool { return now.Sub(at) >= f.timing.Within })
	f.recent = append(f.recent, now)
	pause = backoff(f.row, f.timing)
	f.row++
	return pause, len(f.recent) >= f.timing.Failures
}

// backoff is the pause before the next start after so many failures: none after
// the first, then anything up to a limit that doubles. Plugins that fail for a
// common reason do not come back in step.
func backoff(failures int, t Timing) time.Duration {
	if failures == 0 {
		return 0
	}
	most := t.MaxBackoff
	if doublings := failures - 1; doublings < 30 {
		most = min(most, t.Backoff<<doublings)
	}
	return rand.N(most + 1) //nolint:gosec // Nothing depends on it being unforeseeable.
}
