package gateway

import (
	"time"

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
// objects or as one object; false says that its form is wrong.
func filterValues(v *wire.Value) ([]string, bool) {
	items := v.Items
	if v.Kind == wire.Object {
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
		s.amount, s.hasAmount = parseAmount(e.text("baseamount"))
	}
	return s
}

// parseAmount reads an amount of minor units: 1 to 13 digits.
func parseAmount(text string) (int64, bool) {
	if !digits(text, 13) {
		return 0, false
	}
	var n int64
	for i := range len(text) {
		n = n*10 + int64(text[i]-'0')
	}
	return n, true
}

// digits says whether the text is 1 to limit digits and nothing else.
func digits(text string, limit int) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != "" && len(text) <= limit
}

// parseExpiry reads MM/YYYY or MM/YY and returns it as MM/YYYY.
func parseExpiry(text string) (string, bool) {
	t, err := time.Parse("01/2006", text)
	if err != nil {
		if t, err = time.Parse("01/06", text); err != nil {
			return "", false
		}
	}
	return t.Format("01/2006"), true
}
