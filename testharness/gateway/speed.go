package gateway

import (
	"sync"
	"time"
)

// maxSpeed is more than a day in a second.
const maxSpeed = 100_000

// faster is a clock that runs that much faster than another, from now on.
func faster(now func() time.Time, speed float64) func() time.Time {
	var mu sync.Mutex
	last := now()
	shown := last
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		// From reading to reading: a multiple of all that has passed would soon be
		// more than a Duration holds.
		at := now()
		shown = shown.Add(time.Duration(float64(at.Sub(last)) * speed))
		last = at
		return shown
	}
}

// showed takes in a time that the settlement clock has shown. g.mu is held.
func (g *Gateway) showed(at time.Time) {
	if at.After(g.latest) {
		g.latest = at
	}
}
