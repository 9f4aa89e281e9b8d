package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/chargehand/chargehand/shared/payment"
)

// Change is what an upgrade, a roll-back or a restart came to.
type Change struct {
	// Changed is false if what was asked for is in force already.
	Changed  bool
	Current  Release
	Previous Release // zero if there is nothing to roll back to
	// Draining counts the calls that the old process still has in flight.
	Draining int
}

// replacement is a wish for another generation.
type replacement struct {
	verb string // "upgrade"
	// choose says which version it is to be, and whether that is in force
	// already. It is called under the right to start.
	choose func() (c *choice, inForce bool, err error)
	// compatible has what would lose settings refused.
	compatible bool
	// unasked is a wish of no person: failures count as before.
	unasked bool
}

// upgrade replaces the running generation by one of the version that is
// installed, or that lies elsewhere.
func (s *supervisor) upgrade(ctx context.Context, from string) (Change, error) {
	return s.replace(ctx, replacement{verb: "upgrade", compatible: true, choose: func() (*choice, bool, error) {
		at, now, err := s.look()
		if err == nil {
			s.set(func(*Status) { s.seen = now })
		}
		c := &choice{plugin: at, installed: at.manifest}
		if from != "" {
			// What is installed may be out of order then, and stays unused.
			c.plugin, err = elsewhere(from, s.name)
		}
		if err != nil {
			return nil, false, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		inForce := s.choice != nil && s.choice.recorded && s.choice.plugin.manifest.same(c.plugin.manifest)
		return c, inForce && s.current.Load() != nil, nil
	}})
}

// rollback goes back to the version before. from is the checksum of the version
// to leave, empty for whichever it is: the same wish twice must not lead back
// to where it began.
func (s *supervisor) rollback(ctx context.Context, from string) (Change, error) {
	return s.replace(ctx, replacement{verb: "rollback", choose: func() (*choice, bool, error) {
		if is := s.report().SHA256; from != "" && !strings.EqualFold(from, is) {
			return nil, false, &payment.Error{Kind: payment.ErrorConflict, Text: fmt.Sprintf(
				"the version to leave, %.12s, is not the one in force, %.12s: somebody else has changed it; look at `chargehand plugin list`", from, is)}
		}
		r, found, err := s.store.find(s.name)
		if err != nil {
			return nil, false, err
		}
		if !found || r.Previous == nil {
			return nil, false, &payment.Error{Kind: payment.ErrorConflict, Text: "there is no version to go back to: none was replaced yet"}
		}
		at, _, err := s.look()
		c := &choice{installed: at.manifest}
		if err != nil {
			c.installed = r.Installed
		}
		c.plugin, err = s.recorded(*r.Previous, at)
		return c, false, err
	}})
}

// restart replaces the running generation by one of the same version, or starts
// one if there is none, quarantined or not.
func (s *supervisor) restart(ctx context.Context) (Change, error) {
	return s.replace(ctx, replacement{verb: "restart", choose: func() (*choice, bool, error) {
		c, err := s.choose()
		return c, false, err
	}})
}

// replace starts a generation beside the one that is called, and has it called
// in its place once it is well; the old one is drained and ended afterwards. If
// anything goes wrong, or ctx ends, the old one goes on as if nothing had been.
func (s *supervisor) replace(ctx context.Context, w replacement) (Change, error) {
	if !s.begin() {
		return Change{}, s.refused(w, &payment.Error{Kind: payment.ErrorUnavailable, Text: "the host is about to stop, or has not started its plugins yet"})
	}
	defer s.work.Done()
	if !s.replacing.TryLock() {
		return Change{}, s.refused(w, &payment.Error{Kind: payment.ErrorConflict, Text: "it is being replaced at this moment; look at `chargehand plugin list` and try again"})
	}
	defer s.replacing.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	unlink := context.AfterFunc(s.ctx, cancel)
	defer unlink()
	if !s.acquireStart(ctx) {
		return Change{}, s.refused(w, s.interrupted(ctx))
	}
	defer s.releaseStart()

	c, inForce, err := w.choose()
	switch {
	case err != nil:
		return Change{}, s.refused(w, err)
	case inForce:
		return s.changed(false, nil), nil
	}
	g, err := s.launch(ctx, c.plugin)
	if err != nil {
		s.tidy()
		if ctx.Err() != nil {
			err = s.interrupted(ctx)
		}
		return Change{}, s.refused(w, err)
	}
	if err := s.compare(w, g); err != nil {
		s.retire(g, ending{reason: ExitReplaced})
		return Change{}, s.refused(w, err)
	}
	before, had, err := s.store.find(s.name)
	if err == nil {
		err = s.record(ctx, c)
	}
	if err != nil {
		s.retire(g, ending{reason: ExitReplaced})
		return Change{}, s.refused(w, err)
	}
	old, published := s.publish(g, c)
	if !published {
		s.unrecord(before, had)
		s.retire(g, ending{reason: ExitStopped})
		return Change{}, s.refused(w, s.interrupted(ctx))
	}
	if !w.unasked {
		s.set(func(*Status) { s.failures.forget() })
	}
	change := s.changed(true, old)
	s.log.Info("the plugin was replaced", "by", w.verb, "version", change.Current.Version, "previous", change.Previous.Version, "draining", change.Draining)
	if old != nil {
		s.work.Go(func() { s.retire(old, ending{reason: ExitReplaced, drain: s.cfg.Timing.Drain}) })
	}
	return change, nil
}

// begin has stop wait for what follows, until work.Done.
func (s *supervisor) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running {
		s.work.Add(1)
	}
	return s.running
}

