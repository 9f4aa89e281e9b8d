package gateway

import (
	"slices"
	"strings"
)

// messages holds the text beside each code that the service may answer with.
// Clients act on the code alone; the text is there for people.
var messages = map[string]string{
	"0":     "Ok",
	"10003": "Invalid card details",
	"10100": "Invalid date",
	"10101": "Invalid date/time",
	"10102": "Invalid details",
	"10103": "Card number does not match card type",
	"10200": "Malformed XML",
	"10201": "XML does not match schema",
	"10202": "Invalid file format",
	"10203": "Empty file contents",
	"10204": "Invalid file contents",
	"10205": "Malformed JSON",
	"10300": "JWT decoding error",
	"10301": "JWT encoding error",
	"10302": "JWT algorithm not supported",
	"10500": "StApi Error",
	"10600": "Invalid fields specified in request",
	"20004": "Missing parent",
	"20005": "Refund requires settled parent or parent thats due to settle today",
	"20006": "Refund requires authorisation parent",
	"20007": "Refund amount too great",
	"20008": "No acquirer specified",
	"20009": "Repeat amount too great",
	"20010": "Split amount too great",
	"20011": "Cannot refund a decline transaction",
	"20012": "Refund requires a settled parent",
	"20013": "Reversal requires a cancelled auth parent",
	"20014": "Cannot override amount in child transaction",
	"20015": "Cannot override currency in child transaction",
	"20018": "Subscription requires RECUR account",
	"20019": "Subscription requires successful parent",
	"20020": "Risk Decisions must have AUTH as parent",
	"20021": "Chargebacks must have AUTH/REFUND as parent",
	"20022": "Refund amount less than Minimum allowed",
	"20023": "Refund requires paypaltransactionid",
	"20024": "Invalid split transaction",
	"20025": "Cannot reverse AUTH processed more than 48 hours ago",
	"20026": "Reversal requires acquirerreferencedata",
	"20027": "Cannot reverse AUTH processed by a different acquirer",
	"20028": "Payment type does not support repeats",
	"20029": "Reversal missing required data",
	"20030": "Missing token",
	"20031": "Subscription with an accountcheck parent not supported on current acquirer",
	"20032": "Subscription cannot be used as a parent",
	"20033": "Invalid parent",
	"20034": "Payment type does not support refunds",
	"20035": "Invalid incremental transaction",
	"20036": "Partial reversals not supported",
	"20037": "THREEDQUERY parent/child must have the same paymenttype as the child",
	"20038": "Payment type does not support card scheme updates",
	"20039": "Cannot reverse AUTH at this time, please try again",
	"20040": "Cannot determine token",
	"21000": "Service Temporarily Disabled",
	"21002": "Invalid username/password",
	"21005": "Password expired",
	"21007": "MyST user account has been locked",
	"21014": "No transaction found",
	"21017": "Invalid request type",
	"21031": "Unable to process request",
	"21038": "Request failed",
	"21041": "Insufficient gateway access privileges",
	"21044": "Sitereference(s) must be a valid site(s)",
	"25000": "Insufficient access privileges",
	"25001": "Coding error",
	"25002": "Insufficient privileges",
	"25003": "Invalid request",
	"30000": "Invalid field",
	"30001": "Unknown site",
	"30002": "Banned card",
	"30003": "Xml element parse error",
	"30004": "Maestro must use SecureCode",
	"30005": "Multiple email addresses must be separated with , or ;",
	"30006": "Invalid sitereference for alias",
	"30007": "Invalid version number",
	"30008": "Unknown user",
	"30009": "Cannot determine account",
	"30010": "Json element parse error",
	"30011": "Wallet type configuration error",
	"30012": "Wallet type not supported on this request",
	"30014": "Token does not support scheme updates",
	"30015": "No changes to update",
	"31000": "The card number you have provided is incorrect, please verify your details and try again",
	"31001": "The security code (CVV2) you have provided is incorrect, please verify your details and try again",
	"31002": "The expiry date you have provided is incorrect, please verify your details and try again",
	"31003": "The expiry month you have provided is incorrect, please verify your details and try again",
	"31004": "The expiry year you have provided is incorrect, please verify your details and try again",
	"31006": "The issue number you have provided is incorrect, please verify your details and try again",
	"31007": "The payment type you have provided is incorrect, please verify your details and try again",
	"31010": "There are errors with these fields: {0}",
	"40000": "No account found",
	"40001": "Refund cannot be processed",
	"40002": "Transaction de-activated",
	"50000": "Socket receive error",
	"50001": "Socket connection error",
	"50002": "Socket closed",
	"50003": "Invalid data received",
	"50004": "Invalid SQL",
	"50005": "Timeout",
	"50006": "Invalid acquirer",
	"50007": "Unable to connect to acquirer",
	"50008": "Invalid response from acquirer",
	"50009": "No available transport",
	"50011": "Socket send error",
	"50012": "Communication error",
	"50014": "Proxy error",
	"50015": "CardDataLookup service error",
	"50016": "CardDataLookup no result",
	"60010": "Bank System Error",
	"60012": "Invalid transport configuration",
	"60013": "No valid updates specified",
	"60014": "Transaction reference not found",
	"60016": "settlebaseamount too large",
	"60017": "Transaction not updatable",
	"60018": "Invalid requesttype",
	"60019": "No searchable filter specified",
	"60020": "Timeout Error",
	"60021": "3-D Secure Transport Error",
	"60022": "Unauthenticated",
	"60023": "Site Suspended",
	"60024": "No updates performed",
	"60025": "Invalid Request",
	"60026": "Invalid Response",
	"60027": "Invalid Acquirer",
	"60028": "Invalid account data",
	"60029": "Missing",
	"60030": "Payment Error",
	"60031": "Invalid acquirer for 3-D Secure",
	"60032": "Invalid payment type for 3-D Secure",
	"60033": "Invalid updates specified",
	"60034": "Manual investigation required",
	"60035": "Invalid headers",
	"60036": "Max fraudscore exceeded",
	"60037": "Invalid filters",
	"60038": "Merchant System Error",
	"60039": "Your payment is being processed. Please wait...",
	"60040": "Can not specify both requesttypedescription and requesttypedescriptions on a single request",
	"60041": "Acquirer missing original transaction data",
	"60042": "Insufficient funds",
	"60043": "Unable to process due to scheme restrictions",
	"60044": "Failed Screening",
	"60045": "Unable to process due to restrictions",
	"60100": "Invalid process",
	"60101": "Invalid process",
	"60102": "Invalid process",
	"60103": "Invalid process",
	"60104": "Invalid process",
	"60105": "Invalid process",
	"60106": "Invalid process",
	"60107": "Invalid process",
	"60108": "Invalid process",
	"60109": "Invalid process",
	"60110": "Invalid process",
	"60111": "Invalid process",
	"60112": "Invalid process",
	"60113": "Invalid process",
	"60114": "Invalid process",
	"60115": "Invalid process",
	"60116": "Invalid process",
	"60117": "Invalid process",
	"60118": "Invalid process",
	"60119": "Invalid process",
	"60120": "Invalid process",
	"60500": "Risk Referral",
	"61002": "IP not in range",
	"62000": "Unrecognised response from acquirer",
	"70000": "Decline",
	"70001": "Uncertain result",
	"71000": "Soft Decline",
	"72000": "Refer to Issuer",
	"79000": "Request is queued please check the transaction later for the status",
	"79001": "Record is temporarily locked. Please try again later",
	"88000": "Generic Retry",
	"88888": "Soft Decline retry",
	"90004": "Account does not exist",
	"90007": "A deadlock occurred. Please retry the operation.",
	"90011": "Database operational error",
	"99998": "There has been a problem with your payment, please verify your details and try again",
	"99999": "Unknown error",
}

