package notify

import "time"

// Kinds of events.
const (
	// Authorisation is the answer to a request that was booked, declines included.
	Authorisation = "authorisation"
	// Settlement is a change of a settle status, cancellation included.
	Settlement = "settlement"
)

// Kinds lists the kinds of events.
func Kinds() []string { return []string{Authorisation, Settlement} }

// Names of fields that mean something here.
const (
	fieldSite        = "sitereference"
	fieldTransaction = "transactionreference"
	fieldAmount      = "baseamount"
	fieldCode        = "errorcode"
	fieldStatus      = "settlestatus"
	fieldReference   = "notificationreference"
	fieldHash        = "responsesitesecurity"
	// fieldFrom is for conditions alone: the settle status before the change.
	fieldFrom = "settlestatus_from"
)

// Event is something that rules may tell about.
type Event struct {
	// Kind is Authorisation or Settlement.
	Kind string
	// At is when it happened, on the settlement clock.
	At time.Time
	// From is the settle status before a Settlement.
	From string
	// Fields are all that the transaction has to tell, by name.
	Fields map[string]string
}

func (e *Event) site() string { return e.Fields[fieldSite] }

func (e *Event) transaction() string { return e.Fields[fieldTransaction] }

// field is a value for a condition to look at.
func (e *Event) field(name string) string {
	if name == fieldFrom {
		return e.From
	}
	return e.Fields[name]
}

// usual is what a rule without a list of fields sends: the fields that
// documentation recommends and published integrations ask for.
var usual = map[string][]string{
	Authorisation: {
		"accounttypedescription", "acquirerresponsecode", "acquirerresponsemessage", "authcode", "baseamount", "billingcountryiso2a",
		"currencyiso3a", "errorcode", "issuer", "livestatus", "maskedpan", "orderreference", "parenttransactionreference",
		"paymenttypedescription", "requestreference", "requesttypedescription", "securityresponseaddress", "securityresponsepostcode",
		"securityresponsesecuritycode", "settlestatus", "sitereference", "transactionreference", "transactionstartedtimestamp",
	},
	Settlement: {"settlestatus", "sitereference", "transactionreference"},
}
