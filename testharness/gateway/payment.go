package gateway

import (
	"slices"
	"strings"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/rules"
	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// payment is a request that books a transaction, as it was asked for.
type payment struct {
	kind, site, account, parent, order string
	// chained is set in a chain: parent is then what came before, and the card
	// may be in the element all the same.
	chained   bool
	currency  string
	amount    int64
	hasAmount bool
	// main is an amount of main units whose currency is the parent's.
	main                           string
	status                         int // as asked: 0, 1 or 2; some methods take 100
	due                            time.Time
	card                           card // without a parent
	hasCard                        bool
	token                          string // cachetoken
	pares                          string // what the customer's bank said of a THREEDQUERY
	expiry, authMethod             string
	credentialsOnFile, reason      string
	subscriptionType, subscription string
	checks                         [3]string // address, postcode, security code
	origin                         string
	details                        []detail
	method                         *method   // nil for cards
	transfer                       *transfer // of methods that send the customer to a bank
	plan                           *plan     // of a SUBSCRIPTION
	notes                          []detail  // what its answers and records show beside

	// bad is the first field that is wrong.
	bad string
}

// Lengths of what callers choose.
const (
	maxOrderReference = 255
	maxParent         = 25
)

// readPayment reads the fields, without a look at any state. What it keeps is
// cloned: the request, card number included, must not stay in memory with it.
func (g *Gateway) readPayment(r *request, today time.Time) payment {
	e := r.element
	p := payment{
		kind: r.kind, site: strings.Clone(e.text("sitereference")), account: strings.Clone(e.text("accounttypedescription")),
		parent: strings.Clone(e.text("parenttransactionreference")), order: strings.Clone(e.text("orderreference")),
		currency: strings.Clone(e.text("currencyiso3a")), authMethod: strings.Clone(e.text("authmethod")),
		credentialsOnFile: strings.Clone(e.text("credentialsonfile")), reason: strings.Clone(e.text("initiationreason")),
		subscriptionType: strings.Clone(e.text("subscriptiontype")), subscription: strings.Clone(e.text("subscriptionnumber")),
		origin: r.origin, due: today,
	}
	p.method = methods[e.text("paymenttypedescription")]
	switch {
	case r.parent != "":
		p.parent, p.chained = r.parent, true
	case p.parent == "" && p.kind == typeSubscription:
		p.parent = r.before // of the element before
	}
	p.bad = p.readFields(e, today, g.anyCard.Load())
	return p
}

// readFields reads what needs checking and returns the name of the first field
// that is wrong.
func (p *payment) readFields(e *element, today time.Time, anyCard bool) (bad string) {
	for _, name := range []string{
		"orderreference", "currencyiso3a", "authmethod", "credentialsonfile", "initiationreason",
		"subscriptiontype", "subscriptionnumber", "settlestatus", "settleduedate", "paymenttypedescription",
	} {
		if !e.isText(name) {
			return name
		}
	}
	k := kinds[p.kind]
	if bad := p.readAmount(e, k); bad != "" {
		return bad
	}
	switch {
	case p.currency == "" && p.parent == "" && k.needsCurrency, p.currency != "" && !rules.IsCurrency(p.currency):
		return "currencyiso3a"
	case len(p.order) > maxOrderReference || strings.ContainsFunc(p.order, func(r rune) bool { return r < ' ' }):
		return "orderreference"
	}
	if k.read != nil {
		if bad := k.read(p, e); bad != "" {
			return bad
		}
	}
	if bad := p.readSettlement(e, today); bad != "" {
		return bad
	}
	if bad := p.readDetails(e); bad != "" {
		return bad
	}
	switch {
	case p.method != nil:
		return p.method.read(p, e)
	case !isCardType(e.text("paymenttypedescription")):
		return "paymenttypedescription"
	case k.needsCard:
		return p.readCard(e, anyCard)
	}
	return ""
}

// readAmount takes baseamount, or else mainamount.
func (p *payment) readAmount(e *element, k *kind) (bad string) {
	name, given := "baseamount", e.Get("baseamount")
	if given.Kind == wire.Absent && e.Get("mainamount").Kind != wire.Absent {
		name, given = "mainamount", e.Get("mainamount")
	}
	inherited := (k.inherits || p.method != nil && p.method.inherits) && p.parent != ""
	switch {
	case given.Kind == wire.Absent && (!k.needsAmount && p.kind != typeRefund || inherited):
		return ""
	case given.Kind != wire.String:
		return name
	case name == "mainamount" && p.currency == "":
		p.main = strings.Clone(given.Text)
		return ""
	case name == "mainamount":
		p.amount, p.hasAmount = rules.MainAmount(given.Text, p.currency)
	default:
		p.amount, p.hasAmount = rules.Amount(given.Text)
	}
	if !p.hasAmount || p.amount == 0 && (k.needsAmount || k.inherits) {
		return name
	}
	return ""
}

func (p *payment) readSettlement(e *element, today time.Time) (bad string) {
	switch text := e.text("settlestatus"); {
	case text == "", text == "0":
	case text == "1":
		p.status = StatusManual
	case text == "2":
		p.status = StatusSuspended
	case text == "100" && p.method != nil && p.method.atOnce:
		p.status = StatusSettled
	default:
		return "settlestatus"
	}
	text := e.text("settleduedate")
	if text == "" {
		return ""
	}
	due, err := time.Parse(time.DateOnly, text)
	if err != nil || due.Before(today) || due.After(today.Add(holdLimit(p.authMethod))) {
		return "settleduedate"
	}
	p.due = due
	return ""
}

// readAuth reads what AUTH and ACCOUNTCHECK alone have.
func readAuth(p *payment, e *element) (bad string) {
	p.pares = strings.Clone(e.text("pares"))
	switch {
	case !slices.Contains([]string{"", "FINAL", "PRE", "INCREMENTAL"}, p.authMethod):
		return "authmethod"
	case !slices.Contains([]string{"", "0", "1", "2"}, p.credentialsOnFile):
		return "credentialsonfile"
	case !slices.Contains([]string{"", "A", "C", "D"}, p.reason):
		return "initiationreason"
	case !slices.Contains([]string{"", "RECURRING", "INSTALLMENT"}, p.subscriptionType),
		p.account == "RECUR" && p.subscriptionType == "" && p.reason == "":
		return "subscriptiontype"
	case !e.isText("pares"):
		return "pares"
	case p.subscription != "" && !isCount(p.subscription), p.subscriptionType != "" && p.subscription == "":
		return "subscriptionnumber"
	}
	return ""
}

// isCount tells whether the text is a number of a series: 1 to 99999.
func isCount(s string) bool { return rules.Digits(s, 5) && strings.Trim(s, "0") != "" }

// transaction makes the record, which inherits from a parent.
func (p *payment) transaction(ref, user string, parent *transaction, at time.Time) *transaction {
	t := &transaction{
		ref: ref, parent: p.parent, order: p.order, site: p.site, user: user, kind: p.kind, account: p.account,
		currency: p.currency, amount: p.amount, card: p.card, expiry: p.expiry, credentialsOnFile: p.credentialsOnFile,
		subscriptionType: p.subscriptionType, subscriptionNumber: p.subscription, authMethod: p.authMethod,
		origin: p.origin, checks: p.checks, started: at, due: p.due, status: p.status,
		details: p.details, transfer: p.transfer, plan: p.plan, notes: p.notes,
	}
	if parent != nil {
		if t.currency == "" {
			t.currency = parent.currency
		}
		if !p.hasCard {
			t.card, t.expiry = parent.card, parent.expiry
		}
		t.details = inherit(p.details, parent.details)
	}
	if !kinds[p.kind].money {
		t.status = StatusPending
	}
	return t
}