// message returns the text of a code; a code out of a fault script may be any.
func message(code string) string {
	if text, ok := messages[code]; ok {
		return text
	}
	return "Error " + code
}

// codeShape is the form of an answer with a code.
type codeShape struct {
	// recorded: a payment with it is in the book, as failed. Otherwise the answer
	// is of type ERROR and nothing is left, but for a reference that had been
	// allotted by then.
	recorded, reference bool
	// untyped: even a query or an update is answered as type ERROR.
	untyped bool
}

// Codes that a payment is recorded with, since they come from the bank, from
// 3-D Secure or from checks of risk; and those of checks that come after a
// reference was allotted. Only some of this was ever seen: 70000 and 60022
// recorded, 20007 and 30000 with a reference, 10205, 20004, 50000, 60018 and
// 99999 without.
var (
	recordedCodes = strings.Fields("60010 60020 60022 60026 60030 60034 60036 60039 60042 60043 60044 60045 60500 62000 " +
		"70000 70001 71000 72000 79000 88000 88888")
	referencedCodes = strings.Fields("20005 20006 20007 20009 20010 20011 20012 20013 20014 20015 20022 30000")
)

// shapeOf is the shape that the service gives a code by itself.
func shapeOf(code string) codeShape {
	return codeShape{
		recorded:  slices.Contains(recordedCodes, code),
		reference: slices.Contains(referencedCodes, code),
		untyped: len(code) == 5 && (code[0] == '1' || code[0] == '5') ||
			code == codeNoParent || code == codeBadType || code == codeBothTypes || code == codeUnknown,
	}
}

// shape is the shape in which a fault answers its code.
func (f *Fault) shape() codeShape {
	s := shapeOf(f.Code)
	s.recorded = f.Recorded || s.recorded && !f.Unrecorded
	return s
}

// refusal is the answer to a request of the kind that is refused with it.
func (s codeShape) refusal(code, kind string) *refusal {
	if s.untyped {
		kind = typeError
	}
	return &refusal{code: code, kind: kind}
}
