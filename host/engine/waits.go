package engine

import (
	"slices"
	"sync"

	"github.com/chargehand/chargehand/host/charge"
)

// waits lets callers wait until a charge has more than "wait" to say. It
// hears of this host's commits alone: whoever waits for another's runs into
// the end of its own patience, and reads.
type waits struct {
	mu sync.Mutex
	on map[charge.ID][]chan *charge.Charge
}

func newWaits() *waits { return &waits{on: map[charge.ID][]chan *charge.Charge{}} }

func (w *waits) tell(c *charge.Charge) {
	if !c.Told() {
		return
	}
	w.mu.Lock()
	chans := w.on[c.ID]
	delete(w.on, c.ID)
	w.mu.Unlock()
	for _, ch := range chans {
		ch <- c // has room for this one, and gets no other
	}
}

// Listen implements order.Engine.
func (e *Engine) Listen(cs []*charge.Charge) (wait func(until <-chan struct{}, now []*charge.Charge) []*charge.Charge) {
	chans := make([]chan *charge.Charge, len(cs))
	e.waits.mu.Lock()
	for i, c := range cs {
		chans[i] = make(chan *charge.Charge, 1)
		e.waits.on[c.ID] = append(e.waits.on[c.ID], chans[i])
	}
	e.waits.mu.Unlock()
	return func(until <-chan struct{}, now []*charge.Charge) []*charge.Charge {
		defer e.waits.forget(cs, chans)
		now = slices.Clone(now)
		for i, ch := range chans {
			if now[i].Told() {
				continue
			}
			select {
			case now[i] = <-ch:
			case <-until:
			case <-e.loops.Done():
			}
		}
		return now
	}
}

func (w *waits) forget(cs []*charge.Charge, chans []chan *charge.Charge) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, c := range cs {
		left := w.on[c.ID][:0]
		for _, ch := range w.on[c.ID] {
			if ch != chans[i] {
				left = append(left, ch)
			}
		}
		if len(left) == 0 {
			delete(w.on, c.ID)
		} else {
			w.on[c.ID] = left
		}
	}
}
