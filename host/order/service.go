package order

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/step"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// Intake is one order with its charges, to be written as one.
type Intake struct {
	Order   Order
	Charges []*charge.Charge
}

// Store keeps orders. Package chargedb implements it.
type Store interface {
	// Intake writes an order, its charges and their first attempts in one
	// commit, shared with others'. If the channel has an order of that name
	// already, nothing is written and existing is true: ask Order for it.
	Intake(ctx context.Context, in Intake) (existing bool, err error)
	// Order finds an order by its channel and name; payment.ErrorNotFound.
	Order(ctx context.Context, channel settings.CompanyID, reference string) (Order, []*charge.Charge, error)
	// OrderByID finds an order by our id; payment.ErrorNotFound.
	OrderByID(ctx context.Context, id charge.OrderID) (Order, []*charge.Charge, error)
	// Cancel notes the cancellation of an order and of all its charges, in one
	// commit. Again is the same.
	Cancel(ctx context.Context, id charge.OrderID, at time.Time, reason string) error
}

// Companies is what is needed of the settings.
type Companies interface {
	CompanyByReference(ctx context.Context, t settings.CompanyType, reference string) (settings.Company, error)
	LinkFor(ctx context.Context, channel settings.CompanyID, fulfillerReference string) (settings.Link, error)
}

// Engine is what is needed of the charging engine.
type Engine interface {
	// Prepare completes new charges with their first attempt: started under
	// this host's lease if there is room to send it at once, planned
	// otherwise. Every charge prepared is given to Begin or to Abandon.
	Prepare(ctx context.Context, c *charge.Charge)
	// Begin goes on with charges that are written down.
	Begin(cs []*charge.Charge)
	// Abandon gives back the room of charges that were not written down.
	Abandon(cs []*charge.Charge)
	// Cancel takes in the cancellation of the charges' order.
	Cancel(ctx context.Context, ids []charge.ID, by, reason string) error
	// Confirm takes in that the order of these charges was posted again.
	Confirm(ctx context.Context, cs []*charge.Charge, by string) error
	// Listen listens for the answers to charges from now on. The function, which
	// must be called once, with the charges as they are now, waits until each is
	// more than "wait" or until is closed, and gives them as they were told last.
	Listen(cs []*charge.Charge) (wait func(until <-chan struct{}, now []*charge.Charge) []*charge.Charge)
}

// Service takes orders in.
type Service struct {
	cfg Config
}

// Config is what a Service needs. All of it is required.
type Config struct {
	Store     Store
	Companies Companies
	Engine    Engine
	Namer     *charge.Namer
	Now       func() time.Time
}

// New makes a Service.
func New(cfg Config) *Service { return &Service{cfg: cfg} }

// Place takes an order in. created is false if it was there already. With
// until it keeps the answer back until every charge has more than "wait" to
// say, or until that is closed; nil is not to wait. Errors are *payment.Error:
// ErrorInvalid names the field, ErrorConflict tells that the order was posted
// before with another content.
func (s *Service) Place(ctx context.Context, p Placement, by string, until <-chan struct{}) (o Order, cs []*charge.Charge, created bool, err error) {
	// As exact as the database keeps it, so that it is answered the same again.
	now := s.cfg.Now().UTC().Truncate(time.Microsecond)
	if err := p.Validate(now); err != nil {
		return Order{}, nil, false, err
	}
	in, refused, err := s.build(ctx, p, by, now)
	if err != nil {
		return Order{}, nil, false, err
	}
	if refused != nil {
		// What was taken in once is answered as before, whatever the rules are now.
		o, cs, err := s.again(ctx, in, by, until)
		if payment.KindOf(err) == payment.ErrorNotFound {
			err = refused
		}
		return o, cs, false, err
	}
	in, existing, err := s.take(ctx, in)
	if err != nil {
		return Order{}, nil, false, fmt.Errorf("take order %q in: %w", p.Reference, err)
	}
	if existing {
		o, cs, err := s.again(ctx, in, by, until)
		return o, cs, false, err
	}
	if until == nil {
		s.cfg.Engine.Begin(in.Charges)
		step.At(step.OrderTaken)
		return in.Order, in.Charges, true, nil
	}
	// Whoever listens before anything has begun misses nothing, and has nothing
	// to read again.
	wait := s.cfg.Engine.Listen(in.Charges)
	s.cfg.Engine.Begin(in.Charges)
	step.At(step.OrderTaken)
	o, cs = s.patient(ctx, in, in.Order, wait(until, in.Charges))
	return o, cs, true, nil
}

