package gateway

import (
	"slices"
	"strings"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/rules"
	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// payment is an AUTH or ACCOUNTCHECK as it was asked for.
type payment struct {
	kind, site, account, parent, order string
	// chained is set in a chain: parent is then what came before, and the card
	// may be in the element all the same.
	chained                        bool
	currency                       string
	amount                         int64
	status                         int // as asked: 0, 1 or 2
	due                            time.Time
	card                           card // without a parent
	hasNumber                      bool
	expiry, authMethod             string
	credentialsOnFile, reason      string
	subscriptionType, subscription string
	checks                         [3]string // address, postcode, security code
	origin                         string
	details                        []detail
	method                         *method   // nil for cards
	transfer                       *transfer // of methods that send the customer to a bank

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
func readPayment(r *request, today time.Time) payment {
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
	if r.parent != "" {
		p.parent, p.chained = r.parent, true
	}
	p.bad = p.readFields(e, today)
	return p
}

// readFields reads what needs checking and returns the name of the first field
// that is wrong.
func (p *payment) readFields(e *element, today time.Time) (bad string) {
	for _, name := range []string{
		"orderreference", "currencyiso3a", "authmethod", "credentialsonfile", "initiationreason",
		"subscriptiontype", "subscriptionnumber", "settlestatus", "settleduedate",
	} {
		if !e.isText(name) {
			return name
		}
	}
	var ok bool
	p.amount, ok = rules.Amount(e.text("baseamount"))
	switch {
	case !ok && (p.kind == typeAuth || e.Get("baseamount").Kind != wire.Absent), p.kind == typeAuth && p.amount == 0:
		return "baseamount"
	case p.currency == "" && p.parent == "", p.currency != "" && !rules.IsCurrency(p.currency):
		return "currencyiso3a"
	case len(p.order) > maxOrderReference || strings.ContainsFunc(p.order, func(r rune) bool { return r < ' ' }):
		return "orderreference"
	case !slices.Contains([]string{"", "FINAL", "PRE", "INCREMENTAL"}, p.authMethod):
		return "authmethod"
	case !slices.Contains([]string{"", "0", "1", "2"}, p.credentialsOnFile):
		return "credentialsonfile"
	case !slices.Contains([]string{"", "A", "C", "D"}, p.reason):
		return "initiationreason"
	case !slices.Contains([]string{"", "RECURRING", "INSTALLMENT"}, p.subscriptionType):
		return "subscriptiontype"
	case p.subscription != "" && !rules.Digits(p.subscription, 5):
		return "subscriptionnumber"
	}
	if bad := p.readSettlement(e, today); bad != "" {
		return bad
	}
	if bad := p.readDetails(e); bad != "" {
		return bad
	}
	if p.method != nil {
		return p.method.read(p, e)
	}
	return p.readCard(e)
}

func (p *payment) readSettlement(e *element, today time.Time) (bad string) {
	switch e.text("settlestatus") {
	case "", "0":
	case "1":
		p.status = StatusManual
	case "2":
		p.status = StatusSuspended
	default:
		return "settlestatus"
	}
	text := e.text("settleduedate")
	if text == "" {
		return ""
	}
	limit := 7 * day
	if p.authMethod == "PRE" {
		limit = 31 * day
	}
	due, err := time.Parse(time.DateOnly, text)
	if err != nil || due.Before(today) || due.After(today.Add(limit)) {
		return "settleduedate"
	}
	p.due = due
	return ""
}

func (p *payment) readCard(e *element) (bad string) {
	p.checks = [3]string{addressResult(e.text("billingpremise")), postcodeResult(e.text("billingpostcode")), "0"}
	p.hasNumber = e.Get("pan").Kind != wire.Absent
	switch {
	case p.chained && !p.hasNumber:
		return ""
	case p.parent != "" && !p.chained && p.hasNumber:
		return "pan"
	case p.parent != "" && !p.chained:
		return ""
	}
	var ok bool
	if p.card, ok = findCard(e.text("pan")); !ok {
		return "pan"
	}
	if p.expiry, ok = rules.Expiry(e.text("expirydate")); !ok {
		return "expirydate"
	}
	p.checks[2] = securityCodeResult(e.text("securitycode"), p.card.paymentType)
	return ""
}

// refusal is an answer of type ERROR: the request came to nothing.
type refusal struct {
	code string
	data []string
	ref  string // if a reference had been allotted by then
	kind string // ERROR if empty
}

// siteFor returns the site for a user, or the code that refuses it. g.mu is held.
func (g *Gateway) siteFor(u *user, reference string) (*Site, string) {
	site, known := g.sites[reference]
	switch {
	case !known:
		return nil, codeUnknownSite
	case !u.sees(reference):
		return nil, codeSiteNotAlias
	}
	return site, ""
}

// parentFor finds the stored card. g.mu is held.
func (g *Gateway) parentFor(u *user, p *payment, site *Site) (*transaction, string) {
	if p.parent == "" {
		return nil, ""
	}
	parent := g.book.byRef[p.parent]
	switch {
	case len(p.parent) > maxParent, parent == nil, !u.sees(parent.site), parent.live != site.Live:
		return nil, codeNoParent
	case parent.transfer != nil:
		return nil, codeNoRepeats
	case parent.code != codeOK, g.latest.Before(parent.doubt),
		parent.status == StatusCancelled && g.switches.CancelledParentRefused:
		return nil, codeInvalidParent
	}
	return parent, ""
}

// accountFault chooses the account by type and currency.
func (p *payment) accountFault(site *Site, parent *transaction) string {
	currency := p.currency
	if currency == "" && parent != nil {
		currency = parent.currency
	}
	switch {
	case p.account == "":
		return codeInvalidField
	case p.method != nil && !p.method.has(p.kind, p.account, currency):
		return codeNoAccount
	case !slices.Contains(site.Accounts, p.account),
		p.kind == typeAccountCheck && p.account == "RECUR",
		len(site.Currencies) > 0 && rules.IsCurrency(currency) && !slices.Contains(site.Currencies, currency):
		return codeNoAccount
	}
	return ""
}

// route is the middle number of the references of such payments.
func (p *payment) route(site *Site) string {
	switch {
	case p.method != nil:
		return p.method.route
	case site.Live:
		return "2"
	default:
		return "9"
	}
}

// against checks the fields, also against the parent.
func (p *payment) against(parent *transaction, site *Site) *refusal {
	switch {
	case p.bad != "":
		return &refusal{code: codeInvalidField, data: []string{p.bad}}
	case parent == nil:
		return nil
	case p.currency != "" && p.currency != parent.currency:
		return &refusal{code: codeCurrency}
	case p.reason == "A" && parent.kind == typeAccountCheck:
		return &refusal{code: codeInvalidField, data: []string{"initiationreason"}}
	case p.authMethod == "INCREMENTAL" && parent.authMethod != "PRE":
		return &refusal{code: codeInvalidField, data: []string{"authmethod"}}
	case site.MaxMultiple > 0 && parent.amount > 0 && p.amount/site.MaxMultiple >= parent.amount &&
		p.amount > parent.amount*site.MaxMultiple:
		return &refusal{code: codeRepeatTooBig}
	}
	return nil
}

// transaction makes the record, which inherits card and currency from a parent.
func (p *payment) transaction(ref, user string, parent *transaction, at time.Time) *transaction {
	t := &transaction{
		ref: ref, parent: p.parent, order: p.order, site: p.site, user: user, kind: p.kind, account: p.account,
		currency: p.currency, amount: p.amount, card: p.card, expiry: p.expiry, credentialsOnFile: p.credentialsOnFile,
		subscriptionType: p.subscriptionType, subscriptionNumber: p.subscription, authMethod: p.authMethod,
		origin: p.origin, checks: p.checks, started: at, due: p.due, status: p.status,
		details: p.details, transfer: p.transfer,
	}
	if parent != nil {
		t.currency = parent.currency
	}
	if parent != nil && !p.hasNumber {
		t.card, t.expiry = parent.card, parent.expiry
	}
	if t.kind == typeAccountCheck {
		t.status = StatusPending
	}
	return t
}
