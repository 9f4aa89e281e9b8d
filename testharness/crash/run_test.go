package crash

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	lobby     *lobby // nil where no connection has to wait
	flight    string // the fault that shows a call at the gateway
	database  database
	placed    time.Time
	halted    time.Time // when a host was stopped, and woken
	woken     time.Time
	died      time.Time    // when a host was killed
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
	// napped is how long it naps: an attempt may not be sent any more, but its
	// lease lasts, and so does the call to the plugin.
	napped = 1300 * time.Millisecond
	// slowConnect is how long the first connections take until something can be
	// sent on them: by then the window is shut.
	slowConnect = 1400 * time.Millisecond
	slowFirst   = 5
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
		if !slow || pace == maxPace || *once {
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
	// What a slow machine delivers late is in time at a slower pace; what is sent
	// late is late at any.
	slow = slow || err != nil && p.action == "slow"
	if err != nil {
		broken := r.broken(ctx)
		slow = slow && broken == nil
		err = fmt.Errorf("%w\n%s", errors.Join(broken, err), r.logs())
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
	if r.plan.action == "slow" {
		r.ended.Store(2) // it has happened from the beginning
		if r.lobby, r.simulator.Info.JSONURL, err = openLobby(ctx, r.simulator.Info.JSONURL, slowFirst, r.at(slowConnect)); err != nil {
			return err
		}
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
	if _, ok := flights[r.plan.step]; !ok && r.plan.action != "slow" {
		action := r.plan.action
		if action == "nap" {
			action = "stop"
		}
		env = r.ending(action)
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

// broken is what arrived at the gateway that must not, in a run that came to no
// verdict. It says more than that the run was stuck.
func (r *run) broken(ctx context.Context) error {
	if r.simulator == nil {
		return nil
	}
	wire, _ := verdict.ReadWire(ctx, r.simulator) // one that does not answer says nothing
	if faults := verdict.Broken(wire); len(faults) > 0 {
		return errors.New(strings.Join(faults, "\n"))
	}
	return nil
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
	err = errors.Join(err, r.lobby.close())
	if r.database.free != nil {
		r.database.free()
	}
	return errors.Join(err, os.RemoveAll(r.dir))
}
