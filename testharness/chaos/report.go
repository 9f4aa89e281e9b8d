package chaos

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/verdict"
)

// Summary is the last line of a run.
type Summary struct {
	Orders       int  `json:"orders"` // accepted
	Kills        int  `json:"kills"`  // with SIGKILL
	Faults       int  `json:"faults"` // requests that the gateway treated badly
	Unknowns     int  `json:"unknowns"`
	ChargedTwice int  `json:"charged_twice"`
	Lost         int  `json:"lost"`
	Stuck        int  `json:"stuck"`
	Matches      bool `json:"ledger_matches_gateway"`
}

// String is the summary as JSON.
func (s Summary) String() string {
	b, err := json.Marshal(s)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Times are how long something took, in seconds.
type Times struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50_s"`
	P99   float64 `json:"p99_s"`
	Max   float64 `json:"max_s"`
}

func timesOf(list []time.Duration) Times {
	if len(list) == 0 {
		return Times{}
	}
	slices.Sort(list)
	at := func(q float64) float64 { return list[min(int(q*float64(len(list))), len(list)-1)].Seconds() }
	return Times{Count: len(list), P50: at(0.5), P99: at(0.99), Max: list[len(list)-1].Seconds()}
}

// Report is what came of a run. Times count from its beginning.
type Report struct {
	Summary

	Good bool `json:"good"`
	// Wrong tells each thing that must not be.
	Wrong []string `json:"wrong"`

	Seed uint64        `json:"seed"`
	Size Size          `json:"size"`
	Took time.Duration `json:"took"`
	// Calm is when chaos ended, and the dust began to settle.
	Calm time.Duration `json:"calm"`

	Requests    int            `json:"requests"` // of the platform, those sent again included
	Steps       map[Kind]int   `json:"steps"`
	KillsOf     map[string]int `json:"kills_of"`
	FaultsOf    map[string]int `json:"faults_of"`
	ResolvedBy  map[string]int `json:"resolved_by"` // how unknowns ended
	States      map[string]int `json:"states"`
	Cases       map[string]int `json:"cases"` // what stands with a person
	NeedsPerson int            `json:"needs_person"`
	// Recover is how long killed processes took until they could work again: a
	// plugin from its kill, the others from their new start.
	Recover  map[string]Times `json:"recover"`
	Doubt    Times            `json:"doubt"`    // how long unknowns lasted
	Answered Times            `json:"answered"` // from an order's turn until it was accepted
	// Quarantines are those of plugins that an operator ended; Missed the steps
	// that found nothing to act on.
	Quarantines int               `json:"quarantines"`
	Missed      int               `json:"missed"`
	NotDone     map[string]string `json:"not_done"` // what this machine could not do, and why
	Troubles    map[string]int    `json:"troubles"`

	// PutBack is nil if the database was not put back.
	PutBack *PutBack `json:"put_back,omitempty"`

	Done []Done `json:"done"`
	// Seconds is what went on in each second.
	Seconds []Second `json:"seconds"`
}

// Second is one second of a run.
type Second struct {
	Accepted   int `json:"accepted"`   // orders
	Authorised int `json:"authorised"` // charges, for the first time
	Doubt      int `json:"doubt"`      // charges that were unknown at its end
}

