package engine

import (
	"sync"
	"time"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/shared/payment"
)

// sites gathers the charges that have something to ask or to tell their
// gateway, by site, so that one call serves many. What waits while a call is
// under way goes with the next: a lone charge never waits for company.
type sites struct {
	e  *Engine
	mu sync.Mutex
	of map[batchKey]*siteQueue
}

// batchKey names what can share a call: one company's credentials on one site.
type batchKey struct {
	plugin, fulfiller string
	place             charge.Place
}

type siteQueue struct {
	waiting []*charge.Charge
	workers int
}

// siteWorkers is how many batches of one site may be under way. More would
// not make the gateway quicker; fewer would let a slow answer hold up all.
const siteWorkers = 4

func newSites(e *Engine) *sites { return &sites{e: e, of: map[batchKey]*siteQueue{}} }

// add takes a charge that this host holds the lease of, to where the next act
// has to be done.
func (s *sites) add(c *charge.Charge) {
	f := s.e.facts(s.e.ctx, c)
	place := c.PlaceFor(charge.Derive(c, f), f.Now, f.Clocks)
	if place.Site == "" {
		return // nothing of it was ever sent anywhere
	}
	key := batchKey{c.Plugin, string(c.FulfillerID), place}
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.of[key]
	if q == nil {
		q = &siteQueue{}
		s.of[key] = q
	}
	q.waiting = append(q.waiting, c)
	// A second worker only starts once there is a full batch for it: a few
	// charges each in many calls would cost more than they gain.
	if q.workers == 0 || q.workers < siteWorkers && len(q.waiting) >= fullBatch {
		q.workers++
		s.e.work.Go(func() { s.run(key, q) })
	}
}

// fullBatch is about how many charges fill a query by reference.
const fullBatch = 32

func (s *sites) run(key batchKey, q *siteQueue) {
	for {
		s.mu.Lock()
		batch := takeBatch(q, s.e.cfg.Now())
		if len(batch) == 0 {
			q.workers--
			if q.workers == 0 {
				delete(s.of, key)
			}
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		s.e.visit(key, batch)
	}
}

// takeBatch takes as many charges as one query can ask about. A claim that has
// run out while it waited is dropped: it has come up again since, and with it a
// newer copy. Kept, such copies would make the queue longer than it can be worked off.
func takeBatch(q *siteQueue, now time.Time) []*charge.Charge {
	var batch []*charge.Charge
	lookups := 0
	for len(q.waiting) > 0 {
		c := q.waiting[0]
		if now.Before(c.LeaseUntil) {
			lookups += countLookups(c)
			if len(batch) > 0 && lookups > payment.MaxLookups {
				break
			}
			batch = append(batch, c)
		}
		q.waiting[0] = nil
		q.waiting = q.waiting[1:]
	}
	return batch
}
