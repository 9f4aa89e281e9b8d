package conformance

import (
	"crypto/rand"
	"slices"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymentcheck"
)

const (
	lookQuery  = `plugin/README.md, "Query"`
	lookAdjust = `plugin/README.md, "Adjust"`
)

func newReference() payment.Reference {
	return payment.Reference(rand.Text()[:payment.MaxReference])
}

func queryCases() []testCase {
	return []testCase{
		{"query.reference", "a charge is found by its reference, with what it was sent with", lookQuery, func(e *exam) {
			r, made := e.approved(payment.SettleRecorded)
			if found := e.one(r); found.ID != made.ID {
				e.fail("the answer to the charge names the transaction %s, the query %s", made.ID, found.ID)
			}
		}},
		{"query.id", "a charge is found by the gateway's own name of it", lookQuery, func(e *exam) {
			r, _ := e.approved(payment.SettleRecorded)
			byReference := e.one(r)
			result, err := e.query(e.lookups(payment.Lookup{ID: byReference.ID, Asked: r.Settle}))
			e.right(err, "look it up by id")
			if len(result.Transactions) != 1 || result.Transactions[0].ID != byReference.ID || result.Transactions[0].Outcome != byReference.Outcome {
				e.fail("by reference it finds %+v, by id %+v", byReference, result.Transactions)
			}
		}},
		{"query.hundred", "a hundred lookups at a time find the one that is there", lookQuery, func(e *exam) {
			r, _ := e.approved(payment.SettleRecorded)
			e.one(r)
			lookups := make([]payment.Lookup, payment.MaxLookups)
			for i := range lookups {
				lookups[i] = payment.Lookup{Reference: newReference(), Asked: payment.SettleRecorded}
			}
			lookups[payment.MaxLookups/2].Reference = r.Reference
			result, err := e.query(e.lookups(lookups...))
			e.right(err, "look up a hundred")
			if len(result.Transactions) != 1 || result.Transactions[0].Reference != r.Reference {
				e.fail("one of a hundred is there, and it finds %d", len(result.Transactions))
			}
		}},
		{"query.unknown", "what is not there is not found, and that is an answer", lookQuery, func(e *exam) {
			lookups := []payment.Lookup{{Reference: newReference(), Asked: payment.SettleRecorded}}
			if id := e.cfg.Profile.MissingID; id != "" {
				lookups = append(lookups, payment.Lookup{ID: payment.TransactionID(id)})
			}
			result, err := e.query(e.lookups(lookups...))
			e.right(err, "look up what is not there")
			if len(result.Transactions) > 0 {
				e.fail("it finds %+v", result.Transactions)
			}
		}},
		{"query.asked", "a suspended charge is held if it was to settle at once, and not known if nobody says what was asked", lookQuery, func(e *exam) {
			r, _ := e.approved(payment.SettleRecorded)
			e.one(r)
			for asked, want := range map[payment.SettleMode]payment.Outcome{
				payment.SettleAtOnce: payment.OutcomeHeld, payment.SettleUnspecified: payment.OutcomeUnknown,
			} {
				result, err := e.query(e.lookups(payment.Lookup{Reference: r.Reference, Asked: asked}))
				e.right(err, "look it up")
				if len(result.Transactions) != 1 || result.Transactions[0].Outcome != want {
					e.fail("looked up as sent with %q, a suspended charge is %q; it answers %+v", asked, want, result.Transactions)
				}
			}
		}},
		{"query.invalid", "what could not be right is refused as invalid", lookQuery, func(e *exam) {
			for _, spoiled := range paymentcheck.Queries() {
				r := e.lookups(payment.Lookup{Reference: newReference()})
				spoiled.Spoil(&r)
				result, err := e.query(r)
				if err == nil || payment.KindOf(err) != payment.ErrorInvalid || len(result.Transactions) > 0 {
					e.fail("a query with %s must be refused as invalid; it answers %v", spoiled.Name, err)
				}
			}
		}},
		{"query.credentials", "refused credentials are an error: nothing was found out", lookQuery, func(e *exam) {
			r := e.lookups(payment.Lookup{Reference: newReference()})
			r.Access = e.refusedAccess()
			_, err := e.query(r)
			if err == nil || payment.KindOf(err) != payment.ErrorUnauthorized {
				e.fail("it must be the error %q; it answers %v", payment.ErrorUnauthorized, err)
			}
		}},
		{"query.doubt", "a query without a right answer is an error, never an empty result", lookQuery + ": absence makes the host charge again", queryDoubt},
	}
}

func queryDoubt(e *exam) {
	r, _ := e.approved(payment.SettleRecorded)
	e.one(r)
	for _, d := range doubts {
		if d.name == "other-answer" {
			continue // see query.reference: what was not asked for
		}
		f := d.fault()
		e.front.set(f)
		result, err := e.query(e.lookups(payment.Lookup{Reference: r.Reference, Asked: r.Settle}))
		e.front.set(nil)
		if err == nil {
			e.fail("%s: no error, and %d transactions", d.about, len(result.Transactions))
		}
	}
}