func (w *world) report(v verdict.Verdict, books verdict.Books, calm time.Duration) *Report {
	d := w.diary
	d.mu.Lock()
	defer d.mu.Unlock()
	r := &Report{
		Summary: Summary{Orders: v.Orders, ChargedTwice: v.ChargedTwice, Lost: v.Lost, Stuck: v.Stuck, Matches: v.Matches},
		Wrong:   append(slices.Clone(d.wrong), v.Faults...), Seed: w.plan.Seed, Size: w.plan.Size, Took: time.Since(d.began), Calm: calm,
		Requests: d.posts, Steps: map[Kind]int{}, KillsOf: map[string]int{}, FaultsOf: d.faults, ResolvedBy: map[string]int{},
		States: map[string]int{}, Cases: map[string]int{}, NeedsPerson: v.NeedsPerson, Recover: map[string]Times{}, NotDone: d.notDone,
		Troubles: d.troubles, Done: d.done, Quarantines: d.quarantines, Missed: d.unskilful, PutBack: d.putBack,
	}
	for _, n := range d.faults {
		r.Faults += n
	}
	for _, s := range d.done {
		r.Steps[s.Kind]++
		if s.Kind == KindKill {
			r.Kills++
			r.KillsOf[part(s.Target)]++
		}
	}
	took := map[string][]time.Duration{}
	for _, rec := range d.recovers {
		took[part(rec.Name)] = append(took[part(rec.Name)], rec.Took)
	}
	for name, list := range took {
		r.Recover[name] = timesOf(list)
	}
	r.Seconds = make([]Second, int(r.Took/time.Second)+1)
	var answered []time.Duration
	due := map[int]time.Duration{}
	for _, p := range w.plan.Posts {
		for _, o := range p.Orders {
			due[o.Number] = p.At
		}
	}
	for _, a := range d.accepted {
		r.second(a.at).Accepted++
		answered = append(answered, a.at-due[a.order.Number])
	}
	r.Answered = timesOf(answered)
	if missing := w.plan.Size.Orders + len(w.shops) - len(d.accepted); missing > 0 {
		r.Wrong = append(r.Wrong, plural(missing, "order was", "orders were")+" never accepted")
	}
	r.stories(books.Charges, d.began)
	for name, n := range r.Cases {
		if name != doubtTooLong {
			r.Wrong = append(r.Wrong, fmt.Sprintf("%s left to a person with the case %s, which nothing in this run calls for", plural(n, "charge was", "charges were"), name))
		}
	}
	slices.Sort(r.Wrong)
	r.Good = len(r.Wrong) == 0
	return r
}

// doubtTooLong is the one case that a run may leave to a person: of what the
// gateway itself never decides.
const doubtTooLong = "doubt_too_long"

// part is the sort of process that a name stands for.
func part(target string) string {
	name, _, _ := strings.Cut(target, "-")
	return name
}

func (r *Report) second(at time.Duration) *Second {
	return &r.Seconds[min(max(int(at/time.Second), 0), len(r.Seconds)-1)]
}

// stories reads what became of each charge, doubt above all.
func (r *Report) stories(charges []client.Detail, began time.Time) {
	var lasted []time.Duration
	for _, c := range charges {
		r.States[c.State]++
		if c.NeedsPerson != nil {
			r.Cases[c.Case()]++
		}
		var since time.Time
		doubt := func(until time.Time) {
			for s := since.Sub(began).Truncate(time.Second); s < until.Sub(began); s += time.Second {
				if s >= 0 && s < r.Took {
					r.second(s).Doubt++
				}
			}
		}
		authorised := false
		for _, e := range c.Story {
			switch {
			case e.State == "unknown" && since.IsZero():
				since = e.At
				r.Unknowns++
			case e.State != "unknown" && !since.IsZero():
				r.ResolvedBy[resolution(e)]++
				lasted = append(lasted, e.At.Sub(since))
				doubt(e.At)
				since = time.Time{}
			}
			if !authorised && (e.State == "authorised" || e.State == "releasing" || e.State == "released") {
				authorised = true
				r.second(e.At.Sub(began)).Authorised++
			}
		}
		if !since.IsZero() {
			r.ResolvedBy["still with a person"]++
			doubt(began.Add(r.Took))
		}
	}
	r.Doubt = timesOf(lasted)
}

// resolution says how a doubt ended.
func resolution(e client.Event) string {
	switch {
	case e.Class == "decision", e.State == "cancelling", e.State == "cancelled":
		return "cancelled meanwhile"
	case e.Class == "answer":
		return "the answer came after all"
	}
	switch e.State {
	case "authorised", "releasing", "released", "settled", "held":
		return "found at the gateway, and kept"
	case "declined":
		return "found declined"
	case "waiting", "planned":
		return "absent for long enough, and tried again"
	}
	return e.Class + ", then " + e.State
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
