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
// # How a window of time is read
//
// The gateway lists up to 500 records of a site and a stretch of time, says
// nothing of those it leaves out, and has no pages. So a page is a slice of
// the window: an hour at first, twice as long after a thin one, up to a day;
// one with 500 records or more is not believed, comes as an empty page, and is
// asked for again at half its length. Where the slice lies travels in the
// cursor, with a sum over region, site and window.
//
// Whether the gateway counts the two seconds that bound a slice is not
// documented. It is asked for a second more at the beginning and for the end
// itself, and what lies outside the slice is dropped here. The finest slice is
// a second, which so takes in up to three: a site with 500 transactions in
// three seconds can't be listed there, and that is an error.
//
// All records are given, whoever made them and of whatever kind, and read as
// if nobody had said how they were asked to settle. An answer that finds less
// than there is can't be told from one that is right: the lag is not known,
// and whoever sweeps has to look for something that must be there.
//
// # What it does not do
//
// It keeps nothing between calls, never asks again inside Charge, never sends
// card numbers, and does not decide whether to charge again. Refunds and
// notifications are not offered.
package trustpayments