// compare refuses a new generation, or says what gets lost with it.
func (s *supervisor) compare(w replacement, g *generation) error {
	s.mu.Lock()
	described := s.described
	s.mu.Unlock()
	why := incompatible(described, g.description)
	switch {
	case len(why) == 0, described.Name == "": // none has come up yet
		return nil
	case w.compatible:
		return &payment.Error{Kind: payment.ErrorConflict, Text: fmt.Sprintf(
			"version %s does not go with the settings that are saved: %s; install a version that does, "+
				"or install this one in the folder of plugins and restart the host if you mean it",
			clip(g.description.Version), strings.Join(why, "; "))}
	}
	s.log.Warn("the plugin does not go with all settings that are saved", "by", w.verb, "version", g.description.Version, "why", strings.Join(why, "; "))
	return nil
}

// unrecord takes back what was written for a version that is not in force after
// all.
func (s *supervisor) unrecord(before record, had bool) {
	err := s.store.change(context.WithoutCancel(s.ctx), func(b book) {
		if had {
			b.Plugins[s.name] = before
		} else {
			delete(b.Plugins, s.name)
		}
	})
	if err != nil {
		s.log.Error("which version is in force can't be written down; after a restart it may be another", "error", err)
	}
}

func (s *supervisor) changed(changed bool, old *generation) Change {
	st := s.report()
	c := Change{Changed: changed, Current: Release{Version: st.Version, SHA256: st.SHA256}, Previous: st.Previous}
	if old != nil {
		c.Draining = old.calls()
	}
	return c
}

// interrupted says why ctx has ended.
func (s *supervisor) interrupted(ctx context.Context) error {
	text := "the request ended before the new process was ready"
	if s.ctx.Err() != nil {
		text = "the host is about to stop"
	}
	return &payment.Error{Kind: payment.ErrorUnavailable, Text: text, Err: ctx.Err()}
}

// refused says what was not done, why, and how things stand.
func (s *supervisor) refused(w replacement, err error) error {
	e := &payment.Error{Kind: payment.ErrorInvalid, Text: err.Error(), Err: err}
	if known, ok := errors.AsType[*payment.Error](err); ok {
		e.Kind, e.Field, e.Text = known.Kind, known.Field, known.Text
	}
	st := s.report()
	stands := fmt.Sprintf("version %s goes on serving", st.Version)
	if s.current.Load() == nil {
		stands = fmt.Sprintf("the plugin is %s, as before", st.State)
	}
	e.Text = fmt.Sprintf("%s of the plugin %s: %s; %s", w.verb, s.name, e.Text, stands)
	return e
}
