// Package trustpayments charges stored cards through Trust Payments.
//
// It implements payment.Gateway on top of package webservices, which speaks
// the wire. Here lies what the words on the wire mean.
//
// # How an answer is read
//
// One function reads the answer to an AUTH and the record that a query finds,
// from three things: the error code, by the table in codes.csv; the settle
// status; and the way of settling that was asked for.
//
//	code                            settle status      outcome
//	----                            -------------      -------
//	0                               0, 1, 100          approved
//	0                               10                 approved; pending if the payment is no card payment
//	0                               2                  approved if it was asked for, held if not, else unknown
//	0                               3                  approved, with the status cancelled: it was authorised once
//	0                               missing, other     unknown
//	declined_soft, declined_hard    3, missing         declined
//	config, invalid_request         3, missing         rejected
//	any but 0                       any but 3          unknown: the answer contradicts itself
//	all other classes                                  unknown
//	not in the table, or missing                       unknown
//
// The answer to Charge has to pass more: exactly one element of the right
// type; reference, amount, currency, parent, site and mode as they were sent,
// wherever they are told; a transaction reference beside code 0; and no
// authorisation that is cancelled in the same breath. What fails here is
// unknown, and a query has to tell.
//
// Above the codes stands HTTP: 401 is rejected, and for the site's settings to
// mend; 400 is rejected as this plugin's own fault, without pausing anything,
// because no setting mends it; every other status, and everything that can't
// be read, is unknown.
//
// # What it does not do
//
// It keeps nothing between calls, never asks again inside Charge, never sends
// card numbers, and does not decide whether to charge again. Refunds and
// notifications are not offered.
package trustpayments
