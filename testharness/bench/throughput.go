package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// inFlight is how many orders are under way in the runs of speed. The host's
// limits are above it, so that what is measured is the host and not its limits.
const (
	inFlight  = 64
	roomForIt = 128
)

// settleLimit is how long the rest of the work on charges may take that were
// authorised in a run.
const settleLimit = 3 * time.Minute

// speed is what a database's part gives for the summary.
type speed struct{ ratio, loneP50, ownP99, simulator float64 }

// sample is what the rounds of one side gave.
type sample struct {
	rates, p50, p99 []float64 // p50 and p99 of own time, in milliseconds
	whole           []float64 // rate until everything is released as well
	order50         []float64 // latency of an order as the client sees it
	order99         []float64
	cpu             cpu
	charges         int
	together        float64 // mean number of outcomes in one commit
}

// throughput measures charges per second on one database.
func (b *bench) throughput(ctx context.Context, e engine) (s speed, err error) {
	b.say("\n%s", b.title("Speed on "+e.name()))
	r, err := b.openRig(ctx, e, limits{plugin: roomForIt, site: roomForIt}, 1)
	defer func() { err = errors.Join(r.failed(err), r.close()) }()
	if err != nil {
		return s, err
	}
	l, err := r.openBare(ctx)
	if err != nil {
		return s, err
	}
	defer l.close()
	if err := r.warmUp(ctx, l); err != nil {
		return s, err
	}

	plain, host := map[int]*sample{}, &sample{cpu: cpu{}}
	for _, c := range bareLevels {
		plain[c] = &sample{cpu: cpu{}}
	}
	for round := range pick(b.cfg.Quick, 1, 3) {
		for _, c := range bareLevels {
			if err := r.bareRound(ctx, l, c, plain[c], e); err != nil {
				return s, err
			}
		}
		if err := r.hostRound(ctx, host, inFlight, b.cfg.Orders, e); err != nil {
			return s, err
		}
		best, _ := bestOf(plain)
		b.progress("round %d: host %.0f/s, bare loop %.0f/s at %d", round+1, last(host.rates), last(plain[best].rates), best)
	}
	lone := &sample{cpu: cpu{}}
	if err := r.hostRound(ctx, lone, 1, pick(b.cfg.Quick, 200, 1500), e); err != nil {
		return s, err
	}
	best, rate := bestOf(plain)
	s = speed{ratio: round(median(host.rates)/rate, 2), loneP50: round(median(lone.p50), 2), ownP99: round(median(host.p99), 1)}
	s.simulator = round(simulatorShare(plain, host), 3)
	b.reportSpeed(e, plain, best, host, lone, s)
	return s, nil
}

func (r *rig) warmUp(ctx context.Context, l *bare) error {
	if _, err := l.run(ctx, r.b.cfg.Orders/10, 16); err != nil {
		return err
	}
	if _, err := r.drive(ctx, r.b.cfg.Orders/4, inFlight); err != nil {
		return err
	}
	_, err := r.settleDown(ctx, settleLimit)
	return err
}

// drive posts n orders, so many at a time, each until it may be produced.
func (r *rig) drive(ctx context.Context, n, concurrency int) (load, error) {
	first := r.b.number(n)
	return drive(r.b.cfg.Now, n, concurrency, func(i int) (time.Duration, error) {
		began := r.b.cfg.Now()
		err := r.post(ctx, r.order(r.shops[0], first+i))
		return r.b.cfg.Now().Sub(began), err
	})
}

func (r *rig) bareRound(ctx context.Context, l *bare, concurrency int, s *sample, e engine) error {
	pids := map[string]int{"bare loop": os.Getpid(), "simulator": r.simulator.Process.PID(), "database": e.pid()}
	before := readCPU(pids)
	got, err := l.run(ctx, r.b.cfg.Orders/2, concurrency)
	if err != nil {
		return err
	}
	s.cpu.add(readCPU(pids).since(before))
	s.charges += got.n
	s.rates = append(s.rates, got.rate())
	s.p50 = append(s.p50, milliseconds(quantile(got.times, 0.5)))
	s.p99 = append(s.p99, milliseconds(quantile(got.times, 0.99)))
	return nil
}

func (r *rig) hostRound(ctx context.Context, s *sample, concurrency, n int, e engine) error {
	pids := map[string]int{
		"client": os.Getpid(), "host": r.host.Process.PID(), "plugin": r.plugin, "simulator": r.simulator.Process.PID(), "database": e.pid(),
	}
	from, err := readMetrics(ctx, r.host.API)
	if err != nil {
		return err
	}
	before := readCPU(pids)
	got, err := r.drive(ctx, n, concurrency)
	if err != nil {
		return err
	}
	to, err := readMetrics(ctx, r.host.API)
	if err != nil {
		return err
	}
	settled, err := r.settleDown(ctx, settleLimit)
	if err != nil {
		return err
	}
	s.cpu.add(readCPU(pids).since(before))
	s.charges += n
	own := between(from, to, metricOwn, "")
	if own.count < float64(n)*0.9 {
		return fmt.Errorf("the host counted %.0f charges begun at once, of %d posted: its limits were reached, and its own time is not known", own.count, n)
	}
	s.rates = append(s.rates, got.rate())
	s.whole = append(s.whole, float64(n)/(got.took+settled).Seconds())
	s.p50, s.p99 = append(s.p50, own.quantile(0.5)*1000), append(s.p99, own.quantile(0.99)*1000)
	s.order50 = append(s.order50, milliseconds(quantile(got.times, 0.5)))
	s.order99 = append(s.order99, milliseconds(quantile(got.times, 0.99)))
	s.together = between(from, to, metricCommits, "change").mean()
	return nil
}

// simulatorShare is the simulator's processor time for each AUTH by that of host
// and plugin for each charge. The bare loop's calls are AUTHs and nothing else.
func simulatorShare(plain map[int]*sample, host *sample) float64 {
	var used float64
	var auths int
	for _, s := range plain {
		used, auths = used+s.cpu["simulator"], auths+s.charges
	}
	ours := host.cpu["host"] + host.cpu["plugin"]
	if ours == 0 || auths == 0 || host.charges == 0 {
		return 0
	}
	return used / float64(auths) / (ours / float64(host.charges))
}

// bestOf gives the concurrency with the highest rate.
func bestOf(plain map[int]*sample) (concurrency int, rate float64) {
	for _, c := range bareLevels {
		if m := median(plain[c].rates); m > rate {
			concurrency, rate = c, m
		}
	}
	return concurrency, rate
}

func last(list []float64) float64 { return list[len(list)-1] }
