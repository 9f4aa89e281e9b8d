package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/chargehand/chargehand/shared/payment"
)

// Host runs the plugins of one folder.
type Host struct {
	cfg     Config
	plugins []*entry // sorted by name
	store   *store

	mu      sync.Mutex
	running bool
	stopped bool
	sockets *sockets
}

// entry is one plugin, or what was found in its place.
type entry struct {
	name       string
	refusal    error
	supervisor *supervisor // nil if refused
}

// New reads the folder of plugins and starts nothing. A plugin that is wrong
// doesn't stop the others: Start tells of it, and Status shows it.
func New(cfg Config) (*Host, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	all, err := catalogue(cfg.Dir)
	if err != nil {
		return nil, err
	}
	if notice := cfg.launcher.Notice(); notice != "" {
		cfg.Logger.Warn(notice)
	}
	h := &Host{cfg: cfg}
	if h.store, err = openStore(cfg.Store); err != nil {
		return nil, err
	}
	for _, f := range all {
		one := &entry{name: f.name, refusal: f.err}
		if f.err == nil {
			one.supervisor = newSupervisor(f.plugin, cfg, h.store)
		}
		h.plugins = append(h.plugins, one)
	}
	return h, nil
}

// Start starts every plugin, and returns when each is ready or has failed its
// first start, or when ctx ends. The error tells of all that are not ready;
// those that failed are started again until Stop, those that were refused are
// not. It is called once.
func (h *Host) Start(ctx context.Context) error {
	firsts, err := h.begin(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for i, p := range h.plugins {
		select {
		case err := <-firsts[i]:
			if err != nil && p.supervisor != nil {
				err = fmt.Errorf("plugin %s: %w", p.name, err)
			}
			errs = append(errs, err)
		case <-ctx.Done():
			errs = append(errs, fmt.Errorf("plugin %s: it was not ready yet: %w", p.name, ctx.Err()))
		}
	}
	if err := h.store.clean(ctx); err != nil {
		h.cfg.Logger.Warn("old copies of plugins can't be removed", "error", err)
	}
	return errors.Join(errs...)
}

func (h *Host) begin(ctx context.Context) ([]chan error, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running || h.stopped {
		return nil, errors.New("start plugins: they were started before")
	}
	names := map[string]bool{}
	for _, p := range h.plugins {
		names[p.name] = true
	}
	if err := h.store.forget(ctx, names); err != nil {
		return nil, err
	}
	var err error
	if h.sockets, err = openSockets(h.cfg.SocketDir, h.cfg.Logger); err != nil {
		return nil, err
	}
	h.running = true
	firsts := make([]chan error, len(h.plugins))
	for i, p := range h.plugins {
		firsts[i] = make(chan error, 1)
		if p.supervisor == nil {
			firsts[i] <- p.refusal
			continue
		}
		p.supervisor.start(h.sockets, firsts[i])
	}
	return firsts, nil
}

// Stop takes no more calls, waits for those in flight, and ends the processes,
// all plugins at a time. The end of ctx cuts the wait short. It may be called
// more than once, and without Start.
func (h *Host) Stop(ctx context.Context) {
	h.mu.Lock()
	running := h.running
	h.stopped = true
	h.mu.Unlock()
	if !running {
		return
	}
	var all sync.WaitGroup
	for _, p := range h.plugins {
		if p.supervisor != nil {
			all.Go(func() { p.supervisor.stop(ctx) })
		}
	}
	all.Wait()
	if err := h.sockets.close(); err != nil {
		h.cfg.Logger.Warn("the folder for sockets can't be removed", "error", err)
	}
}

// Upgrade replaces a plugin's process, with calls running, by one of the version
// that is installed in the folder of plugins now; or, if from is not empty, of
// the one that lies there: a folder, a manifest, or a binary beside its
// manifest. The new process is started and checked beside the old one, which
// goes on if the new one does not come up, and else is drained. What is in force
// already stays as it is.
//
// The error is a *payment.Error: ErrorNotFound for another name, ErrorInvalid
// for a version that is no good, ErrorConflict for one that does not go with the
// settings in use, or while the plugin is being replaced already.
func (h *Host) Upgrade(ctx context.Context, name, from string) (Change, error) {
	s, err := h.find(name)
	if err != nil {
		return Change{}, err
	}
	return s.upgrade(ctx, from)
}

// Rollback replaces a plugin's process by one of the version that was in force
// before. from, unless empty, is the checksum of the version that is to go: if
// another is in force, nothing happens. Errors are as those of Upgrade.
func (h *Host) Rollback(ctx context.Context, name, from string) (Change, error) {
	s, err := h.find(name)
	if err != nil {
		return Change{}, err
	}
	return s.rollback(ctx, from)
}

// Restart replaces a plugin's process by one of the same version, or starts one
// if there is none. It is what ends a quarantine. Errors are as those of
// Upgrade.
func (h *Host) Restart(ctx context.Context, name string) (Change, error) {
	s, err := h.find(name)
	if err != nil {
		return Change{}, err
	}
	return s.restart(ctx)
}

// Gateway gives a plugin's gateway. It stays good whatever becomes of the
// plugin's process: while there is none, calls come back as
// payment.ErrorUnavailable, proven not sent.
func (h *Host) Gateway(name string) (payment.Gateway, error) {
	s, err := h.find(name)
	if err != nil {
		return nil, err
	}
	return facade{s: s}, nil
}

func (h *Host) find(name string) (*supervisor, error) {
	names := make([]string, 0, len(h.plugins))
	for _, p := range h.plugins {
		switch {
		case p.name != name:
			names = append(names, p.name)
		case p.supervisor == nil:
			return nil, &payment.Error{
				Kind: payment.ErrorUnavailable, Op: "find the payment plugin", NotSent: true, Err: p.refusal,
				Text: fmt.Sprintf("the payment plugin %s was refused when the host started; its log says why", name),
			}
		default:
			return p.supervisor, nil
		}
	}
	return nil, &payment.Error{
		Kind: payment.ErrorNotFound, Op: "find the payment plugin", NotSent: true,
		Text: fmt.Sprintf("no payment plugin is named %q; installed are: %s", name, strings.Join(names, ", ")),
	}
}

// Status tells how each plugin does, sorted by name.
func (h *Host) Status() []Status {
	all := make([]Status, 0, len(h.plugins))
	for _, p := range h.plugins {
		if p.supervisor == nil {
			all = append(all, Status{Name: p.name, State: StateRefused, LastError: p.refusal.Error()})
			continue
		}
		all = append(all, p.supervisor.report())
	}
	return all
}
