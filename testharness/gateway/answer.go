package gateway

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// dropChance is how often an optional field is left out.
const dropChance = 0.1

// fields is the answer to what was booked. The receiver is a copy whose code
// and status are those to show.
func (t *transaction) fields(merchant string) wire.Fields {
	f := make(wire.Fields, 0, 40)
	f = append(f,
		wire.Text("requesttypedescription", t.kind),
		wire.Text("errorcode", t.code),
		wire.Text("errormessage", message(t.code)),
		wire.Text("transactionreference", t.ref),
		wire.Text("transactionstartedtimestamp", t.begins().Format(timestampLayout)),
		wire.Text("accounttypedescription", t.account),
		wire.Text("livestatus", liveStatus(t.live)),
		wire.Maybe("operatorname", t.user),
		wire.Maybe("splitfinalnumber", "1"),
		wire.Maybe("dccenabled", "0"),
		wire.Maybe("tid", "27882788"),
		wire.Maybe("merchantnumber", "00000000"),
		wire.Maybe("merchantcountryiso2a", "GB"),
		wire.Maybe("merchantname", merchant),
	)
	if kinds[t.kind].shows {
		f = append(f,
			wire.Text("settlestatus", statusText(t.status)),
			wire.Text("settleduedate", t.due.Format(time.DateOnly)))
	}
	if t.currency != "" {
		f = append(f,
			wire.Text("baseamount", strconv.FormatInt(t.amount, 10)),
			wire.Text("currencyiso3a", t.currency))
	}
	if t.card.masked != "" {
		f = append(f,
			wire.Text("maskedpan", t.card.masked),
			wire.Maybe("issuer", "SecureTrading Test Issuer1"),
			wire.Maybe("issuercountryiso2a", t.card.country))
	}
	if t.card.masked != "" && kinds[t.kind].bank {
		f = append(f,
			wire.Text("securityresponseaddress", t.checks[0]),
			wire.Text("securityresponsepostcode", t.checks[1]),
			wire.Text("securityresponsesecuritycode", t.checks[2]))
	}
	return t.appendGiven(f)
}

// appendGiven adds what is there only if it has a value.
func (t *transaction) appendGiven(f wire.Fields) wire.Fields {
	for _, field := range [...]wire.Field{
		wire.Text("paymenttypedescription", t.card.paymentType),
		wire.Text("parenttransactionreference", t.parent),
		wire.Text("orderreference", t.order),
		wire.Text("authcode", t.authCode),
		wire.Text("acquirerresponsecode", t.acquirerCode),
		wire.Text("acquirerresponsemessage", t.message),
		wire.Maybe("credentialsonfile", t.credentialsOnFile),
		wire.Text("subscriptiontype", t.subscriptionType),
		wire.Text("subscriptionnumber", t.subscriptionNumber),
		wire.Maybe("authmethod", t.authMethod),
	} {
		if field.Text != "" {
			f = append(f, field)
		}
	}
	for _, n := range t.notes {
		f = append(f, wire.Text(n.Name, n.Value))
	}
	if t.plan != nil {
		f = append(f,
			wire.Text("transactionactive", strconv.Itoa(t.plan.Active)),
			wire.Text("subscriptionunit", t.plan.Unit),
			wire.Text("subscriptionfrequency", strconv.Itoa(t.plan.Frequency)),
			wire.Text("subscriptionfinalnumber", strconv.Itoa(t.plan.Final)),
			wire.Text("subscriptionbegindate", t.plan.Begin.Format(time.DateOnly)))
	}
	return f
}

// record is what a query shows of it: more than its answer had.
func (t *transaction) record(merchant string) wire.Fields {
	f := t.fields(merchant)
	f = append(f,
		wire.Text("sitereference", t.site),
		wire.Text("interface", t.origin),
		wire.Maybe("fraudrating", "0"),
		wire.Maybe("debtrepayment", "0"),
	)
	if kinds[t.kind].money {
		f = append(f, wire.Text("settlebaseamount", strconv.FormatInt(t.toSettle(), 10)))
	}
	if t.expiry != "" {
		f = append(f, wire.Text("expirydate", t.expiry))
	}
	for _, d := range t.details {
		f = append(f, wire.Text(d.Name, d.Value))
	}
	if !t.settled.IsZero() && t.status == StatusSettled {
		f = append(f, wire.Text("settledtimestamp", t.settled.Format(timestampLayout)))
	}
	return f
}

func liveStatus(live bool) string {
	if live {
		return "1"
	}
	return "0"
}

// merchantName is the name of a site's merchant.
func merchantName(site string) string { return "Merchant " + site }

// envelope writes a whole answer.
func envelope(in *format, reference string, elements []wire.Fields, fx *effects, rng *rand.Rand, plain bool) []byte {
	if fx.wrongReference {
		reference = "A" + randomText(rng, 8)
	}
	if fx.extraElement {
		elements = append(elements, wire.Fields{
			wire.Text("requesttypedescription", typeAuth), wire.Text("errorcode", codeOK), wire.Text("errormessage", message(codeOK)),
			wire.Text("transactionreference", "0-0-0"), wire.Text("settlestatus", "0"),
		})
	}
	name := "response"
	if fx.responses {
		name = "responses"
	}
	f := wire.Fields{
		wire.Text("requestreference", reference),
		wire.Text("version", in.version),
		{Name: "secrand", Text: randomText(rng, 2+rng.IntN(15))},
	}
	if !plain {
		for i := range elements {
			elements[i] = elements[i].Scramble(rng, dropChance)
			shuffleRecords(elements[i], rng)
		}
		f = f.Scramble(rng, 0)
	}
	// The elements stay in the order of the requests, whatever their members do.
	at := len(f)
	if !plain {
		at = rng.IntN(len(f) + 1)
	}
	f = append(f, wire.Field{})
	copy(f[at+1:], f[at:])
	f[at] = wire.Objects(name, elements)
	return in.write(make([]byte, 0, 1024*len(elements)+256), f)
}

// shuffleRecords gives query records any order: none is promised.
func shuffleRecords(f wire.Fields, rng *rand.Rand) {
	for i := range f {
		if f[i].Name == "records" {
			records := f[i].Objects
			rng.Shuffle(len(records), func(a, b int) { records[a], records[b] = records[b], records[a] })
		}
	}
}

const referenceLetters = "0123456789abcdefghjkmnpqrtuvwxy"

func randomText(rng *rand.Rand, n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = referenceLetters[rng.IntN(len(referenceLetters))]
	}
	return string(out)
}
