package charge

import "time"

// lookAt is when to ask next for references in doubt: soon after the doubt
// began, and from the moment on at which an empty answer counts, in steps that
// make the absence old enough with the last of the looks it takes.
func (d *deriver) lookAt() time.Time {
	var at time.Time
	for i := range d.c.Attempts {
		a := &d.c.Attempts[i]
		if !a.InDoubt() {
			continue
		}
		if t := d.lookAtFor(a); at.IsZero() || t.Before(at) {
			at = t
		}
	}
	return at
}

func (d *deriver) lookAtFor(a *Attempt) time.Time {
	clocks, last := d.f.Clocks, d.c.CheckedAt
	counts := a.countsFrom(clocks)
	for _, t := range []time.Time{a.AnsweredAt.Add(clocks.FirstLook), a.AnsweredAt.Add(4 * clocks.FirstLook)} {
		if t.After(last) && t.Before(counts) {
			return t
		}
	}
	if counts.After(last) {
		return counts
	}
	step := clocks.absence(a.Settle) / time.Duration(clocks.MinLooks-1)
	if a.Looks == 0 {
		// No absence ages: somebody else has to decide, or to mend something. The
		// longer that has taken, the less one more look brings.
		return latest(last.Add(step), d.seldom(counts))
	}
	return last.Add(step)
}

// seldom is when to try again what has not come to an end since then: news is
// noticed within a twentieth of the time that it has taken already.
func (d *deriver) seldom(since time.Time) time.Time {
	return d.c.CheckedAt.Add(min(d.c.CheckedAt.Sub(since)/20, d.f.Clocks.Follow))
}

// countsFrom is the moment from which an empty look may count: by then the
// request can't be under way any more.
func (a *Attempt) countsFrom(clocks Clocks) time.Time {
	return a.SendBefore.Add(clocks.AnswerLimit)
}

// watch schedules the last query of what is believed to have come to nothing.
func (d *deriver) watch() {
	if d.newest != nil && d.newest.Stage == StageStarted {
		return // its lease is what is due, and nothing before
	}
	for i := range d.c.Attempts {
		a := &d.c.Attempts[i]
		if a.Watched() {
			d.want(ActLook, latest(a.SendBefore.Add(d.f.Clocks.WatchAfter), d.c.CheckedAt.Add(d.f.Clocks.Backoff(d.c.Checks+1))))
		}
	}
}

// soon is now for a first try, and later after each that changed nothing.
func (d *deriver) soon() time.Time {
	if d.c.Checks == 0 {
		return d.c.CheckedAt
	}
	return d.c.CheckedAt.Add(d.f.Clocks.Backoff(d.c.Checks))
}

// want keeps the act that is due first.
func (d *deriver) want(a Act, at time.Time) {
	if d.v.Act == ActNone || len(d.v.Cancel) == 0 && at.Before(d.v.At) {
		d.v.Act, d.v.At = a, at
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