// take prepares an order's charges and writes it. If charging is stopped in
// between, nothing is started, and the order is taken all the same.
func (s *Service) take(ctx context.Context, bare Intake) (in Intake, existing bool, err error) {
	for range 2 {
		in = Intake{Order: bare.Order}
		for _, c := range bare.Charges {
			in.Charges = append(in.Charges, c.Clone())
		}
		for _, c := range in.Charges {
			s.cfg.Engine.Prepare(ctx, c)
		}
		step.At(step.OrderPrepared)
		existing, err = s.cfg.Store.Intake(ctx, in)
		if err != nil || existing {
			s.cfg.Engine.Abandon(in.Charges)
		}
		if !errors.Is(err, charge.ErrStopped) {
			break
		}
	}
	if err == nil && !existing {
		step.At(step.IntakeCommitted)
	}
	return in, existing, err
}

// build looks up whom the order concerns. refused is why a new order would not
// be charged.
func (s *Service) build(ctx context.Context, p Placement, by string, now time.Time) (in Intake, refused, err error) {
	channel, err := s.cfg.Companies.CompanyByReference(ctx, settings.SalesChannel, p.Channel)
	if err != nil {
		return Intake{}, nil, named(err, "channel", "no sales channel is called %q here; create it first", p.Channel)
	}
	o := Order{
		ID: charge.OrderID(newID()), ChannelID: channel.ID, Reference: p.Reference, PlacedAt: p.PlacedAt.UTC().Truncate(time.Microsecond),
		ContentHash: p.contentHash(), CreatedAt: now, CreatedBy: by,
	}
	in.Order = o
	for i, part := range p.Parts {
		field := fmt.Sprintf("parts[%d].fulfiller", i)
		link, err := s.cfg.Companies.LinkFor(ctx, channel.ID, part.Fulfiller)
		if err != nil {
			return Intake{}, nil, named(err, field, "the sales channel %q has no link with a fulfiller called %q; create it first", p.Channel, part.Fulfiller)
		}
		if err := chargeable(link, p.PlacedAt, now, field); err != nil {
			refused = err
		}
		in.Charges = append(in.Charges, &charge.Charge{
			ID: charge.ID(newID()), OrderID: o.ID, ChannelID: channel.ID, FulfillerID: link.FulfillerID,
			LinkID: link.ID, Plugin: link.Plugin, Purpose: charge.PurposeOrder, Amount: part.Amount,
			Stem: s.cfg.Namer.Stem(charge.Names{
				Channel: p.Channel, Order: p.Reference, Fulfiller: part.Fulfiller, Purpose: charge.PurposeOrder,
			}),
			PlacedAt: o.PlacedAt, CreatedAt: now, UpdatedAt: now, CheckedAt: now, Version: 1,
		})
	}
	return in, refused, nil
}

// chargeable holds the rules on when an order is charged by itself at all.
func chargeable(l settings.Link, placed, now time.Time, field string) error {
	switch {
	case l.State != settings.LinkOn:
		return conflict(field, "charging is switched off for this link; switch it on in the settings")
	case placed.Before(l.StartAt):
		return conflict("placed_at", "the order was placed before charging began on this link (%s); charge it by other means", l.StartAt.UTC().Format(time.RFC3339))
	case l.MaxOrderAgeDays > 0 && placed.Before(now.AddDate(0, 0, -l.MaxOrderAgeDays)):
		return conflict("placed_at", "the order is more than %d days old; orders of that age are not charged by themselves", l.MaxOrderAgeDays)
	}
	return nil
}

// again answers a second post of an order, which is also the word that it is
// still wanted.
func (s *Service) again(ctx context.Context, in Intake, by string, until <-chan struct{}) (Order, []*charge.Charge, error) {
	o, cs, err := s.find(ctx, in)
	if err != nil {
		return o, cs, err
	}
	if err := s.cfg.Engine.Confirm(ctx, cs, by); err != nil {
		return o, cs, fmt.Errorf("confirm order %q: %w", o.Reference, err)
	}
	if until == nil {
		return o, cs, nil
	}
	wait := s.cfg.Engine.Listen(cs)
	// What was decided before we listened is not told again.
	if _, now, err := s.find(ctx, in); err == nil {
		cs = now
	}
	o, cs = s.patient(ctx, in, o, wait(until, cs))
	return o, cs, nil
}

// patient reads once more what was not decided while we waited: it may have
// gone on all the same.
func (s *Service) patient(ctx context.Context, in Intake, o Order, cs []*charge.Charge) (Order, []*charge.Charge) {
	if slices.ContainsFunc(cs, func(c *charge.Charge) bool { return !c.Told() }) {
		if o, now, err := s.find(context.WithoutCancel(ctx), in); err == nil {
			return o, now
		}
	}
	return o, cs
}