func adjustCases() []testCase {
	return []testCase{
		{"adjust.release", "a release lets a held charge settle, and can be repeated", lookAdjust, func(e *exam) {
			e.claims(payment.CapabilityRelease)
			r, t := e.approved(payment.SettleRecorded)
			for range 2 {
				e.adjust(payment.Adjustment{ID: t.ID, Action: payment.ActionRelease})
				e.becomes(r, "released", payment.Status.Released)
			}
		}},
		{"adjust.cancel", "a cancelled charge never settles", lookAdjust, func(e *exam) {
			e.claims(payment.CapabilityCancel)
			r, t := e.approved(payment.SettleRecorded)
			e.adjust(payment.Adjustment{ID: t.ID, Action: payment.ActionCancel})
			e.becomes(r, "cancelled", isCancelled)
		}},
		{"adjust.each", "each adjustment has its own answer, in the order of the request, and one that fails stops no other", lookAdjust, func(e *exam) {
			e.claims(payment.CapabilityRelease)
			e.claims(payment.CapabilityCancel)
			if e.cfg.Profile.MissingID == "" {
				e.omit("the profile has no missing_id")
			}
			first, a := e.approved(payment.SettleRecorded)
			second, b := e.approved(payment.SettleRecorded)
			answers := e.adjust(
				payment.Adjustment{ID: a.ID, Action: payment.ActionRelease},
				payment.Adjustment{ID: payment.TransactionID(e.cfg.Profile.MissingID), Action: payment.ActionRelease},
				payment.Adjustment{ID: b.ID, Action: payment.ActionCancel},
			)
			if answers[1].Accepted {
				e.fail("it says that the gateway accepted the release of what is not there")
			}
			e.becomes(first, "released", payment.Status.Released)
			e.becomes(second, "cancelled", isCancelled)
		}},
		{"adjust.hundred", "a hundred at a time", lookAdjust, func(e *exam) {
			e.claims(payment.CapabilityRelease)
			adjustments := make([]payment.Adjustment, 0, payment.MaxAdjustments)
			var last payment.ChargeRequest
			for _, m := range e.hundred() {
				adjustments = append(adjustments, payment.Adjustment{ID: m.id, Action: payment.ActionRelease})
				last = m.request
			}
			e.adjust(adjustments...)
			e.becomes(last, "released", payment.Status.Released)
			for _, t := range e.lookUpAll(e.hundred()) {
				if !t.Status.Released() {
					e.fail("after a hundred releases in one call, %s has the status %q", t.ID, t.Status)
				}
			}
		}},
		{"adjust.invalid", "what could not be right is refused as invalid, and nothing is done in part", lookAdjust, func(e *exam) {
			r, t := e.approved(payment.SettleRecorded)
			for _, spoiled := range paymentcheck.Adjustments() {
				request := payment.AdjustRequest{Access: e.account(), Adjustments: []payment.Adjustment{{ID: t.ID, Action: payment.ActionCancel}}}
				spoiled.Spoil(&request)
				_, err, w := e.tryAdjust(request)
				if err == nil || payment.KindOf(err) != payment.ErrorInvalid || !payment.NotSent(err) || w.count("") > 0 {
					e.fail("%s must be refused as invalid and not sent; it answers %v, and the gateway got %d requests", spoiled.Name, err, w.count(""))
				}
			}
			if found := e.one(r); found.Status != payment.StatusSuspended {
				e.fail("after refused adjustments the charge has the status %q", found.Status)
			}
		}},
		{"adjust.doubt", "an adjustment without a right answer is neither done nor not sent", lookAdjust + `, and "Sent or not sent"`, adjustDoubt},
	}
}

func isCancelled(s payment.Status) bool { return s == payment.StatusCancelled }

func adjustDoubt(e *exam) {
	e.claims(payment.CapabilityRelease)
	_, t := e.approved(payment.SettleRecorded)
	for _, d := range doubts {
		if d.name == "other-answer" {
			continue // an answer to a charge is none to an adjustment
		}
		e.front.set(d.fault())
		result, err, _ := e.tryAdjust(payment.AdjustRequest{
			Access: e.account(), Adjustments: []payment.Adjustment{{ID: t.ID, Action: payment.ActionRelease}},
		})
		e.front.set(nil)
		switch {
		case err != nil && payment.NotSent(err):
			e.fail("%s: the request was sent, and it claims that nothing was", d.about)
		case err == nil && slices.ContainsFunc(result.Adjusted, func(a payment.Adjusted) bool { return a.Accepted }):
			e.fail("%s: it says that the gateway accepted the release", d.about)
		}
	}
}

func (e *exam) tryAdjust(r payment.AdjustRequest) (payment.AdjustResult, error, *window) { //nolint:revive,staticcheck // The error is the gateway's answer.
	ctx, cancel := e.limit()
	defer cancel()
	w := e.front.open()
	result, err := e.plugin().gateway.Adjust(ctx, r)
	e.note(result, err)
	return result, err, w
}

// adjust makes adjustments, and checks that each has its answer.
func (e *exam) adjust(adjustments ...payment.Adjustment) []payment.Adjusted {
	result, err, _ := e.tryAdjust(payment.AdjustRequest{Access: e.account(), Adjustments: adjustments})
	e.right(err, "adjust")
	if len(result.Adjusted) != len(adjustments) {
		e.fail("%d adjustments get %d answers", len(adjustments), len(result.Adjusted))
	}
	for i, a := range adjustments {
		if result.Adjusted[i].ID != a.ID {
			e.fail("the answer to adjustment %d is about %s; it must be about %s, in the order of the request", i+1, result.Adjusted[i].ID, a.ID)
		}
	}
	return result.Adjusted
}

// becomes reads back until the charge has the status.
func (e *exam) becomes(r payment.ChargeRequest, what string, is func(payment.Status) bool) {
	var status payment.Status
	if !until(e.ctx, showLimit, func() bool {
		status = e.one(r).Status
		return is(status)
	}) {
		e.fail("it must be %s, and the query says %q", what, status)
	}
}
