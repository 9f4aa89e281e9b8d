package record

import (
	"fmt"
	"maps"
	"slices"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// Difference is one thing in which the simulator's answer is not the gateway's.
type Difference struct {
	// At is the request type of the answer, with "record" for one of a query's
	// records, or "http" or "envelope".
	At    string `json:"at"`
	Field string `json:"field,omitempty"`
	// Gateway and Simulator are what each has: a value that is no secret, a form,
	// or that the field is there or not.
	Gateway   string `json:"gateway"`
	Simulator string `json:"simulator"`
}

// String is one line for people.
func (d Difference) String() string {
	what := d.At
	if d.Field != "" {
		what += " " + d.Field
	}
	return fmt.Sprintf("%s: the gateway has %s, the simulator %s", what, d.Gateway, d.Simulator)
}

const (
	isThere  = "the field"
	notThere = "not"
)

// noise are members with a form to compare and nothing more: they are another
// each time.
var noise = map[string]bool{
	"transactionreference": true, "transactionstartedtimestamp": true, "settledtimestamp": true, "authcode": true, "fraudrating": true,
}

// optional are members that the service is known to leave out at times. That one
// of them is missing in one answer is no difference.
var optional = map[string]bool{
	"operatorname": true, "splitfinalnumber": true, "dccenabled": true, "tid": true, "merchantnumber": true, "merchantcountryiso2a": true,
	"merchantname": true, "issuer": true, "issuercountryiso2a": true, "credentialsonfile": true, "authmethod": true, "fraudrating": true, "debtrepayment": true,
}

func isOptional(e *element, name string) bool {
	return optional[name] || name == "transactionstartedtimestamp" && e.text("errorcode") != "0"
}

// differ compares answers, knowing what stands for what.
type differ struct {
	// names are the recorded references and sites, and what they are at the
	// simulator.
	names map[string]string
	// sameDays says that both lived on the same days.
	sameDays bool
	out      []Difference
	tally    *tally
}

func (d *differ) add(at, field, gateway, simulator string) {
	d.out = append(d.out, Difference{At: at, Field: field, Gateway: gateway, Simulator: simulator})
}

// same adds a difference unless both are equal.
func (d *differ) same(at, field, gateway, simulator string) {
	if gateway != simulator {
		d.add(at, field, quoted(gateway), quoted(simulator))
	}
}

func quoted(text string) string { return fmt.Sprintf("%q", text) }

// envelopes compares what both answered. sent is the requestreference that the
// call had.
func (d *differ) envelopes(gateway, simulator *envelope, sent string) {
	for _, name := range gateway.names {
		if !slices.Contains(simulator.names, name) {
			d.add("envelope", name, isThere, notThere)
		}
	}
	for _, name := range simulator.names {
		if !slices.Contains(gateway.names, name) {
			d.add("envelope", name, notThere, isThere)
		}
	}
	echoes := func(e *envelope) string {
		if sent != "" && e.reference == sent {
			return "the caller's"
		}
		return "one of its own"
	}
	if a, b := echoes(gateway), echoes(simulator); a != b {
		d.add("envelope", "requestreference", a, b)
	}
	d.same("envelope", "answers", fmt.Sprint(len(gateway.elements)), fmt.Sprint(len(simulator.elements)))
	for i := range min(len(gateway.elements), len(simulator.elements)) {
		d.elements(gateway.elements[i].kind(), &gateway.elements[i], &simulator.elements[i])
	}
}

// elements compares the answers to one request type, or two records.
func (d *differ) elements(at string, gateway, simulator *element) {
	d.tally.add(at, gateway, simulator)
	names := map[string]bool{}
	for name := range gateway.members {
		names[name] = true
	}
	for name := range simulator.members {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		theirs, hasTheirs := gateway.members[name]
		ours, hasOurs := simulator.members[name]
		switch {
		case hasTheirs && hasOurs:
			d.values(at, name, theirs, ours)
		case isOptional(gateway, name):
		case hasTheirs:
			d.add(at, name, isThere, notThere)
		default:
			d.add(at, name, notThere, isThere)
		}
	}
	d.records(at, gateway, simulator)
}

func (d *differ) values(at, name string, theirs, ours []wire.Value) {
	if a, b := kinds(theirs), kinds(ours); a != b {
		d.add(at, name, a, b)
		return
	}
	a, b := texts(theirs), texts(ours)
	isDate := name == "settleduedate" || name == "subscriptionbegindate"
	switch {
	case noise[name] || isDate && !d.sameDays:
		d.same(at, name, form(a), form(b))
	case name == "parenttransactionreference" || name == "sitereference":
		if known, ok := d.names[a]; ok {
			a = known
		} else {
			a, b = form(a), form(b)
		}
		d.same(at, name, a, b)
	case forms[name] != nil || name == "orderreference" || name == "maskedpan" && truncated[a] != "":
		d.same(at, name, a, b)
	case (a == "") != (b == ""):
		d.same(at, name, form(a), form(b))
	}
}

// kinds names what kinds of values a member has.
func kinds(values []wire.Value) string {
	out := ""
	for _, v := range values {
		switch kind := [...]string{"nothing", "null", "a truth", "a number", "a text", "a list", "an object"}[v.Kind]; {
		case out == "":
			out = kind
		case out != kind:
			return "values of several kinds"
		}
	}
	return out
}

// records compares those of a query, whatever their order.
func (d *differ) records(at string, gateway, simulator *element) {
	d.same(at, "records", fmt.Sprint(len(gateway.records)), fmt.Sprint(len(simulator.records)))
	ours := map[string]*element{}
	for i := range simulator.records {
		ours[simulator.records[i].text("transactionreference")] = &simulator.records[i]
	}
	for i := range gateway.records {
		theirs := &gateway.records[i]
		if match := ours[d.names[theirs.text("transactionreference")]]; match != nil {
			d.elements(theirs.kind()+" record", theirs, match)
		}
	}
}