// find reads an order that was posted before, with the same content.
func (s *Service) find(ctx context.Context, in Intake) (Order, []*charge.Charge, error) {
	o, cs, err := s.cfg.Store.Order(ctx, in.Order.ChannelID, in.Order.Reference)
	if err != nil {
		return Order{}, nil, fmt.Errorf("read order %q: %w", in.Order.Reference, err)
	}
	if o.ContentHash != in.Order.ContentHash {
		return Order{}, nil, conflict("reference", "order %q is here already with another amount, currency or fulfiller; a changed order needs a new reference", o.Reference)
	}
	return o, cs, nil
}

// Get finds an order that the actor may see.
func (s *Service) Get(ctx context.Context, actor settings.Actor, id charge.OrderID) (Order, []*charge.Charge, error) {
	if !isID(id) {
		return Order{}, nil, notFound()
	}
	o, cs, err := s.cfg.Store.OrderByID(ctx, id)
	if err != nil {
		return Order{}, nil, err
	}
	return visible(actor, o, cs)
}

// GetByReference finds an order by the platform's names.
func (s *Service) GetByReference(ctx context.Context, actor settings.Actor, channel, reference string) (Order, []*charge.Charge, error) {
	c, err := s.cfg.Companies.CompanyByReference(ctx, settings.SalesChannel, channel)
	if payment.KindOf(err) == payment.ErrorNotFound {
		return Order{}, nil, notFound()
	}
	if err != nil {
		return Order{}, nil, fmt.Errorf("look up the sales channel: %w", err)
	}
	o, cs, err := s.cfg.Store.Order(ctx, c.ID, reference)
	if err != nil {
		return Order{}, nil, err
	}
	return visible(actor, o, cs)
}

// visible leaves what the actor may see: the platform all, a channel its own
// orders, a fulfiller its own charges.
func visible(actor settings.Actor, o Order, cs []*charge.Charge) (Order, []*charge.Charge, error) {
	if actor.Kind == settings.ActorPlatform || actor.Company == o.ChannelID {
		return o, cs, nil
	}
	var own []*charge.Charge
	for _, c := range cs {
		if c.FulfillerID == actor.Company {
			own = append(own, c)
		}
	}
	if len(own) == 0 {
		return Order{}, nil, notFound()
	}
	return o, own, nil
}

// Cancel stops an order: nothing new is attempted, and what the gateway holds
// for it is let go, now or when it shows up. Only the platform may.
func (s *Service) Cancel(ctx context.Context, actor settings.Actor, id charge.OrderID, reason string) (Order, []*charge.Charge, error) {
	if actor.Kind != settings.ActorPlatform {
		return Order{}, nil, &payment.Error{Kind: payment.ErrorForbidden, Text: "only the platform cancels orders; use its key"}
	}
	if len(reason) > 500 {
		return Order{}, nil, invalid("reason", "it has %d bytes; the most is 500", len(reason))
	}
	if !isID(id) {
		return Order{}, nil, notFound()
	}
	_, cs, err := s.cfg.Store.OrderByID(ctx, id)
	if err != nil {
		return Order{}, nil, err
	}
	if err := s.cfg.Store.Cancel(ctx, id, s.cfg.Now().UTC(), reason); err != nil {
		return Order{}, nil, fmt.Errorf("cancel order: %w", err)
	}
	step.At(step.CancelNoted)
	ids := make([]charge.ID, len(cs))
	for i, c := range cs {
		ids[i] = c.ID
	}
	if err := s.cfg.Engine.Cancel(ctx, ids, actor.Name, reason); err != nil {
		return Order{}, nil, fmt.Errorf("cancel order: %w", err)
	}
	step.At(step.CancelTaken)
	return s.cfg.Store.OrderByID(ctx, id)
}

// isID tells whether it may be one of our ids: what is none is not even asked
// for, as a database may not take its bytes.
func isID[T ~string](id T) bool {
	u, err := uuid.Parse(string(id))
	return err == nil && u.String() == string(id)
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func conflict(field, format string, args ...any) error {
	return &payment.Error{Kind: payment.ErrorConflict, Field: field, Text: fmt.Sprintf(format, args...)}
}

func notFound() error {
	return &payment.Error{Kind: payment.ErrorNotFound, Text: "there is no such order"}
}

// named turns "not found" into what the sender can act on.
func named(err error, field, format string, args ...any) error {
	if e, ok := errors.AsType[*payment.Error](err); ok && e.Kind == payment.ErrorNotFound {
		return invalid(field, format, args...)
	}
	return fmt.Errorf("look up %s: %w", field, err)
}
