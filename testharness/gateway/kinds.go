package gateway

import (
	"maps"
	"slices"
)

// kind is what sets one request type that books a transaction apart from the
// others.
type kind struct {
	// accounts are the account types that it may name. One that is fixed is
	// used whatever the element names.
	accounts []string
	fixed    string
	// needsAmount asks for more than zero, needsCurrency for a currency (or a
	// parent that has one), needsCard for a card (or a parent, a token).
	needsAmount, needsCurrency, needsCard bool
	// inherits takes account, currency and amount that are left out from the
	// parent.
	inherits bool
	// bank asks the bank. money moves: it settles, and a failure leaves it at 3.
	bank, money bool
	// shows is set if answers tell a settle status.
	shows bool
	// route is the middle number of its references, if it is not the bank's.
	route string
	// read checks the fields that are its own.
	read func(p *payment, e *element) (bad string)
	// parent refuses what came before it, nil included, before a reference is
	// allotted; against does so after that.
	parent  func(g *Gateway, p *payment, parent *transaction) (code string)
	against func(g *Gateway, p *payment, parent *transaction, site *Site) *refusal
	// approved completes what was approved, before it is booked.
	approved func(g *Gateway, p *payment, t, parent *transaction)
}

// kinds are the request types that book a transaction.
var kinds = map[string]*kind{
	typeAuth: {
		accounts: []string{"ECOM", "MOTO", "RECUR"}, needsAmount: true, needsCurrency: true, needsCard: true, bank: true, money: true, shows: true,
		read: readAuth, parent: (*Gateway).cardParent, against: (*Gateway).againstAuth,
	},
	typeAccountCheck: {
		accounts: []string{"ECOM", "MOTO"}, needsCurrency: true, needsCard: true, bank: true, shows: true,
		read: readAuth, parent: (*Gateway).cardParent, against: (*Gateway).againstAuth,
	},
	typeRefund: {
		accounts: []string{"CFT"}, needsCurrency: true, needsCard: true, inherits: true, bank: true, money: true, shows: true,
		against: (*Gateway).againstRefund, approved: (*Gateway).refunded,
	},
	typeSubscription: {
		accounts: []string{"RECUR"}, fixed: "RECUR", inherits: true, shows: true, route: "64",
		read: readSubscription, against: (*Gateway).againstSubscription, approved: (*Gateway).subscribed,
	},
	typeStore: {accounts: []string{"CARDSTORE"}, needsCard: true},
	typeThreeDQuery: {
		accounts: []string{"ECOM"}, needsAmount: true, needsCurrency: true, needsCard: true, route: "102",
		read: readThreeDQuery, parent: (*Gateway).cardParent, approved: (*Gateway).enrolled,
	},
	typeRiskDec: {
		accounts: []string{"FRAUDCONTROL"}, fixed: "FRAUDCONTROL", needsAmount: true, needsCurrency: true, needsCard: true, inherits: true,
		against: (*Gateway).againstRiskDec, approved: (*Gateway).assessed,
	},
	typeCurrencyRate: {
		accounts: []string{"CURRENCYRATE", "ECOM", "MOTO"}, needsCard: true,
		read: readCurrencyRate,
	},
	typeOrder: {
		accounts: []string{"ECOM"}, needsAmount: true, needsCurrency: true,
		read: readOrder, approved: (*Gateway).ordered,
	},
	typeOrderDetails: {
		accounts: []string{"ECOM"}, inherits: true,
		against: (*Gateway).againstOrderDetails, approved: (*Gateway).orderShown,
	},
	typeIdentity: {accounts: []string{"IDENTITYCHECK"}, fixed: "IDENTITYCHECK", approved: (*Gateway).identified},
}

// bookedTypes are the names of the kinds, sorted.
func bookedTypes() []string { return slices.Sorted(maps.Keys(kinds)) }

// accountFor is the account that a payment goes to, and what refuses it.
func (p *payment) accountFor(site *Site, parent *transaction) (account, code string) {
	k := kinds[p.kind]
	currency := p.currency
	if currency == "" && parent != nil {
		currency = parent.currency
	}
	account = p.account
	allowed := k.accounts
	switch {
	case k.fixed != "":
		account, allowed = k.fixed, []string{k.fixed}
	case k.inherits && parent != nil:
		account, allowed = parent.account, []string{parent.account}
	case p.method != nil && p.method.inherits && account == "" && parent != nil:
		account = parent.account
	}
	switch {
	case account == "":
		return "", codeInvalidField
	case p.method != nil && !p.method.has(p.kind, account, currency),
		p.method != nil && len(site.PaymentTypes) > 0 && !slices.Contains(site.PaymentTypes, p.card.paymentType):
		return "", codeNoAccount
	case p.kind == typeSubscription && !slices.Contains(site.Accounts, account):
		return "", codeNoRecurAccount
	case !slices.Contains(allowed, account), !slices.Contains(site.Accounts, account),
		len(site.Currencies) > 0 && currency != "" && k.needsCurrency && !slices.Contains(site.Currencies, currency):
		return "", codeNoAccount
	}
	return account, ""
}
