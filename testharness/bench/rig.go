package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/stand"
)

// rig is all that runs for one measurement.
type rig struct {
	b         *bench
	dir       string
	db        *database
	simulator *stand.Simulator
	host      *stand.Host
	plugin    int // process
	shops     []stand.Shop
}

// limits are the host's limits of calls in flight.
type limits struct{ plugin, site int }

// openRig starts everything, with so many shops. The caller closes the rig,
// whatever is returned.
func (b *bench) openRig(ctx context.Context, e engine, l limits, shops int) (*rig, error) {
	r := &rig{b: b}
	var err error
	if r.dir, err = os.MkdirTemp(b.dir, "rig-"); err != nil {
		return r, fmt.Errorf("make a folder: %w", err)
	}
	env := stand.Environment(os.Environ())
	if r.simulator, err = stand.StartSimulator(ctx, b.bin("testharness"), filepath.Join(r.dir, "gateway"), env); err != nil {
		return r, err
	}
	if r.db, err = e.create(ctx); err != nil {
		return r, err
	}
	r.host, err = stand.StartHost(ctx, stand.HostConfig{
		Bin: b.bin("chargehand"), Dir: r.dir, Env: env,
		Settings: map[string]any{
			"environment": "bench", "database": r.db.settings,
			"limits": map[string]any{"in_flight": l.plugin, "site_in_flight": l.site},
			"log":    map[string]any{"level": "warn"},
		},
		PluginEnv: map[string]any{stand.Plugin: map[string]any{
			"TRUSTPAYMENTS_EU_URL": r.simulator.Info.JSONURL, "TRUSTPAYMENTS_CA_FILE": r.simulator.Info.CAFile,
		}},
	})
	if err != nil {
		return r, err
	}
	if err := r.openShops(ctx, shops); err != nil {
		return r, fmt.Errorf("set up: %w", err)
	}
	err = r.findPlugin(ctx)
	return r, err
}

func (r *rig) close() error {
	if r.host != nil {
		r.host.Process.Stop()
	}
	if r.simulator != nil {
		r.simulator.Process.Stop()
	}
	var err error
	if r.db != nil {
		err = r.db.drop()
	}
	return errors.Join(err, os.RemoveAll(r.dir))
}

// failed adds the end of the host's log to what went wrong.
func (r *rig) failed(err error) error {
	if err == nil || r.host == nil || r.host.Process == nil {
		return err
	}
	return fmt.Errorf("%w\nthe host's log ends with:\n%s", err, r.host.Process.Tail())
}

func (r *rig) findPlugin(ctx context.Context) error {
	list, err := r.host.API.Plugins(ctx)
	if err != nil {
		return err
	}
	for _, p := range list {
		if p.Name == stand.Plugin {
			r.plugin = p.PID
		}
	}
	return nil
}

// openShops sets shops up as people would, and lets each prove that releases
// work on its site: until then its orders wait for that.
func (r *rig) openShops(ctx context.Context, n int) error {
	var sites []string
	for i := range n {
		r.shops = append(r.shops, stand.Shop{
			Fulfiller: fmt.Sprintf("fulfiller-%d", i+1), Channel: fmt.Sprintf("channel-%d", i+1), Site: fmt.Sprintf("test_bench%d", i+1),
		})
		sites = append(sites, r.shops[i].Site)
	}
	if err := r.simulator.AddSites(ctx, sites...); err != nil {
		return err
	}
	for i := range r.shops {
		if err := r.openShop(ctx, &r.shops[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *rig) openShop(ctx context.Context, s *stand.Shop) error {
	if err := stand.OpenShop(ctx, r.host.API, r.simulator, s); err != nil {
		return err
	}
	return r.postOne(ctx, *s)
}

// order is the next order of a shop. Amounts stay clear of those that the test
// bank answers in its own way.
func (r *rig) order(s stand.Shop, number int) client.NewOrder {
	o := client.NewOrder{Channel: s.Channel, Reference: fmt.Sprintf("order-%d", number), PlacedAt: time.Now()}
	o.Parts = []client.Part{{Fulfiller: s.Fulfiller}}
	o.Parts[0].Amount.Minor, o.Parts[0].Amount.Currency = int64(1000+number%9000), "GBP"
	return o
}

// patience is how long an order may take until it is decided.
const patience = 30 * time.Second

func (r *rig) postOne(ctx context.Context, s stand.Shop) error {
	return r.post(ctx, r.order(s, r.b.number(1)))
}

// post posts an order and waits until it may be produced.
func (r *rig) post(ctx context.Context, o client.NewOrder) error {
	got, _, err := r.host.API.Post(ctx, o, patience)
	if err != nil {
		return err
	}
	if c := got.Charges[0]; c.Produce != "yes" {
		return fmt.Errorf("order %s is %s (%s) after %s: %s", o.Reference, c.State, c.Reason, patience, c.Text)
	}
	return nil
}

// number gives the first of n numbers for orders that were not used yet.
func (b *bench) number(n int) int {
	first := b.names + 1
	b.names += n
	return first
}

// underWay are the states of a charge that is not released yet.
var underWay = []string{"planned", "waiting", "charging", "unknown", "authorised", "releasing"}

// settleDown waits until everything posted is released, and returns how long
// that took.
func (r *rig) settleDown(ctx context.Context, limit time.Duration) (time.Duration, error) {
	began := r.b.cfg.Now()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		busy := ""
		for _, state := range underWay {
			some, err := r.host.API.AnyCharge(ctx, state)
			if err != nil {
				return 0, err
			}
			if some {
				busy = state
				break
			}
		}
		if busy == "" {
			return r.b.cfg.Now().Sub(began), nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, fmt.Errorf("there are still charges that are %s after %s", busy, limit)
		}
	}
}
