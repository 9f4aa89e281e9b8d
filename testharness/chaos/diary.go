package chaos

import (
	"fmt"
	"sync"
	"time"
)

// diary keeps what happened, from many sides at once.
type diary struct {
	began time.Time

	mu        sync.Mutex
	done      []Done
	recovers  []Recovery
	faults    map[string]int // by name, as often as the gateway acted
	byItself  []string
	troubles  map[string]int
	wrong     []string
	notDone   map[string]string
	accepted  []accepted
	posts     int // requests, those that were sent again included
	unskilful int // steps that found nothing to act on
	// quarantines that an operator ended.
	quarantines int
	putBack     *PutBack
}

// Done is a step that was taken. Times count from the beginning of the run.
type Done struct {
	Step
	Began time.Duration `json:"began"`
	Ended time.Duration `json:"ended"`
}

// Recovery is how long a process took until it could work again.
type Recovery struct {
	Name  string        `json:"name"`
	Began time.Duration `json:"began"` // when it was started again
	Took  time.Duration `json:"took"`
}

// accepted is an order that a host has taken.
type accepted struct {
	order Order
	at    time.Duration
	id    string
	tries int
	// cancelled: its cancellation was accepted, too.
	cancelled bool
}

func newDiary() *diary {
	return &diary{began: time.Now(), faults: map[string]int{}, troubles: map[string]int{}, notDone: map[string]string{}}
}

func (d *diary) since() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Since(d.began)
}

func (d *diary) step(s Step, began time.Duration, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !ok {
		d.unskilful++
		return
	}
	d.done = append(d.done, Done{Step: s, Began: began, Ended: time.Since(d.began)})
}

func (d *diary) recovered(name string, began, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.recovers = append(d.recovers, Recovery{Name: name, Began: began.Sub(d.began), Took: now.Sub(began)})
}

// endedItself notes that a process ended without being told to. A host may do
// that when its database is not there as it starts.
func (d *diary) endedItself(name, tail string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	const most = 20
	if len(d.byItself) < most {
		d.byItself = append(d.byItself, name+": "+tail)
	}
	d.troubles[name+" ended by itself"]++
}

// trouble notes what the run itself could not do at once.
func (d *diary) trouble(what string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	const most = 40
	if key := fmt.Sprintf("%s: %v", what, err); len(d.troubles) < most || d.troubles[key] > 0 {
		d.troubles[key]++
	}
}

// fault notes what must not be, whatever else happens.
func (d *diary) fault(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wrong = append(d.wrong, fmt.Sprintf(format, args...))
}

// skip notes what this machine could not do, and why.
func (d *diary) skip(kind Kind, why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notDone[string(kind)] = why
}

func (d *diary) acted(fault string, times int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults[fault] += times
}

func (d *diary) accept(a accepted) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.accepted = append(d.accepted, a)
}

func (d *diary) quarantine() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.quarantines++
}

// restored notes that the database was put back, and that charging went on.
func (d *diary) restored(p *PutBack) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.putBack = p
	d.done = append(d.done, Done{Step: Step{At: p.Back, Kind: KindPutBack, Target: "database"}, Began: p.Back, Ended: p.Lifted})
}

func (d *diary) posted() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.posts++
}

// counts are for the line of progress.
func (d *diary) counts() (orders, kills, faults int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.done {
		if s.Kind == KindKill {
			kills++
		}
	}
	for _, n := range d.faults {
		faults += n
	}
	return len(d.accepted), kills, faults
}

// start sets the beginning of the run, once everything stands.
func (d *diary) start() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.began = time.Now()
	d.recovers = nil
}

// progress is the line of progress.
func (d *diary) progress(of int) string {
	orders, kills, faults := d.counts()
	return fmt.Sprintf("%4.0f s  %d of %d orders accepted, %d kills, %d faults at the gateway", d.since().Seconds(), orders, of, kills, faults)
}
