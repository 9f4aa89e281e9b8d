package order_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/order"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

var (
	now      = time.Date(2026, 7, 1, 12, 0, 0, 123456789, time.UTC)
	platform = settings.Actor{Kind: settings.ActorPlatform, Name: "shop platform"}
)

const (
	channelID = settings.CompanyID("01900000-0000-7000-8000-000000000001")
	nobodysID = charge.OrderID("01900000-0000-7000-8000-00000000ffff")
)

// store keeps one channel's orders in memory.
type store struct {
	orders  map[string]order.Intake
	intakes int
	err     error
}

func (s *store) Intake(_ context.Context, in order.Intake) (bool, error) {
	if s.err != nil {
		return false, s.err
	}
	if _, ok := s.orders[in.Order.Reference]; ok {
		return true, nil
	}
	s.intakes++
	s.orders[in.Order.Reference] = in
	return false, nil
}

func (s *store) Order(_ context.Context, _ settings.CompanyID, reference string) (order.Order, []*charge.Charge, error) {
	in, ok := s.orders[reference]
	if s.err == nil && !ok {
		return order.Order{}, nil, &payment.Error{Kind: payment.ErrorNotFound, Text: "none"}
	}
	return in.Order, in.Charges, s.err
}

func (s *store) OrderByID(_ context.Context, id charge.OrderID) (order.Order, []*charge.Charge, error) {
	for _, in := range s.orders {
		if in.Order.ID == id {
			return in.Order, in.Charges, s.err
		}
	}
	return order.Order{}, nil, &payment.Error{Kind: payment.ErrorNotFound, Text: "none"}
}

func (s *store) Cancel(context.Context, charge.OrderID, time.Time, string) error { return s.err }

// companies knows the channel "c" and what its links are like.
type companies struct {
	links map[string]settings.Link
	err   error
}

func (c *companies) CompanyByReference(_ context.Context, t settings.CompanyType, reference string) (settings.Company, error) {
	if c.err != nil {
		return settings.Company{}, c.err
	}
	if t != settings.SalesChannel || reference != "c" {
		return settings.Company{}, &payment.Error{Kind: payment.ErrorNotFound, Text: "none"}
	}
	return settings.Company{ID: channelID, Reference: "c"}, nil
}

func (c *companies) LinkFor(_ context.Context, _ settings.CompanyID, fulfiller string) (settings.Link, error) {
	l, ok := c.links[fulfiller]
	if !ok {
		return l, &payment.Error{Kind: payment.ErrorNotFound, Text: "none"}
	}
	return l, nil
}

// engine counts what it is given.
type engine struct {
	order.Engine
	prepared, begun, abandoned, confirmed int
}

func (e *engine) Confirm(context.Context, []*charge.Charge, string) error { e.confirmed++; return nil }
func (e *engine) Prepare(context.Context, *charge.Charge)                 { e.prepared++ }
func (e *engine) Begin(cs []*charge.Charge)                               { e.begun += len(cs) }
func (e *engine) Abandon(cs []*charge.Charge)                             { e.abandoned += len(cs) }

type bed struct {
	*order.Service
	store     *store
	companies *companies
	engine    *engine
}

func newBed(t *testing.T) bed {
	t.Helper()
	namer, err := charge.NewNamer("test", make([]byte, charge.MinNamerKey))
	require.NoError(t, err)
	on := settings.Link{State: settings.LinkOn, StartAt: now.AddDate(-1, 0, 0), MaxOrderAgeDays: 30}
	first, second := on, on
	first.FulfillerID, second.FulfillerID = "F1", "F2"
	b := bed{store: &store{orders: map[string]order.Intake{}}, companies: &companies{links: map[string]settings.Link{"f1": first, "f2": second}}, engine: &engine{}}
	b.Service = order.New(order.Config{Store: b.store, Companies: b.companies, Engine: b.engine, Namer: namer, Now: func() time.Time { return now }})
	return b
}

