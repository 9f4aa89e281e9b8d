package crash

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/stand"
	"github.com/chargehand/chargehand/testharness/verdict"
)

// plan is where and how one run's host ends.
type plan struct {
	driver string
	step   string
	n      int // the time of coming to the step
	action string
}

func (p plan) String() string {
	return fmt.Sprintf("%s/%s/%s-%d", p.driver, p.step, p.action, p.n)
}

// result is what came of a run.
type result struct {
	plan    plan
	reached bool
	took    time.Duration
	err     error
}

func (r result) String() string {
	how := "all is well"
	switch {
	case r.err != nil:
		how = "FAILED"
	case !r.reached:
		how = "all is well, but it never came there"
	}
	return fmt.Sprintf("%s: %s after %s", r.plan, how, r.took.Round(10*time.Millisecond))
}

// run is one run: a gateway, a database, and the hosts on it.
type run struct {
	kit       *kit
	plan      plan
	pace      int
	dir       string
	simulator *stand.Simulator
	server    *gateway.Server
	flight    string // the fault that shows a call at the gateway
	database  database
	placed    time.Time
	halted    time.Time // when a host was stopped, and woken
	woken     time.Time
	forgotten verdict.Span // from the copy of the database to when it was put back
	pulsed    time.Time
	beats     []verdict.Posted

	mu    sync.Mutex
	api   *client.Client // of the host that is to be asked
	first *stand.Host
	hosts []*stand.Process
	// ended counts what has happened to the first host: 1 when it came to its
	// step, 2 when all goes on.
	ended atomic.Int32
}

const (
	// sendWindow is how long an attempt may be sent.
	sendWindow = 700 * time.Millisecond
	// stopped is how long a host is stopped: longer than the leases last.
	stopped = 2300 * time.Millisecond
	// limit is how long a run may take until it counts as stuck.
	limit = 45 * time.Second
	// patience is how long one request may take: the host may be stopped.
	patience = 3 * time.Second
	// maxPace is the slowest pace at which a run is tried.
	maxPace = 4
)

// run plays a run. The clocks are made for a machine that has little else to
// do: where a run came to no end, it and all that follow are played at half the
// pace. What has come to a wrong end is wrong at any pace.
func (k *kit) run(ctx context.Context, p plan) result {
	began := time.Now()
	for {
		pace := k.pace.Load()
		res, slow := k.once(ctx, p, int(pace))
		res.took = time.Since(began)
		if !slow || pace == maxPace {
			return res
		}
		k.pace.CompareAndSwap(pace, 2*pace)
	}
}

func (k *kit) once(ctx context.Context, p plan, pace int) (res result, slow bool) {
	r := &run{kit: k, plan: p, pace: pace, placed: time.Now().UTC()}
	limited, cancel := context.WithTimeout(ctx, r.at(limit))
	defer cancel()
	err := r.play(limited)
	reached := r.ended.Load() > 0
	slow = err != nil && limited.Err() != nil || err == nil && !reached && p.n == 1
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, r.logs())
	}
	return result{plan: p, reached: reached, err: errors.Join(err, r.close())}, slow
}

// at is a time at the run's pace.
func (r *run) at(d time.Duration) time.Duration { return d * time.Duration(r.pace) }

// play goes through a run to its verdict.
func (r *run) play(ctx context.Context) error {
	if r.plan.action == sweepKilled || r.plan.action == hostKilled {
		return r.playSweep(ctx)
	}
	if err := r.begin(ctx); err != nil {
		return err
	}
	var incident sync.WaitGroup
	hurt := make(chan error, 1)
	over, enough := context.WithCancel(ctx)
	incident.Go(func() { hurt <- r.incident(over) })
	defer incident.Wait()
	defer enough()

	posted, err := r.drive(ctx)
	for err == nil {
		before := r.ended.Load()
		if err = r.settle(ctx); err == nil {
			err = r.postAgain(ctx, posted)
		}
		if err == nil {
			err = r.await(ctx, finished)
		}
		// What the host came to meanwhile starts all of it again.
		if after := r.ended.Load(); err == nil && after == before && after != 1 {
			break
		}
	}
	enough()
	if err = errors.Join(err, <-hurt); err != nil {
		return err
	}
	return r.judge(ctx, posted)
}

