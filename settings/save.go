package settings

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/chargehand/chargehand/shared/payment"
)

// SaveFulfiller changes a fulfiller's settings for a plugin. The platform and
// the fulfiller itself may. *Invalid tells all that is wrong, links that are
// on and would stop working included; ErrorConflict that others were first;
// ErrorUnavailable that the plugin can't be asked. Nothing is half saved.
func (s *Service) SaveFulfiller(ctx context.Context, a Actor, id CompanyID, plugin string, e Edit) (View, error) {
	sc, err := s.fulfillerScope(ctx, a, id, plugin)
	if err != nil {
		return View{}, err
	}
	if err := s.save(ctx, a, sc, e); err != nil {
		return View{}, err
	}
	return s.ViewFulfiller(ctx, a, id, plugin)
}

// SaveLink changes what a link has of its own. The platform and the fulfiller
// may. Errors are as those of SaveFulfiller.
func (s *Service) SaveLink(ctx context.Context, a Actor, id LinkID, e Edit) (View, error) {
	l, _, err := s.ownLink(ctx, a, id)
	if err != nil {
		return View{}, err
	}
	if err := s.save(ctx, a, linkScope(l), e); err != nil {
		return View{}, err
	}
	return s.ViewLink(ctx, a, id)
}

func (s *Service) fulfillerScope(ctx context.Context, a Actor, id CompanyID, plugin string) (Scope, error) {
	if !a.platform() && !a.is(id) {
		return Scope{}, noSuch("company")
	}
	c, err := s.company(ctx, id)
	if err != nil {
		return Scope{}, err
	}
	if c.Type != Fulfiller {
		return Scope{}, forbidden("only fulfillers have settings of their own; a sales channel sees those of its links")
	}
	return ownScope(id, plugin), nil
}

func ownScope(id CompanyID, plugin string) Scope {
	return Scope{Owner: payment.OwnerFulfiller, ID: string(id), Fulfiller: id, Plugin: plugin}
}

func linkScope(l Link) Scope {
	return Scope{Owner: payment.OwnerLink, ID: string(l.ID), Fulfiller: l.FulfillerID, Plugin: l.Plugin}
}

func (s *Service) save(ctx context.Context, a Actor, sc Scope, e Edit) error {
	if e.Reason != "" {
		if err := checkName("reason", e.Reason, MaxReason); err != nil {
			return err
		}
	}
	if err := retryStale(func() error { return s.trySave(ctx, a, sc, e) }); err != nil {
		return refusal(err, "save settings")
	}
	s.caches.heads.forget()
	return nil
}

// trySave works on one revision from the first look to the write.
func (s *Service) trySave(ctx context.Context, a Actor, sc Scope, e Edit) error {
	d, err := s.desk(ctx, sc.Plugin)
	if err != nil {
		return err
	}
	revision, err := s.store.Revision(ctx, sc.Fulfiller, sc.Plugin)
	if err != nil {
		return fmt.Errorf("read revision: %w", err)
	}
	current, old, err := s.current(ctx, sc)
	if err != nil {
		return err
	}
	if current.Number != e.Seen {
		return conflict("version", "the settings are at version %d%s, the change is based on version %d; read them again and repeat the change", current.Number, by(current), e.Seen)
	}
	problems, err := d.schema.shape(e, sc.Owner)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return &Invalid{Problems: problems}
	}
	next, changes := d.schema.change(current, old, e)
	if len(changes) == 0 {
		return nil
	}
	uses, problems, err := s.reach(ctx, d, sc, next, e.removesOnly())
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return &Invalid{Problems: problems}
	}
	v := Version{
		Scope: sc, Number: current.Number + 1, Changes: changes, Reason: e.Reason, At: s.moment(), By: a.Name,
		Plain: map[string]string{},
	}
	secrets := map[string]string{}
	for name, value := range next {
		if d.schema.secret(current, name) {
			secrets[name] = value
		} else {
			v.Plain[name] = value
		}
	}
	if v.Sealed, v.KeyID, err = s.sealer.seal(ctx, sc, v.Number, secrets); err != nil {
		return err
	}
	err = s.store.AddVersion(ctx, v, revision, uses)
	if taken, ok := errors.AsType[*CardTakenError](err); ok {
		return refuseTaken(sc, taken, uses)
	}
	return err
}

func by(v Version) string {
	if v.Number == 0 {
		return " (none were saved yet)"
	}
	return ", saved by " + v.By
}

func (e Edit) removesOnly() bool {
	for _, v := range e.Set {
		if v != "" {
			return false
		}
	}
	return true
}

// current gives the newest version and its values, secrets open.
func (s *Service) current(ctx context.Context, sc Scope) (Version, payment.Settings, error) {
	v, err := s.store.Current(ctx, sc)
	if err != nil {
		return Version{}, nil, fmt.Errorf("read settings: %w", err)
	}
	values, err := s.sealer.values(ctx, v)
	return v, values, err
}

// secret reports whether a field has to be sealed: the schema says so, or it
// was sealed when the schema still knew it.
func (sc *schema) secret(current Version, name string) bool {
	if f, known := sc.byName[name]; known {
		return f.Secret()
	}
	_, sealed := current.Sealed[name]
	return sealed
}

// change applies an edit whose shape is right.
func (sc *schema) change(current Version, old payment.Settings, e Edit) (payment.Settings, []FieldChange) {
	next := payment.Settings{}
	for name, v := range old {
		next[name] = v
	}
	for _, name := range e.Remove {
		delete(next, name)
	}
	for name, v := range e.Set {
		if v == "" {
			delete(next, name)
		} else {
			next[name] = v
		}
	}
	names := sorted(old)
	for name := range next {
		if _, had := old[name]; !had {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var changes []FieldChange
	for _, name := range names {
		before, had := old[name]
		after, has := next[name]
		if before == after {
			continue
		}
		c := FieldChange{Field: name, Label: name, Act: ActChanged, Secret: sc.secret(current, name)}
		if f, known := sc.byName[name]; known {
			c.Label = f.Label
		}
		switch {
		case !had:
			c.Act = ActSet
		case !has:
			c.Act = ActRemoved
		}
		// What was stored as a secret stays one in the history.
		if _, wasSealed := current.Sealed[name]; !c.Secret && !wasSealed {
			c.Old, c.New = before, after
		} else {
			c.Secret = true
		}
		changes = append(changes, c)
	}
	return next, changes
}
