package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/stand"
	"github.com/chargehand/chargehand/testharness/verdict"
)

// world is all that runs.
type world struct {
	cfg   Config
	plan  Plan
	diary *diary
	dir   string
	disk  *disk
	env   []string

	simulator atomic.Pointer[stand.Simulator] // as it is reached now
	gateway   *unit
	server    *mariadb // nil on SQLite
	database  *unit
	hosts     []*host
	links     map[string]*link
	shops     []stand.Shop
	script    *script
	backup    *backup      // nil until it was taken
	forgotten verdict.Span // by a database that was put back

	mu     sync.Mutex
	orders map[int]client.NewOrder // as they are posted, by number
}

// host is one host with the ways that lead through proxies.
type host struct {
	*unit
	stand *stand.Host
	skew  atomic.Int64   // of the next process's clock
	api   *client.Client // through the link from the platform
	fit   atomic.Bool    // ready, as a balancer sees it
	gone  map[int]bool   // plugins' processes that were seen
	dir   string
	stop  context.CancelFunc
	ended chan struct{}
}

// open starts everything. The caller closes the world, whatever is returned.
func open(ctx context.Context, cfg Config, plan Plan) (*world, error) {
	w := &world{cfg: cfg, plan: plan, diary: newDiary(), links: map[string]*link{}, orders: map[int]client.NewOrder{}, env: stand.Environment(os.Environ())}
	if err := stand.MustExist(w.bin("chargehand"), w.bin("testharness"), w.bin("plugins")); err != nil {
		return w, err
	}
	var err error
	if w.dir, err = os.MkdirTemp("", "chargehand-chaos-"); err != nil {
		return w, fmt.Errorf("make a folder for the run: %w", err)
	}
	if err := w.openGateway(ctx); err != nil {
		return w, err
	}
	if err := w.openDatabase(ctx); err != nil {
		return w, err
	}
	for i := range plan.Size.Hosts {
		if err := w.openHost(ctx, i+1); err != nil {
			return w, fmt.Errorf("host-%d: %w", i+1, err)
		}
	}
	err = w.openShops(ctx)
	return w, err
}

func (w *world) bin(name string) string { return filepath.Join(w.cfg.Bin, name) }

// folder makes a folder for one part.
func (w *world) folder(name string) (string, error) {
	dir := filepath.Join(w.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return dir, fmt.Errorf("make a folder for %s: %w", name, err)
	}
	return dir, nil
}

// begin starts a unit and waits until it can work.
func (w *world) begin(ctx context.Context, u *unit) error {
	u.diary = w.diary
	p, err := u.launch()
	if err != nil {
		return err
	}
	u.run(p) //nolint:contextcheck // it ends with stop
	return p.Until(ctx, readyLimit, u.ready)
}

// callsOf is how many request elements the gateway remembers: more than there
// should ever be, so that what was sent can be judged to the last of them.
func callsOf(orders int) int { return 100_000 + 100*orders }

func (w *world) openGateway(ctx context.Context) error {
	dir, err := w.folder("gateway")
	if err != nil {
		return err
	}
	base := stand.NewSimulator(w.bin("testharness"), filepath.Join(dir, "told"), w.env, "--journal", filepath.Join(dir, "journal"),
		"--calls", strconv.Itoa(callsOf(w.plan.Size.Orders)))
	w.simulator.Store(base)
	w.script = newScript(w)
	w.gateway = &unit{name: "gateway", launch: base.Launch, ready: func(ctx context.Context) error {
		info, err := base.Where()
		if err != nil {
			return err
		}
		there := base.At(info)
		if _, err := there.Stats(ctx); err != nil {
			return err
		}
		if w.simulator.Swap(there).Info.AdminURL != info.AdminURL {
			w.script.again(ctx)
		}
		return nil
	}}
	return w.begin(ctx, w.gateway)
}

func (w *world) openDatabase(ctx context.Context) error {
	dir, err := w.folder("disk")
	if err != nil {
		return err
	}
	if w.disk, err = openDisk(dir, diskSize(w.plan.Size.Orders)); err != nil {
		return err
	}
	if w.disk.unlimited != "" {
		w.diary.skip(KindFill, w.disk.unlimited)
	}
	if !w.plan.Size.Server {
		return nil
	}
	if dir, err = w.folder("mariadb"); err != nil {
		return err
	}
	// The server's own user has to get to its folders.
	if err := os.Chmod(w.dir, 0o711); err != nil { //nolint:gosec // what others must not read has folders of its own
		return fmt.Errorf("let the database to its folder: %w", err)
	}
	if w.server, err = newMariaDB(ctx, dir, w.disk.dir, w.env); err != nil {
		return err
	}
	w.database = &unit{name: "database", launch: w.server.launch, ready: w.server.ready}
	return w.begin(ctx, w.database)
}

// connect opens a link between two parts.
func (w *world) connect(ctx context.Context, name string, target func() (network, address string, err error)) (*link, error) {
	l, err := openLink(ctx, target)
	if err == nil {
		w.links[name] = l
	}
	return l, err
}