// gate makes the run's folder, gateway and database.
func (r *run) gate(ctx context.Context) error {
	var err error
	if r.dir, err = os.MkdirTemp(r.kit.dir, "run"); err != nil {
		return err
	}
	if r.simulator, r.server, err = simulator(ctx, filepath.Join(r.dir, "gateway")); err != nil {
		return err
	}
	for _, s := range shops() {
		if _, err := r.simulator.Mint(ctx, s.Site, "ACCOUNTCHECK"); err != nil {
			return err
		}
	}
	r.database, err = r.kit.database(ctx, r.plan.driver, r.dir)
	return err
}

func (r *run) begin(ctx context.Context) error {
	if err := r.gate(ctx); err != nil {
		return err
	}
	faults := others()
	for _, s := range stories() {
		faults = append(faults, s.faults...)
	}
	if f, ok := flights[r.plan.step]; ok {
		faults = append([]gateway.Fault{f}, faults...)
	}
	for i := range faults {
		faults[i].Delay = gateway.Duration(r.at(time.Duration(faults[i].Delay)))
	}
	var added struct{ IDs []string }
	if err := r.simulator.Post(ctx, "/faults", faults, &added); err != nil {
		return err
	}
	r.flight = added.IDs[0]
	var env []string
	if _, ok := flights[r.plan.step]; !ok {
		env = r.ending(r.plan.action)
	}
	err := r.start(ctx, "first", env)
	if r.atStep() {
		err = nil // it came to its step before it was ready
	}
	return err
}

// ending is the environment of what ends at the run's step.
func (r *run) ending(action string) []string {
	return []string{
		fmt.Sprintf("CHARGEHAND_CRASH_AT=%s:%d:%s", r.plan.step, r.plan.n, action), "CHARGEHAND_CRASH_REPORT=" + r.report(),
	}
}

func (r *run) report() string { return filepath.Join(r.dir, "reached") }

func (r *run) atStep() bool {
	_, err := os.Stat(r.report())
	return err == nil
}

// inFlight reports whether the call that the run waits for is at the gateway.
func (r *run) inFlight(ctx context.Context) bool {
	if _, ok := flights[r.plan.step]; !ok {
		return false
	}
	var faults []gateway.FaultState
	if err := r.simulator.Get(ctx, "/faults", &faults); err != nil {
		return false // asked again
	}
	return slices.ContainsFunc(faults, func(f gateway.FaultState) bool { return f.ID == r.flight && f.Fired > 0 })
}

// start starts a host in a folder of its own, and asks it from then on.
func (r *run) start(ctx context.Context, name string, env []string) error {
	h, err := r.prepare(ctx, name, env)
	if err != nil {
		return err
	}
	p, err := h.Launch()
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.hosts = append(r.hosts, p)
	r.mu.Unlock()
	if name == "first" {
		r.first = h
	}
	return r.find(ctx, h, p, name == "first")
}

