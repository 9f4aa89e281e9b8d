package conformance

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymentcheck"
	pb "github.com/chargehand/chargehand/shared/paymentv1"
	"github.com/chargehand/chargehand/shared/pluginrpc"
)

// exam is one case while it runs. Its methods end the case where they find
// that something is wrong.
type exam struct {
	*Kit
	ctx  context.Context //nolint:containedctx // It lives as long as the case.
	name string
}

// fail ends the case as failed.
func (e *exam) fail(format string, args ...any) {
	panic(failure{fmt.Sprintf(format, args...)})
}

// omit ends the case as not examined.
func (e *exam) omit(format string, args ...any) {
	panic(omission{fmt.Sprintf(format, args...)})
}

// right fails if there is an error.
func (e *exam) right(err error, what string) {
	if err != nil {
		e.fail("%s: %v", what, err)
	}
}

// plugin is the process that the cases share; a new one if the last has died.
func (e *exam) plugin() *subject {
	if e.current == nil {
		e.current = e.begin()
	}
	return e.current
}

// own is a process for this case alone, and what ends it.
func (e *exam) own() (*subject, func()) {
	s := e.begin()
	return s, func() { e.end(s) }
}

// begin starts a process. A plugin that can't be started is tried once.
func (e *exam) begin() *subject {
	if e.lame != "" {
		e.omit("%s", e.lame)
	}
	s, err := e.start(e.ctx)
	if err != nil {
		reason := fmt.Sprintf("the plugin does not start; see handshake.start (%v)", e.secrets.mask(err.Error()))
		if !e.started {
			e.lame = reason
		}
		e.omit("%s", reason)
	}
	e.started = true
	return s
}

// account makes sure that charges can be tried: it reads from the settings
// where they lead. It asks the plugin once.
func (e *exam) account() payment.Access {
	if e.unready != "" {
		e.omit("%s", e.unready)
	}
	if e.access.Settings != nil {
		return e.access
	}
	ctx, cancel := e.limit()
	defer cancel()
	p := e.plugin()
	var err error
	if e.description, err = p.gateway.Describe(ctx); err == nil {
		var report payment.SettingsReport
		report, err = p.gateway.ValidateSettings(ctx, payment.SettingsRequest{Settings: e.settings})
		e.profile = report.Profile
		if err == nil && len(report.Problems) > 0 {
			err = fmt.Errorf("%s", report.Problems[0].Text)
		}
	}
	if err != nil {
		e.unready = "the plugin does not describe itself or does not take the profile's settings; see describe.schema and settings.right (" + err.Error() + ")"
		e.omit("%s", e.unready)
	}
	e.access = payment.Access{Company: "company1", Settings: e.settings, Endpoint: e.profile.Endpoint, Site: e.profile.Site}
	e.sequence = 1
	return e.access
}

// changed is the access with other settings.
func (e *exam) changed(changes map[string]string) payment.Access {
	access := e.account()
	access.Settings = with(e.settings, e.values.fillAll(changes))
	return access
}

func (e *exam) limit() (context.Context, context.CancelFunc) {
	return context.WithTimeout(e.ctx, e.cfg.CallLimit)
}

// can reports whether the plugin claims the capability.
func (e *exam) can(capability string) bool {
	e.account()
	return slices.Contains(e.description.Capabilities, capability)
}

// claims leaves the case out if the plugin does not claim the capability.
func (e *exam) claims(capability string) {
	if !e.can(capability) {
		panic(exception{fmt.Sprintf("the plugin does not claim the capability %q", capability)})
	}
}

// request is a charge that the simulator approves.
func (e *exam) request(settle payment.SettleMode) payment.ChargeRequest {
	access := e.account()
	e.sequence++
	return payment.ChargeRequest{
		Access: access, Reference: payment.Reference(rand.Text()[:payment.MaxReference]), Amount: e.cfg.Profile.amount(),
		Stored: e.profile.Stored, Settle: settle, Mode: e.profile.Mode, Sequence: e.sequence, SendBefore: time.Now().Add(e.cfg.CallLimit),
	}
}

// charged is a charge and what came of it.
type charged struct {
	request payment.ChargeRequest
	result  payment.ChargeResult
	err     error
	window  *window
	took    time.Duration
}

// notSent reports whether the plugin claims that nothing was sent.
func (c charged) notSent() bool {
	if c.err != nil {
		return payment.NotSent(c.err)
	}
	return c.result.Outcome == payment.OutcomeNotSent
}

// said is the answer in words.
func (c charged) said() string {
	if c.err != nil {
		return fmt.Sprintf("the error %q of the kind %q (not sent: %t)", c.err, payment.KindOf(c.err), payment.NotSent(c.err))
	}
	return fmt.Sprintf("the outcome %q (%s)", c.result.Outcome, clip(c.result.Reason))
}

// charge makes a charge through the shared process.
func (e *exam) charge(r payment.ChargeRequest) charged {
	return e.chargeBy(e.plugin().gateway, r)
}

func (e *exam) chargeBy(gateway payment.Gateway, r payment.ChargeRequest) charged {
	ctx, cancel := e.limit()
	defer cancel()
	return e.chargeWithin(ctx, gateway, r)
}

func (e *exam) chargeWithin(ctx context.Context, gateway payment.Gateway, r payment.ChargeRequest) charged {
	c := charged{request: r, window: e.front.open()}
	begun := time.Now()
	c.result, c.err = gateway.Charge(ctx, r)
	c.took = time.Since(begun)
	e.noteCharge(c)
	if n := c.window.count(""); n > 1 {
		e.watch.broken(caseOnce, "in %s, the gateway got %d requests for one charge", e.name, n)
	}
	return c
}