func placement(parts ...order.Part) order.Placement {
	return order.Placement{Channel: "c", Reference: "r", PlacedAt: now.Add(-time.Hour), Parts: parts}
}

func part(fulfiller string, minor int64) order.Part {
	return order.Part{Fulfiller: fulfiller, Amount: payment.Amount{Minor: minor, Currency: "GBP"}}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	o, cs, created, err := b.Place(t.Context(), placement(part("f2", 2), part("f1", 1)), "me", nil)
	require.NoError(t, err)
	require.True(t, created)
	require.Len(t, cs, 2)
	require.Equal(t, []settings.CompanyID{"F2", "F1"}, []settings.CompanyID{cs[0].FulfillerID, cs[1].FulfillerID}, "as the sender has them")
	require.Equal(t, "me", o.CreatedBy)
	require.Zero(t, o.PlacedAt.Nanosecond()%1000, "more exact than it can be answered again")
	require.NotEqual(t, cs[0].Stem, cs[1].Stem)
	require.Equal(t, engine{prepared: 2, begun: 2}, *b.engine)

	// Again is the same, whatever the order of the parts and of the rules since.
	off := b.companies.links["f1"]
	off.State = settings.LinkOff
	b.companies.links["f1"] = off
	again, _, created, err := b.Place(t.Context(), placement(part("f1", 1), part("f2", 2)), "another", nil)
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, o, again)
	require.Equal(t, 1, b.store.intakes)
	require.Equal(t, engine{prepared: 2, begun: 2, confirmed: 1}, *b.engine)
}

// Any other content under a name that was used is a conflict.
func TestPlaceOtherContent(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	first := placement(part("f1", 1), part("f2", 2))
	_, _, _, err := b.Place(t.Context(), first, "me", nil)
	require.NoError(t, err)
	euro := part("f2", 2)
	euro.Amount.Currency = "EUR"
	for name, parts := range map[string][]order.Part{
		"amount": {part("f1", 1), part("f2", 3)}, "swapped": {part("f1", 2), part("f2", 1)}, "currency": {part("f1", 1), euro}, "fulfiller": {part("f1", 3)},
	} {
		_, _, created, err := b.Place(t.Context(), placement(parts...), "me", nil)
		require.Equal(t, payment.ErrorConflict, payment.KindOf(err), name)
		require.False(t, created)
	}
	require.Equal(t, 1, b.store.intakes)
	require.Equal(t, b.engine.prepared, b.engine.begun+b.engine.abandoned, "room was not given back")
}

// What the rules leave to people is refused as a conflict; what can't be looked
// up names the sender's own field.
func TestPlaceRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(b bed, p *order.Placement)
		kind   payment.ErrorKind
		field  string
		want   string
	}{
		"off":          {func(b bed, _ *order.Placement) { set(b, func(l *settings.Link) { l.State = settings.LinkOff }) }, payment.ErrorConflict, "parts[1].fulfiller", "switched off"},
		"before start": {func(b bed, _ *order.Placement) { set(b, func(l *settings.Link) { l.StartAt = now }) }, payment.ErrorConflict, "placed_at", "before charging began"},
		"too old":      {func(_ bed, p *order.Placement) { p.PlacedAt = now.AddDate(0, 0, -31) }, payment.ErrorConflict, "placed_at", "more than 30 days old"},
		"channel":      {func(_ bed, p *order.Placement) { p.Channel = "d" }, payment.ErrorInvalid, "channel", `no sales channel is called "d"`},
		"fulfiller":    {func(_ bed, p *order.Placement) { p.Parts[1].Fulfiller = "a" }, payment.ErrorInvalid, "parts[1].fulfiller", `no link with a fulfiller called "a"`},
		"ahead":        {func(_ bed, p *order.Placement) { p.PlacedAt = now.Add(order.MaxAhead + time.Second) }, payment.ErrorInvalid, "placed_at", "lies in the future"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			p := placement(part("f2", 2), part("f1", 1))
			test.change(b, &p)
			_, _, _, err := b.Place(t.Context(), p, "me", nil)
			e, ok := errors.AsType[*payment.Error](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, test.kind, e.Kind)
			require.Equal(t, test.field, e.Field)
			require.Contains(t, e.Text, test.want)
			require.Zero(t, b.store.intakes)
			require.Zero(t, b.engine.begun)
		})
	}
}

