package gateway

import "time"

// maxSpeed is more than a day in a second.
const maxSpeed = 100_000

// faster is a clock that runs that much faster than another, from now on.
func faster(now func() time.Time, speed float64) func() time.Time {
	began := now()
	return func() time.Time { return began.Add(time.Duration(float64(now().Sub(began)) * speed)) }
}

// showed takes in a time that the settlement clock has shown. g.mu is held.
func (g *Gateway) showed(at time.Time) {
	if at.After(g.latest) {
		g.latest = at
	}
}
