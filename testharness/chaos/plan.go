package chaos

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Size is how much a plan holds.
type Size struct {
	Orders int `json:"orders"`
	// Kills is how many processes are killed with SIGKILL; the other things
	// that happen follow from it.
	Kills    int           `json:"kills"`
	Duration time.Duration `json:"duration"`
	Hosts    int           `json:"hosts"`
	Shops    int           `json:"shops"`
	// AtOnce: the first shop lets the gateway settle by itself. Absence takes six
	// times as long there.
	AtOnce bool `json:"at_once"`
	// Server: the database is a server of its own, which can be killed, too.
	Server bool `json:"server"`
	// FaultShare is the part of the orders whose first call to the gateway goes
	// wrong.
	FaultShare float64 `json:"fault_share"`
	// Scale is what the money clocks, and with them the gateway's lags, are
	// divided by.
	Scale float64 `json:"scale"`
	// PutBack: the database is copied on the way, and after chaos put back to
	// what it was then.
	PutBack bool `json:"put_back"`
}

// Kind is a sort of thing that happens.
type Kind string

// The kinds.
const (
	KindKill    Kind = "kill"    // SIGKILL
	KindStop    Kind = "stop"    // SIGSTOP, and SIGCONT after a while
	KindRestart Kind = "restart" // asked to end, and started again
	KindCut     Kind = "cut"     // connections are reset, new ones refused
	KindStall   Kind = "stall"   // connections carry nothing for a while
	KindSlow    Kind = "slow"    // connections carry everything late
	KindDeaf    Kind = "deaf"    // requests get through, answers are lost
	KindFill    Kind = "fill"    // the disk of the database is full
	KindSkew    Kind = "skew"    // a host runs with a clock that is wrong
	KindFault   Kind = "fault"   // the gateway misbehaves for a while
	KindCopy    Kind = "copy"    // the database is killed, its files copied, and it is started again
	KindPutBack Kind = "putback" // the database is replaced by that copy; follows the plan
)

// Step is one thing that happens.
type Step struct {
	At   time.Duration `json:"at"`
	For  time.Duration `json:"for,omitempty"` // until it is over, or until what was killed is started again
	Kind Kind          `json:"kind"`
	// Target is a process ("host-1", "plugin-1", "database", "gateway") or a
	// connection between two ("host-1/database").
	Target string        `json:"target"`
	Skew   time.Duration `json:"skew,omitempty"`
	Fault  string        `json:"fault,omitempty"` // one of windowFaults
}

// Post is one request of the platform: an order, or several as a batch.
type Post struct {
	At     time.Duration `json:"at"`
	Orders []Order       `json:"orders"`
	// Twice: it is posted twice at the same moment.
	Twice bool `json:"twice,omitempty"`
	// Wait: it asks for the decision, rather than for the receipt.
	Wait bool `json:"wait,omitempty"`
}

// Order is one order, in one shop.
type Order struct {
	Number int    `json:"number"`
	Shop   int    `json:"shop"`
	Minor  int64  `json:"minor"`
	Fault  string `json:"fault,omitempty"` // one of orderFaults
	// Cancel is how long after it was accepted it is cancelled; 0 for not at all.
	Cancel time.Duration `json:"cancel,omitempty"`
}

// Plan is everything that a run is to do, in the order of time.
type Plan struct {
	Seed  uint64 `json:"seed"`
	Size  Size   `json:"size"`
	Posts []Post `json:"posts"`
	Steps []Step `json:"steps"`
}

// firstAmount is the amount of the first order, in minor units; each has its
// own, by which the gateway knows what to do to it. All are above those that
// the test bank answers in its own way.
const firstAmount = 100_000

// declinedAmount is what the test bank declines.
const declinedAmount = 70_000

