package charge_test

import (
	"maps"
	"slices"
	"time"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/shared/payment"
)

// history is what the world has handed over of a charge, kept beside it: what
// a state is held against. It knows nothing of how the charge reads it.
type history struct {
	// answers are what calls to charge came to; unknown where nobody came back.
	answers map[payment.Reference][]payment.Outcome
	// sights are what answers and queries showed of each transaction.
	sights map[payment.TransactionID][]payment.Transaction
	// looks are the queries by reference.
	looks []charge.Look
	// since is how many looks there were when an attempt was started.
	since     map[payment.Reference]int
	releases  map[payment.TransactionID]bool // written down as about to be sent
	cancelled bool                           // the order
	refused   bool                           // for a fault of the set-up that nobody has mended in time
	foreign   map[payment.TransactionID]bool // not ours, though under our reference
	intruded  bool                           // one of those was shown
}

func newHistory() history {
	return history{
		answers: map[payment.Reference][]payment.Outcome{}, sights: map[payment.TransactionID][]payment.Transaction{},
		releases: map[payment.TransactionID]bool{}, foreign: map[payment.TransactionID]bool{},
		since: map[payment.Reference]int{},
	}
}

func (h *history) clone() history {
	c := history{answers: maps.Clone(h.answers), sights: maps.Clone(h.sights), looks: slices.Clone(h.looks), releases: maps.Clone(h.releases), cancelled: h.cancelled, refused: h.refused, foreign: h.foreign, since: maps.Clone(h.since), intruded: h.intruded}
	for r, list := range c.answers {
		c.answers[r] = slices.Clone(list)
	}
	for id, list := range c.sights {
		c.sights[id] = slices.Clone(list)
	}
	return c
}

func (h *history) answer(r payment.Reference, o payment.Outcome, t *payment.Transaction) {
	h.answers[r] = append(h.answers[r], o)
	if t != nil {
		h.sights[t.ID] = append(h.sights[t.ID], *t)
	}
}

func (h *history) look(l charge.Look) {
	if len(l.References) > 0 {
		h.looks = append(h.looks, l)
	}
	for _, t := range l.Found {
		if h.foreign[t.ID] {
			h.intruded = true // and tells nothing of what is ours
			continue
		}
		h.sights[t.ID] = append(h.sights[t.ID], t)
	}
}

// saw reports whether a transaction was ever shown that way.
func (h *history) saw(id payment.TransactionID, is func(payment.Transaction) bool) bool {
	return slices.ContainsFunc(h.sights[id], is)
}

// showed reports whether anything was ever shown under a reference that way.
func (h *history) showed(r payment.Reference, is func(payment.Transaction) bool) bool {
	for _, list := range h.sights {
		if slices.ContainsFunc(list, func(t payment.Transaction) bool { return t.Reference == r && is(t) }) {
			return true
		}
	}
	return false
}

// came reports whether a call under that reference came to an outcome, by its
// answer or by what was shown later.
func (h *history) came(r payment.Reference, o payment.Outcome) bool {
	return slices.Contains(h.answers[r], o) || h.showed(r, func(t payment.Transaction) bool { return t.Outcome == o })
}

// known reports whether a call's outcome is known at all.
func (h *history) known(r payment.Reference) bool {
	return slices.ContainsFunc(h.answers[r], payment.Outcome.Known) ||
		h.showed(r, func(t payment.Transaction) bool { return t.Outcome.Known() })
}

// absent reports whether nothing was shown under an attempt's reference for as
// long as the clocks want it, by queries that could be believed.
func (h *history) absent(a charge.Attempt, clocks charge.Clocks) bool {
	need := clocks.AbsenceRecorded
	if a.Settle == payment.SettleAtOnce {
		need = clocks.AbsenceAtOnce
	}
	empty := 0
	var first time.Time
	for _, l := range h.looks[h.since[a.Reference]:] {
		switch {
		case !slices.Contains(l.References, a.Reference):
		case slices.ContainsFunc(l.Found, func(t payment.Transaction) bool { return t.Reference == a.Reference }):
			empty = 0
		case l.Control && !l.At.Before(a.SendBefore.Add(clocks.AnswerLimit)):
			if empty == 0 {
				first = l.At
			}
			if empty++; empty >= clocks.MinLooks && l.At.Sub(first) >= need {
				return true
			}
		}
	}
	return false
}

// watched reports whether an attempt's reference was asked for once more at the
// end of its watch.
func (h *history) watched(a charge.Attempt, clocks charge.Clocks) bool {
	return slices.ContainsFunc(h.looks, func(l charge.Look) bool {
		return slices.Contains(l.References, a.Reference) && !l.At.Before(a.SendBefore.Add(clocks.WatchAfter))
	})
}
