package record

import (
	"slices"
	"strings"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// envelope is an answer of either format, as it is compared.
type envelope struct {
	// names are those of the envelope's own members, sorted; list is the one that
	// holds the answers.
	names     []string
	list      string
	reference string
	elements  []element
}

// element is the answer to one request type, or one record of a query. A member
// that is a list has several values.
type element struct {
	members map[string][]wire.Value
	records []element
}

// text is a member's only or first value.
func (e *element) text(name string) string {
	if values := e.members[name]; len(values) > 0 {
		return values[0].Text
	}
	return ""
}

// kind is the type that an element answers.
func (e *element) kind() string { return e.text("requesttypedescription") }

func newEnvelope(v wire.Value) envelope {
	var out envelope
	for _, m := range v.Members {
		out.names = append(out.names, m.Name)
		switch m.Name {
		case "requestreference":
			out.reference = m.Value.Text
		case "response", "responses":
			out.list = m.Name
			for _, item := range m.Value.Items {
				out.elements = append(out.elements, newElement(item))
			}
		}
	}
	slices.Sort(out.names)
	return out
}

func newElement(v wire.Value) element {
	out := element{members: map[string][]wire.Value{}}
	for _, m := range v.Members {
		if m.Name == "records" {
			for _, item := range m.Value.Items {
				out.records = append(out.records, newElement(item))
			}
			continue
		}
		out.members[m.Name] = append(out.members[m.Name], flat(m.Value)...)
	}
	return out
}

// flat are the values in a list, or the value itself.
func flat(v wire.Value) []wire.Value {
	if v.Kind != wire.Array {
		return []wire.Value{v}
	}
	return v.Items
}

// texts are the values, sorted.
func texts(values []wire.Value) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v.Text
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// form is what remains of a text if letters and digits in a row are one each.
func form(text string) string {
	var out []rune
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9' || c == '#':
			c = '9'
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c > 0x7f:
			c = 'a'
		default:
			out = append(out, c)
			continue
		}
		if len(out) == 0 || out[len(out)-1] != c {
			out = append(out, c)
		}
	}
	return string(out)
}