// NewPlan makes the plan of that seed.
func NewPlan(seed uint64, size Size) Plan {
	p := planner{rng: rand.New(rand.NewPCG(seed, 1)), size: size} //nolint:gosec // plans must be repeatable
	plan := Plan{Seed: seed, Size: size, Posts: p.posts()}
	p.rng = rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // as above
	p.kills()
	p.lesser()
	if size.PutBack {
		p.rng = rand.New(rand.NewPCG(seed, 3)) //nolint:gosec // as above
		p.steps = append(p.steps, Step{At: p.between(size.Duration/3, size.Duration*2/3), Kind: KindCopy, Target: "database"})
	}
	slices.SortStableFunc(p.steps, func(a, b Step) int { return cmp.Compare(a.At, b.At) })
	plan.Steps = p.steps
	return plan
}

type planner struct {
	rng   *rand.Rand
	size  Size
	steps []Step
}

// chance is true with that probability.
func (p *planner) chance(of float64) bool { return p.rng.Float64() < of }

// between is a time from low up to high.
func (p *planner) between(low, high time.Duration) time.Duration {
	return low + time.Duration(p.rng.Int64N(int64(high-low)+1)).Round(time.Millisecond)
}

// posts spreads the orders evenly over the duration, in bursts and alone.
func (p *planner) posts() []Post {
	var posts []Post
	for n := 0; n < p.size.Orders; {
		post := Post{At: p.size.Duration * time.Duration(n) / time.Duration(p.size.Orders)}
		count := 1
		if p.chance(0.02) {
			count = min(2+p.rng.IntN(9), p.size.Orders-n)
		} else {
			post.Twice, post.Wait = p.chance(0.03), p.chance(0.1)
		}
		for range count {
			post.Orders = append(post.Orders, p.order(n))
			n++
		}
		posts = append(posts, post)
	}
	return posts
}

func (p *planner) order(n int) Order {
	o := Order{Number: n + 1, Shop: p.rng.IntN(p.size.Shops), Minor: firstAmount + int64(n)}
	switch {
	case p.chance(p.size.FaultShare):
		o.Fault = p.orderFault()
	case p.chance(0.01):
		o.Minor = declinedAmount
	}
	if p.chance(0.02) {
		o.Cancel = p.between(1, time.Duration(float64(2*time.Minute)/p.size.Scale))
	}
	return o
}

// orderFault draws one by weight.
func (p *planner) orderFault() string {
	total := 0
	for _, f := range orderFaults {
		total += f.weight
	}
	at := p.rng.IntN(total)
	for _, f := range orderFaults {
		if at -= f.weight; at < 0 {
			return f.name
		}
	}
	return ""
}

// spread gives n moments over the run, each somewhere in a part of its own. The
// very beginning and end are left out: something has to be under way.
func (p *planner) spread(n int) []time.Duration {
	at := make([]time.Duration, n)
	begin, room := p.size.Duration/20, p.size.Duration*9/10
	for i := range at {
		part := room / time.Duration(n)
		at[i] = begin + time.Duration(i)*part + p.between(0, part)
	}
	return at
}

// pick draws one of the names.
func (p *planner) pick(names ...string) string { return names[p.rng.IntN(len(names))] }

func (p *planner) host() string   { return fmt.Sprintf("host-%d", 1+p.rng.IntN(p.size.Hosts)) }
func (p *planner) plugin() string { return fmt.Sprintf("plugin-%d", 1+p.rng.IntN(p.size.Hosts)) }

// process draws what is killed or stopped: the parts that hold the doubt most
// often.
func (p *planner) process() string {
	switch n := p.rng.IntN(20); {
	case n < 8:
		return p.plugin()
	case n < 14:
		return p.host()
	case n < 17 && p.size.Server:
		return "database"
	}
	return "gateway"
}

// connection draws one that goes through a proxy.
func (p *planner) connection() string {
	h := 1 + p.rng.IntN(p.size.Hosts)
	names := []string{fmt.Sprintf("plugin-%d/gateway", h), fmt.Sprintf("platform/host-%d", h)}
	if p.size.Server {
		names = append(names, fmt.Sprintf("host-%d/database", h))
	}
	return p.pick(names...)
}

// LongestStop is the longest time that anything is held up, in the time of a
// real gateway: past the leases, and well below the clock by which an absence
// is believed.
const LongestStop = 4 * time.Minute

func longest(scale float64) time.Duration {
	return time.Duration(float64(LongestStop) / scale)
}