func set(b bed, change func(*settings.Link)) {
	l := b.companies.links["f1"]
	change(&l)
	b.companies.links["f1"] = l
}

// A store that fails is told as it is, never as an order that isn't there, and
// the room that was taken is given back.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	b := newBed(t)
	o, _, _, err := b.Place(t.Context(), placement(part("f1", 1)), "me", nil)
	require.NoError(t, err)

	b.store.err = broken
	next := placement(part("f1", 1))
	next.Reference = "r2"
	_, _, _, err = b.Place(t.Context(), next, "me", nil)
	require.ErrorIs(t, err, broken)
	require.Equal(t, engine{prepared: 2, begun: 1, abandoned: 1}, *b.engine)
	_, _, err = b.GetByReference(t.Context(), platform, "c", "r")
	require.ErrorIs(t, err, broken)
	_, _, err = b.Get(t.Context(), platform, o.ID)
	require.ErrorIs(t, err, broken)
	_, _, err = b.Cancel(t.Context(), platform, o.ID, "x")
	require.ErrorIs(t, err, broken)

	b.store.err, b.companies.err = nil, broken
	_, _, err = b.GetByReference(t.Context(), platform, "c", "r")
	require.ErrorIs(t, err, broken)
	_, _, _, err = b.Place(t.Context(), next, "me", nil)
	require.ErrorIs(t, err, broken)
}

// Each sees its own: the platform all, the channel its orders, a fulfiller its
// part of them.
func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	o, _, _, err := b.Place(t.Context(), placement(part("f1", 1), part("f2", 2)), "me", nil)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		actor settings.Actor
		want  int
	}{
		"platform":        {platform, 2},
		"channel":         {settings.Actor{Kind: settings.ActorCompany, Company: channelID}, 2},
		"first":           {settings.Actor{Kind: settings.ActorCompany, Company: "F1"}, 1},
		"second":          {settings.Actor{Kind: settings.ActorCompany, Company: "F2"}, 1},
		"another":         {settings.Actor{Kind: settings.ActorCompany, Company: "F3"}, 0},
		"nobody":          {settings.Actor{}, 0},
		"without company": {settings.Actor{Kind: settings.ActorCompany}, 0},
	} {
		got, cs, err := b.Get(t.Context(), test.actor, o.ID)
		_, byName, errByName := b.GetByReference(t.Context(), test.actor, "c", "r")
		if test.want == 0 {
			require.Equal(t, payment.ErrorNotFound, payment.KindOf(err), name)
			require.EqualError(t, errByName, err.Error(), name)
			require.Empty(t, got, name)
			continue
		}
		require.NoError(t, err, name)
		require.NoError(t, errByName, name)
		require.Len(t, cs, test.want, name)
		require.Equal(t, cs, byName, name)
		if test.want == 1 {
			require.Equal(t, test.actor.Company, cs[0].FulfillerID, name)
		}
	}
	for _, id := range []charge.OrderID{nobodysID, "", "x", "\xff", charge.OrderID("01900000-0000-7000-8000-00000000FFFF")} {
		_, _, err := b.Get(t.Context(), platform, id)
		require.Equal(t, payment.ErrorNotFound, payment.KindOf(err), "%q", id)
		_, _, err = b.Cancel(t.Context(), platform, id, "x")
		require.Equal(t, payment.ErrorNotFound, payment.KindOf(err), "%q", id)
	}
	_, _, err = b.Cancel(t.Context(), settings.Actor{Kind: settings.ActorCompany, Company: channelID}, o.ID, "x")
	require.Equal(t, payment.ErrorForbidden, payment.KindOf(err))
}
