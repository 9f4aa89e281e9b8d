// Package payment holds the words that the host and every payment plugin
// share: amounts, references, outcomes, what a gateway holds of a
// transaction, and the Gateway interface itself.
//
// Two rules run through all of it. A zero value never means success: the
// empty Outcome, Status or Mode is "not known". And doubt has a name of its
// own: a call whose effect is not certain comes back as OutcomeUnknown, and
// only a Query may follow it.
//
// The package imports the standard library alone, keeps no state, and knows
// nothing of transports, databases or any particular gateway.
package payment
