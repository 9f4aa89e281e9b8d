package gateway

import (
	"strings"

	"github.com/chargehand/chargehand/testharness/gateway/rules"
	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// detail is one field that a payment was given and that it keeps: names,
// addresses, texts. Exported, for the journal.
type detail struct {
	Name  string `json:"n"`
	Value string `json:"v"`
}

// readDetails checks the free fields and keeps those that may be kept. It
// returns the name of the first that is wrong.
func (p *payment) readDetails(e *element) (bad string) {
	for i := range e.Members {
		m := &e.Members[i]
		if !rules.Known(m.Name) {
			continue
		}
		if m.Value.Kind != wire.String || !rules.Check(m.Name, m.Value.Text) {
			return m.Name
		}
		if m.Value.Text != "" && !rules.Private(m.Name) {
			p.details = setDetail(p.details, m.Name, m.Value.Text)
		}
	}
	for _, of := range []string{"billing", "customer"} {
		country, county := e.text(of+"countryiso2a"), e.text(of+"county")
		switch {
		case county != "" && country == "":
			return of + "countryiso2a"
		case country == "US" && county != "" && len(county) != 2:
			return of + "county"
		case e.text(of+"telephone") != "" && e.text(of+"telephonetype") == "":
			return of + "telephonetype"
		}
	}
	return ""
}

// setDetail returns the details with one set. The slice given stays as it is:
// copies of a transaction share it.
func setDetail(details []detail, name, value string) []detail {
	out := make([]detail, 0, len(details)+1)
	for _, d := range details {
		if d.Name != name {
			out = append(out, d)
		}
	}
	return append(out, detail{Name: strings.Clone(name), Value: strings.Clone(value)})
}

// inherit adds the billing and delivery details of a parent that were not given
// anew.
func inherit(own, parents []detail) []detail {
	out := own
	for _, d := range parents {
		if (strings.HasPrefix(d.Name, "billing") || strings.HasPrefix(d.Name, "customer")) && noteOf(own, d.Name) == "" {
			out = append(out[:len(out):len(out)], d)
		}
	}
	return out
}

// noteOf returns the value of that name, empty if there is none.
func noteOf(notes []detail, name string) string {
	for _, n := range notes {
		if n.Name == name {
			return n.Value
		}
	}
	return ""
}

// detail returns one kept field, empty if it was not given.
func (t *transaction) detail(name string) string { return noteOf(t.details, name) }