func (p *planner) kills() {
	for _, at := range p.spread(p.size.Kills) {
		p.steps = append(p.steps, Step{At: at, For: p.between(0, time.Second), Kind: KindKill, Target: p.process()})
	}
}

// lesser adds what happens beside the kills.
func (p *planner) lesser() {
	long := longest(p.size.Scale)
	share := func(of float64) []time.Duration { return p.spread(max(1, int(of*float64(p.size.Kills)))) }
	for _, at := range share(0.25) {
		p.steps = append(p.steps, Step{At: at, For: p.between(long/20, long), Kind: KindStop, Target: p.process()})
	}
	for _, at := range share(0.1) {
		target := p.process()
		for target[0] == 'p' { // a plugin is its host's to restart
			target = p.process()
		}
		p.steps = append(p.steps, Step{At: at, For: p.between(0, time.Second), Kind: KindRestart, Target: target})
	}
	for _, at := range share(0.3) {
		kind := Kind(p.pick(string(KindCut), string(KindStall), string(KindSlow), string(KindDeaf)))
		p.steps = append(p.steps, Step{At: at, For: p.between(long/40, long/2), Kind: kind, Target: p.connection()})
	}
	for _, at := range share(0.3) {
		f := windowFaults[p.rng.IntN(len(windowFaults))].name
		p.steps = append(p.steps, Step{At: at, For: p.between(long/20, long/3), Kind: KindFault, Target: "gateway", Fault: f})
	}
	for _, at := range share(0.04) {
		p.steps = append(p.steps, Step{At: at, For: p.between(long/20, long/2), Kind: KindFill, Target: "database"})
	}
	for _, at := range share(0.06) {
		p.steps = append(p.steps, Step{At: at, For: p.between(long/2, long*2), Kind: KindSkew, Target: p.host(), Skew: p.skew()})
	}
}

// skew draws how wrong a clock is: half of them within what a host accepts
// (5 s), half beyond. A host with the only clock there is can't be beyond.
func (p *planner) skew() time.Duration {
	d := p.between(200*time.Millisecond, 3*time.Second)
	if p.size.Server && p.chance(0.5) {
		d = p.between(8*time.Second, 30*time.Second)
	}
	if p.chance(0.5) {
		d = -d
	}
	return d
}

// Sum says in a line what happens.
func (p Plan) Sum() string {
	counts := map[Kind]int{}
	faults := 0
	for _, s := range p.Steps {
		counts[s.Kind]++
	}
	for _, post := range p.Posts {
		for _, o := range post.Orders {
			if o.Fault != "" {
				faults++
			}
		}
	}
	return fmt.Sprintf("%d kills, %d stops, %d restarts, %d times bad connections, %d times a full disk, %d wrong clocks, "+
		"%d calls that go wrong at the gateway and %d times that it misbehaves for a while",
		counts[KindKill], counts[KindStop], counts[KindRestart], counts[KindCut]+counts[KindStall]+counts[KindSlow]+counts[KindDeaf],
		counts[KindFill], counts[KindSkew], faults, counts[KindFault])
}

// Validate refuses sizes that no plan can be made of.
func (s Size) Validate() error {
	switch {
	case s.Orders < 1 || s.Kills < 0:
		return fmt.Errorf("orders are at least 1 and kills not less than 0, not %d and %d", s.Orders, s.Kills)
	case s.Duration < time.Second:
		return fmt.Errorf("the duration is at least 1s, not %s", s.Duration)
	case s.Hosts < 1 || s.Hosts > 1 && !s.Server:
		return fmt.Errorf("%d hosts: at least 1, and no more on sqlite", s.Hosts)
	case s.Shops < 1:
		return fmt.Errorf("%d shops: at least 1", s.Shops)
	case s.FaultShare < 0 || s.FaultShare > 1:
		return fmt.Errorf("the part of orders with faults is within 0 and 1, not %v", s.FaultShare)
	case s.Scale < 1 || s.Scale > 200:
		return fmt.Errorf("the scale is within 1 and 200, not %v: no machine is quick enough for more", s.Scale)
	}
	return nil
}