func (w *world) openHost(ctx context.Context, number int) error {
	name := fmt.Sprintf("host-%d", number)
	dir, err := w.folder(name)
	if err != nil {
		return err
	}
	gateway, err := w.connect(ctx, fmt.Sprintf("plugin-%d/gateway", number), func() (string, string, error) {
		return "tcp", strings.TrimSuffix(strings.TrimPrefix(w.simulator.Load().Info.JSONURL, "https://"), "/json/"), nil
	})
	if err != nil {
		return err
	}
	database := map[string]any{"driver": "sqlite", "path": filepath.Join(w.disk.dir, databaseFile)}
	if w.server != nil {
		l, err := w.connect(ctx, name+"/database", func() (string, string, error) { return "unix", w.server.socket(), nil })
		if err != nil {
			return err
		}
		database = map[string]any{"driver": "mysql", "dsn": w.server.dsn(l.address())}
	}
	h := &host{dir: dir, gone: map[int]bool{}}
	w.hosts = append(w.hosts, h)
	settings := Settings(w.plan.Size)
	settings["environment"], settings["database"] = "chaos", database
	config := stand.HostConfig{
		Bin: w.bin("chargehand"), Dir: dir, Env: w.env, Settings: settings,
		PluginEnv: map[string]any{stand.Plugin: map[string]any{
			"TRUSTPAYMENTS_EU_URL": "https://" + gateway.address() + "/json/", "TRUSTPAYMENTS_CA_FILE": w.simulator.Load().Info.CAFile,
		}},
	}
	if number > 1 {
		config.Beside = w.hosts[0].stand
	}
	if h.stand, err = stand.PrepareHost(ctx, config); err != nil {
		return err
	}
	h.unit = &unit{name: name, launch: func() (*stand.Process, error) { return w.launchHost(h) }, ready: h.answers}
	l, err := w.connect(ctx, "platform/"+name, func() (string, string, error) {
		url, err := h.stand.Where()
		return "tcp", strings.TrimPrefix(url, "http://"), err
	})
	if err != nil {
		return err
	}
	h.api = client.New("http://"+l.address(), h.stand.Key)
	if err := w.begin(ctx, h.unit); err != nil {
		return err
	}
	h.balance() //nolint:contextcheck // it ends with close
	return nil
}

// launchHost starts a host's process, with a clock that is right or wrong.
func (w *world) launchHost(h *host) (*stand.Process, error) {
	if skew := time.Duration(h.skew.Load()); skew != 0 {
		return h.stand.LaunchBy(w.bin("testharness"), "host", "--clock-offset="+skew.String(), "--launcher", w.bin("chargehand"))
	}
	return h.stand.Launch()
}

// direct is the way to the host past all proxies.
func (h *host) direct() (*client.Client, error) {
	url, err := h.stand.Where()
	if err != nil {
		return nil, err
	}
	return client.New(url, h.stand.Key), nil
}

func (h *host) answers(ctx context.Context) error {
	api, err := h.direct()
	if err != nil {
		return err
	}
	defer api.Close()
	return api.Ready(ctx)
}

// balance asks again and again whether the host is ready, as what stands
// between platform and hosts does.
func (h *host) balance() {
	ctx, cancel := context.WithCancel(context.Background())
	h.stop, h.ended = cancel, make(chan struct{})
	h.fit.Store(true)
	go func() {
		defer close(h.ended)
		for wait(ctx, 200*time.Millisecond) {
			asked, done := context.WithTimeout(ctx, time.Second)
			h.fit.Store(h.api.Ready(asked) == nil)
			done()
		}
	}()
}

func (w *world) openShops(ctx context.Context) error {
	api, err := w.hosts[0].direct()
	if err != nil {
		return err
	}
	defer api.Close()
	simulator := w.simulator.Load()
	var sites []string
	for i := range w.plan.Size.Shops {
		s := stand.Shop{Fulfiller: fmt.Sprintf("fulfiller-%d", i+1), Channel: fmt.Sprintf("channel-%d", i+1), Site: fmt.Sprintf("test_chaos%d", i+1)}
		if i == 0 && w.plan.Size.AtOnce {
			s.Settle = "at_once"
		}
		w.shops, sites = append(w.shops, s), append(sites, s.Site)
	}
	if err := simulator.AddSites(ctx, sites...); err != nil {
		return err
	}
	for i := range w.shops {
		if err := stand.OpenShop(ctx, api, simulator, &w.shops[i]); err != nil {
			return fmt.Errorf("open %s: %w", w.shops[i].Fulfiller, err)
		}
	}
	return nil
}

// close ends everything in order, and removes what was written unless the run
// failed.
func (w *world) close(failed bool) error {
	for _, h := range w.hosts {
		if h.stop != nil {
			h.stop()
			<-h.ended
		}
		if h.api != nil {
			h.api.Close()
		}
		h.unit.stop()
	}
	w.database.stop()
	w.gateway.stop()
	for _, l := range w.links {
		l.close()
	}
	var err error
	if w.disk != nil {
		if failed {
			err = w.disk.keep(filepath.Join(w.dir, "disk-kept"))
		}
		err = errors.Join(err, w.disk.release())
	}
	if w.dir == "" || failed {
		return err
	}
	return errors.Join(err, os.RemoveAll(w.dir))
}
