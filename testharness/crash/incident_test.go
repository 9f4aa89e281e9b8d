package crash

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/stand"
)

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
	if r.plan.action == "slow" {
		return nil
	}
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
	if r.plan.action == "plugin" {
		return r.killPlugin(ctx)
	}
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
		r.died = time.Now()
		return r.start(ctx, "again", nil)
	}
	halted := time.Now()
	woken := time.After(r.at(stopped))
	if r.plan.action == "nap" {
		woken = time.After(r.at(napped))
	} else if r.plan.driver != "sqlite" {
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

// killPlugin kills the process that the host runs for its plugin. Another one
// takes its place.
func (r *run) killPlugin(ctx context.Context) error {
	list, err := r.host().Plugins(ctx)
	if err != nil {
		return err
	}
	for _, p := range list {
		if p.Name != stand.Plugin || p.PID == 0 {
			continue
		}
		process, err := os.FindProcess(p.PID)
		if err != nil {
			return err
		}
		return process.Kill()
	}
	return errors.New("the host does not tell its plugin's process")
}
