package gateway

import (
	"github.com/chargehand/chargehand/testharness/gateway/rules"
	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// maxElements bounds the request elements of one call.
const maxElements = 1000

// element is one request element. The zero element has no members.
type element struct{ wire.Value }

// text returns a member's text. A member that is no string has none: the
// service's values are strings, and numbers are refused with the field's name.
func (e *element) text(name string) string {
	if v := e.Get(name); v.Kind == wire.String {
		return v.Text
	}
	return ""
}

// isText says whether a member is a string, or not there at all.
func (e *element) isText(name string) bool {
	kind := e.Get(name).Kind
	return kind == wire.String || kind == wire.Absent
}

// filterValues returns the values of one filter, which may come as a list of
// objects, as one object or as a mere text; false says that its form is wrong.
func filterValues(v *wire.Value) ([]string, bool) {
	items := v.Items
	switch v.Kind {
	case wire.String:
		return []string{v.Text}, true
	case wire.Object:
		items = []wire.Value{*v}
	}
	out := make([]string, 0, len(items))
	for i := range items {
		value, symbol := items[i].Get("value"), items[i].Get("symbol")
		if value.Kind != wire.String || symbol.Kind != wire.Absent && symbol.Text != "IS" {
			return nil, false
		}
		out = append(out, value.Text)
	}
	return out, true
}

// subject is what faults match of one of its types. The target of an update is
// looked up by find.
func (e *element) subject(kind string, find func(ref string) (order string, amount int64, ok bool)) subject {
	s := subject{kind: kind}
	switch kind {
	case typeQuery, typeUpdate:
		filter := e.Get("filter")
		s.sites, _ = filterValues(filter.Get("sitereference"))
		s.orders, _ = filterValues(filter.Get("orderreference"))
		refs, _ := filterValues(filter.Get("transactionreference"))
		for _, ref := range refs {
			if order, amount, ok := find(ref); ok {
				s.orders = append(s.orders, order)
				s.amount, s.hasAmount = amount, true
			}
		}
	default:
		s.sites, s.orders = []string{e.text("sitereference")}, []string{e.text("orderreference")}
		s.amount, s.hasAmount = rules.Amount(e.text("baseamount"))
	}
	return s
}