// prepare prepares a host in a folder of its own.
func (r *run) prepare(ctx context.Context, name string, env []string) (*stand.Host, error) {
	dir := filepath.Join(r.dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	cfg := r.kit.config(dir, r.database.settings, r.simulator, r.pace)
	cfg.Env, cfg.Beside = append(slices.Clone(cfg.Env), env...), r.database.beside
	return stand.PrepareHost(ctx, cfg)
}

// find waits until a host is ready, and asks it from then on. One that may have
// come to its step is not waited for: dead or stopped, it is not ready.
func (r *run) find(ctx context.Context, h *stand.Host, p *stand.Process, atStep bool) error {
	err := p.Until(ctx, r.at(limit), func(ctx context.Context) error {
		if atStep && r.atStep() {
			return nil
		}
		return h.Find(ctx)
	})
	if err == nil && h.API != nil {
		r.mu.Lock()
		r.api = h.API
		r.mu.Unlock()
	}
	return err
}

func (r *run) host() *client.Client {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.api
}

// incident waits until the first host has come to its step, and does what
// somebody would do then: start a killed one again; let another go on where
// one hangs; and in the end the one that hung comes back.
func (r *run) incident(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !r.atStep() && !r.inFlight(ctx) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil // it never came there
		}
	}
	r.ended.Store(1)
	defer r.ended.Store(2)
	r.mu.Lock()
	first := r.hosts[0]
	r.mu.Unlock()
	if !r.atStep() {
		// It is the call that has come there, and the host knows nothing of it.
		if r.plan.action == "kill" {
			first.Kill()
		} else if err := first.Pause(); err != nil {
			return err
		}
	}
	if r.plan.action == "kill" {
		select {
		case <-first.Done():
		case <-ctx.Done():
			return errors.New("the host did not die at its step")
		}
		return r.start(ctx, "again", nil)
	}
	halted := time.Now()
	woken := time.After(r.at(stopped))
	if r.plan.driver != "sqlite" {
		if err := r.start(ctx, "second", nil); err != nil {
			return err
		}
	}
	select {
	case <-woken:
	case <-ctx.Done():
	}
	r.halted, r.woken = halted, time.Now()
	if err := first.Resume(); err != nil || r.host() != nil {
		return err
	}
	return r.find(ctx, r.first, first, false) // it was stopped before it was ready
}

// drive posts every order, side by side, until each is accepted.
func (r *run) drive(ctx context.Context) ([]verdict.Posted, error) {
	all := stories()
	posted := make([]verdict.Posted, len(all))
	errs := make([]error, len(all)+1)
	var side sync.WaitGroup
	var batch []int
	for i, s := range all {
		if s.batch {
			batch = append(batch, i)
			continue
		}
		side.Go(func() { posted[i], errs[i] = r.tell(ctx, s) })
	}
	side.Go(func() { errs[len(all)] = r.tellBatch(ctx, all, batch, posted) })
	side.Wait()
	return posted, errors.Join(errs...)
}

// tell posts one order, and cancels it when its story says so.
func (r *run) tell(ctx context.Context, s story) (verdict.Posted, error) {
	order, err := r.post(ctx, s)
	if err != nil || s.cancel == "" {
		return s.posted(order), err
	}
	if s.cancel != accepted {
		// It may have passed that state before anybody saw it.
		err = r.await(ctx, func(c client.Charge) bool {
			return c.OrderReference != s.name || c.State == s.cancel || !slices.Contains(opening, c.State)
		})
	}
	if err == nil {
		err = r.try(ctx, "cancel "+s.name, func(ctx context.Context, api *client.Client) error {
			_, err := api.Cancel(ctx, order.ID, "a story")
			return err
		})
	}
	p := s.posted(order)
	p.Cancelled = err == nil
	return p, err
}

// opening are the states that a charge begins with.
var opening = []string{"planned", "charging", "waiting", "unknown", "authorised", "releasing"}

func (s story) posted(o client.Order) verdict.Posted {
	return verdict.Posted{ID: o.ID, Reference: s.name, Parts: s.order(time.Time{}).Parts}
}

func (r *run) post(ctx context.Context, s story) (client.Order, error) {
	var order client.Order
	wait := time.Duration(0)
	if s.wait {
		wait = time.Second
	}
	err := r.try(ctx, "post "+s.name, func(ctx context.Context, api *client.Client) error {
		var err error
		order, _, err = api.Post(ctx, s.order(r.placed), wait)
		return err
	})
	return order, err
}

func (r *run) tellBatch(ctx context.Context, all []story, batch []int, posted []verdict.Posted) error {
	orders := make([]client.NewOrder, len(batch))
	for i, at := range batch {
		orders[i] = all[at].order(r.placed)
	}
	return r.try(ctx, "post the batch", func(ctx context.Context, api *client.Client) error {
		items, err := api.PostBatch(ctx, orders)
		if err != nil {
			return err
		}
		for i, item := range items {
			if item.Order == nil {
				return item.Problem
			}
			posted[batch[i]] = all[batch[i]].posted(*item.Order)
		}
		return nil
	})
}