// noteCharge keeps what the cases at the end judge.
func (e *exam) noteCharge(c charged) {
	e.watch.charges.Add(1)
	e.watch.mu.Lock()
	e.watch.sent[string(c.request.Reference)] = !c.notSent()
	e.watch.mu.Unlock()
	e.note(c.result, c.err)
	if c.err == nil {
		if err := paymentcheck.ChargeResult(c.result); err != nil {
			e.watch.broken(caseAnswerForm, "in %s, the answer to a charge: %v", e.name, err)
		}
	}
}

// note looks through an answer of any kind.
func (e *exam) note(answer any, err error) {
	e.watch.answers.Add(1)
	encoded, _ := json.Marshal(answer) //nolint:errchkjson // The domain's words always encode.
	said := string(encoded)
	if err != nil {
		said += err.Error()
		if wrong := paymentcheck.Error(err); wrong != nil {
			e.watch.broken(caseAnswerForm, "in %s: %v", e.name, wrong)
		}
	}
	if e.secrets.in(said) {
		e.watch.broken(caseAnswerSecrets, "in %s, an answer holds a secret: %q", e.name, clip(e.secrets.mask(said)))
	}
}

// query looks something up.
func (e *exam) query(r payment.QueryRequest) (payment.QueryResult, error) {
	ctx, cancel := e.limit()
	defer cancel()
	e.front.open()
	result, err := e.plugin().gateway.Query(ctx, r)
	e.note(result, err)
	for _, t := range result.Transactions {
		if wrong := paymentcheck.Transaction(t); wrong != nil {
			e.watch.broken(caseAnswerForm, "in %s, the answer to a query: %v", e.name, wrong)
		}
	}
	return result, err
}

func (e *exam) lookups(lookups ...payment.Lookup) payment.QueryRequest {
	return payment.QueryRequest{Access: e.account(), Lookups: lookups}
}

// showLimit is how long a gateway may take to show what was just made.
const showLimit = 10 * time.Second

// found looks a charge up by its reference until the gateway shows it.
func (e *exam) found(r payment.ChargeRequest) []payment.Transaction {
	e.settle()
	lookup := e.lookups(payment.Lookup{Reference: r.Reference, Asked: r.Settle})
	var result payment.QueryResult
	until(e.ctx, showLimit, func() bool {
		var err error
		result, err = e.query(lookup)
		e.right(err, "look the charge up")
		return len(result.Transactions) > 0
	})
	return result.Transactions
}

// one is the one transaction of a charge.
func (e *exam) one(r payment.ChargeRequest) payment.Transaction {
	found := e.found(r)
	if len(found) != 1 {
		e.fail("the charge %s was made once, and a query by its reference finds %d transactions", r.Reference, len(found))
	}
	t := found[0]
	for _, same := range []struct {
		what      string
		got, want any
	}{
		{"reference", t.Reference, r.Reference},
		{"amount", t.Amount, r.Amount},
		{"parent", t.Parent, r.Stored},
		{"kind", t.Kind, payment.KindAuthorisation},
		{"site", t.Site, r.Access.Site},
		{"mode", t.Mode, r.Mode},
	} {
		if same.got != same.want {
			e.fail("the query says of the charge that its %s is %q; it is %q", same.what, same.got, same.want)
		}
	}
	return t
}

// none makes sure that a charge left nothing alive.
func (e *exam) none(r payment.ChargeRequest) {
	e.settle()
	result, err := e.query(e.lookups(payment.Lookup{Reference: r.Reference, Asked: r.Settle}))
	e.right(err, "look the charge up")
	for _, t := range result.Transactions {
		if t.Live() {
			e.fail("the charge came to nothing, and a query finds the transaction %s with the outcome %q and the status %q", t.ID, t.Outcome, t.Status)
		}
	}
}

// settle waits until the simulator has done what it was asked.
func (e *exam) settle() {
	if !until(e.ctx, forwardLimit, e.front.settled) {
		e.omit("the simulator does not answer")
	}
}

// approved makes a charge that is approved.
func (e *exam) approved(settle payment.SettleMode) (payment.ChargeRequest, payment.Transaction) {
	r := e.request(settle)
	c := e.charge(r)
	e.approves(c)
	return r, *c.result.Transaction
}

// approves checks the answer to a charge that the simulator approved.
func (e *exam) approves(c charged) {
	switch {
	case c.err != nil || c.result.Outcome != payment.OutcomeApproved:
		e.fail("the gateway approved the charge, and the plugin answers %s", c.said())
	case c.result.Transaction == nil:
		e.fail("the plugin answers approved, and names no transaction")
	case c.result.Transaction.Reference != c.request.Reference || c.result.Transaction.Amount != c.request.Amount:
		e.fail("the plugin answers with the transaction of %q over %s; asked was %q over %s", c.result.Transaction.Reference,
			c.result.Transaction.Amount, c.request.Reference, c.request.Amount)
	}
}

// tampered changes calls behind the back of the protocol's client, which would
// refuse them itself.
type tampered struct {
	grpc.ClientConnInterface
	change func(context.Context, any) context.Context
}

// Invoke implements grpc.ClientConnInterface.
func (t tampered) Invoke(ctx context.Context, method string, args, reply any, options ...grpc.CallOption) error {
	return t.ClientConnInterface.Invoke(t.change(ctx, args), method, args, reply, options...)
}

// tamper is the gateway of a process, with charges changed on their way.
func (s *subject) tamper(change func(context.Context, *pb.ChargeRequest) context.Context) payment.Gateway {
	return pluginrpc.NewClient(tampered{s.conn, func(ctx context.Context, args any) context.Context {
		if r, ok := args.(*pb.ChargeRequest); ok {
			return change(ctx, r)
		}
		return ctx
	}})
}
