package paymenttest

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/chargehand/chargehand/shared/payment"
)

// Fake is a Memory to test against: it records each call, loses answers when
// told to, and any verb can be given another behaviour, also while calls run:
//
//	fake := paymenttest.NewFake()
//	fake.OnCharge(func(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
//		return payment.ChargeResult{}, &payment.Error{Kind: payment.ErrorUnavailable, NotSent: true}
//	})
//
// A behaviour of one's own reaches the built-in one as fake.Memory.
type Fake struct {
	*Memory

	mu        sync.Mutex
	on        verbs
	calls     []Call
	lost      int
	processed bool
}

var _ payment.Gateway = (*Fake)(nil)

// Verb is the name of one of the gateway's methods.
type Verb string

// The verbs.
const (
	VerbDescribe  Verb = "describe"
	VerbValidate  Verb = "validate settings"
	VerbPreflight Verb = "preflight"
	VerbCharge    Verb = "charge"
	VerbQuery     Verb = "query"
	VerbAdjust    Verb = "adjust"
)

// Call is one call that was made. Request is the verb's request; nil for
// VerbDescribe.
type Call struct {
	Verb    Verb
	Request any
}

type verbs struct {
	describe  func(context.Context) (payment.Description, error)
	validate  func(context.Context, payment.SettingsRequest) (payment.SettingsReport, error)
	preflight func(context.Context, payment.PreflightRequest) (payment.PreflightReport, error)
	charge    func(context.Context, payment.ChargeRequest) (payment.ChargeResult, error)
	query     func(context.Context, payment.QueryRequest) (payment.QueryResult, error)
	adjust    func(context.Context, payment.AdjustRequest) (payment.AdjustResult, error)
}

// NewFake returns a fake that behaves as Memory does.
func NewFake() *Fake { return &Fake{Memory: &Memory{}} }

// OnDescribe sets what Describe does; nil is the built-in again.
func (f *Fake) OnDescribe(do func(context.Context) (payment.Description, error)) {
	f.set(func(v *verbs) { v.describe = do })
}

// OnValidateSettings sets what ValidateSettings does; nil is the built-in again.
func (f *Fake) OnValidateSettings(do func(context.Context, payment.SettingsRequest) (payment.SettingsReport, error)) {
	f.set(func(v *verbs) { v.validate = do })
}

// OnPreflight sets what Preflight does; nil is the built-in again.
func (f *Fake) OnPreflight(do func(context.Context, payment.PreflightRequest) (payment.PreflightReport, error)) {
	f.set(func(v *verbs) { v.preflight = do })
}

// OnCharge sets what Charge does; nil is the built-in again.
func (f *Fake) OnCharge(do func(context.Context, payment.ChargeRequest) (payment.ChargeResult, error)) {
	f.set(func(v *verbs) { v.charge = do })
}

// OnQuery sets what Query does; nil is the built-in again.
func (f *Fake) OnQuery(do func(context.Context, payment.QueryRequest) (payment.QueryResult, error)) {
	f.set(func(v *verbs) { v.query = do })
}

// OnAdjust sets what Adjust does; nil is the built-in again.
func (f *Fake) OnAdjust(do func(context.Context, payment.AdjustRequest) (payment.AdjustResult, error)) {
	f.set(func(v *verbs) { v.adjust = do })
}

// LoseAnswers makes the next n charges come back as payment.OutcomeUnknown:
// processed says whether the transaction was made all the same.
func (f *Fake) LoseAnswers(n int, processed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lost, f.processed = n, processed
}

// Calls gives the calls so far, in the order in which they began.
func (f *Fake) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Count tells how often a verb was called.
func (f *Fake) Count(verb Verb) int {
	n := 0
	for _, c := range f.Calls() {
		if c.Verb == verb {
			n++
		}
	}
	return n
}

// Charges gives the requests to charge so far.
func (f *Fake) Charges() []payment.ChargeRequest {
	var requests []payment.ChargeRequest
	for _, c := range f.Calls() {
		if r, ok := c.Request.(payment.ChargeRequest); ok {
			requests = append(requests, r)
		}
	}
	return requests
}

// Describe implements payment.Gateway.
func (f *Fake) Describe(ctx context.Context) (payment.Description, error) {
	if do := f.begin(VerbDescribe, nil).describe; do != nil {
		return do(ctx)
	}
	return f.Memory.Describe(ctx)
}

// ValidateSettings implements payment.Gateway.
func (f *Fake) ValidateSettings(ctx context.Context, r payment.SettingsRequest) (payment.SettingsReport, error) {
	if do := f.begin(VerbValidate, r).validate; do != nil {
		return do(ctx, r)
	}
	return f.Memory.ValidateSettings(ctx, r)
}

// Preflight implements payment.Gateway.
func (f *Fake) Preflight(ctx context.Context, r payment.PreflightRequest) (payment.PreflightReport, error) {
	if do := f.begin(VerbPreflight, r).preflight; do != nil {
		return do(ctx, r)
	}
	return f.Memory.Preflight(ctx, r)
}

// Charge implements payment.Gateway.
func (f *Fake) Charge(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
	if do := f.begin(VerbCharge, r).charge; do != nil {
		return do(ctx, r)
	}
	return f.Memory.Charge(ctx, f.losing(r))
}

// Query implements payment.Gateway.
func (f *Fake) Query(ctx context.Context, r payment.QueryRequest) (payment.QueryResult, error) {
	if do := f.begin(VerbQuery, r).query; do != nil {
		return do(ctx, r)
	}
	return f.Memory.Query(ctx, r)
}

// Adjust implements payment.Gateway.
func (f *Fake) Adjust(ctx context.Context, r payment.AdjustRequest) (payment.AdjustResult, error) {
	if do := f.begin(VerbAdjust, r).adjust; do != nil {
		return do(ctx, r)
	}
	return f.Memory.Adjust(ctx, r)
}

func (f *Fake) set(change func(*verbs)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.on)
}

// begin records a call, and gives the behaviours as they are now.
func (f *Fake) begin(verb Verb, request any) verbs {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, Call{Verb: verb, Request: request})
	return f.on
}

// losing marks a charge whose answer is to be lost.
func (f *Fake) losing(r payment.ChargeRequest) payment.ChargeRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lost == 0 {
		return r
	}
	f.lost--
	return LoseAnswer(r, f.processed)
}

// LoseAnswer asks Memory, wherever it runs, to lose the answer to one charge.
func LoseAnswer(r payment.ChargeRequest, processed bool) payment.ChargeRequest {
	settings := payment.Settings{}
	maps.Copy(settings, r.Access.Settings)
	settings[FieldAnswer] = AnswerLostBefore
	if processed {
		settings[FieldAnswer] = AnswerLostAfter
	}
	r.Access.Settings = settings
	return r
}