// postAgain posts all of it once more, as a platform does that is not sure: it
// must be the same orders.
func (r *run) postAgain(ctx context.Context, posted []verdict.Posted) error {
	for i, s := range stories() {
		s.wait = false
		order, err := r.post(ctx, s)
		if err != nil {
			return err
		}
		if order.ID != posted[i].ID {
			return fmt.Errorf("order %s: posted again it is %s, and was %s", s.name, order.ID, posted[i].ID)
		}
	}
	return nil
}

// settle waits until nothing is under way, and lets two nights pass.
func (r *run) settle(ctx context.Context) error {
	err := r.await(ctx, func(c client.Charge) bool { return c.State == "released" || ended(c) })
	if err != nil {
		return err
	}
	return r.nights(ctx)
}

// end is where a charge stands, and with which person.
func end(c client.Charge) string {
	if c.NeedsPerson != nil {
		return c.State + "/" + c.Case()
	}
	return c.State
}

// ended: it has come to the end of its story.
func ended(c client.Charge) bool { return slices.Contains(endsOf(c.OrderReference), end(c)) }

// finished: old references that are watched have come to their end, too.
func finished(c client.Charge) bool {
	return ended(c) && (c.NextCheckAt.IsZero() || c.NeedsPerson != nil)
}

// await waits until all charges are good.
func (r *run) await(ctx context.Context, good func(client.Charge) bool) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		open, err := r.open(ctx, good)
		if err != nil || len(open) == 0 {
			return err
		}
		if slices.ContainsFunc(open, func(c client.Charge) bool {
			return c.State == "unknown" && strings.HasPrefix(c.OrderReference, "at-once")
		}) {
			err = r.pulse(ctx)
		}
		select {
		case <-tick.C:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			var all []string
			for _, c := range open {
				all = append(all, fmt.Sprintf("%s is %s (%s), next %s", c.OrderReference, end(c), c.Text, c.NextCheckAt.Format(time.TimeOnly)))
			}
			return fmt.Errorf("stuck after %s: %s", r.at(limit), strings.Join(all, "; "))
		}
	}
}

// open lists the charges that are not good yet.
func (r *run) open(ctx context.Context, good func(client.Charge) bool) ([]client.Charge, error) {
	var list []client.Charge
	err := r.try(ctx, "list the charges", func(ctx context.Context, api *client.Client) error {
		var err error
		list, err = api.Charges(ctx)
		return err
	})
	return slices.DeleteFunc(list, good), err
}

// pulse posts one more order where the gateway settles by itself, at most one
// in a second: an absence there is believed only beside something younger.
func (r *run) pulse(ctx context.Context) error {
	if time.Since(r.pulsed) < r.at(time.Second) {
		return nil
	}
	r.pulsed = time.Now()
	s := story{name: fmt.Sprintf("%s%d", pulses, len(r.beats)), channel: "at-once", minor: 900 + int64(len(r.beats))}
	order, err := r.post(ctx, s)
	r.beats = append(r.beats, s.posted(order))
	return err
}

// try asks a host until it answers. A refusal is an answer, and a fault.
func (r *run) try(ctx context.Context, what string, ask func(context.Context, *client.Client) error) error {
	for {
		err := errors.New("no host is there")
		if api := r.host(); api != nil {
			once, cancel := context.WithTimeout(ctx, r.at(patience))
			err = ask(once, api)
			cancel()
		}
		if p, ok := errors.AsType[*client.ProblemError](err); err == nil || ok && p.Status < 500 {
			return err
		}
		select {
		case <-time.After(30 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%s: no answer within %s: %w", what, r.at(limit), err)
		}
	}
}

func (r *run) logs() string {
	var b strings.Builder
	for _, h := range r.hosts {
		fmt.Fprintf(&b, "--- a host's log ends with:\n%s\n", h.Tail())
	}
	return b.String()
}

func (r *run) close() error {
	for _, h := range r.hosts {
		_ = h.Resume() // a stopped process does not hear that it is to end
		h.Stop()
	}
	var err error
	if r.server != nil {
		err = r.server.Close()
	}
	if r.database.free != nil {
		r.database.free()
	}
	return errors.Join(err, os.RemoveAll(r.dir))
}
