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
	plugins []*installed // sorted by name

	mu      sync.Mutex
	running bool
	stopped bool
}

// installed is one plugin, or what was found in its place.
type installed struct {
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
	h := &Host{}
	for _, f := range all {
		one := &installed{name: f.name, refusal: f.err}
		if f.err == nil {
			one.supervisor = newSupervisor(f.plugin, cfg)
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
	h.mu.Lock()
	if h.running || h.stopped {
		h.mu.Unlock()
		return errors.New("start plugins: they were started before")
	}
	h.running = true
	firsts := make([]chan error, len(h.plugins))
	for i, p := range h.plugins {
		firsts[i] = make(chan error, 1)
		if p.supervisor == nil {
			firsts[i] <- p.refusal
			continue
		}
		p.supervisor.start(firsts[i]) //nolint:contextcheck // It runs until Stop, not until the start's context ends.
	}
	h.mu.Unlock()

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
	return errors.Join(errs...)
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
}

// Gateway gives a plugin's gateway. It stays good whatever becomes of the
// plugin's process: while there is none, calls come back as
// payment.ErrorUnavailable, proven not sent.
func (h *Host) Gateway(name string) (payment.Gateway, error) {
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
			return facade{s: p.supervisor}, nil
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
