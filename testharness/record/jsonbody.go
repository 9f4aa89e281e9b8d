package record

import (
	"encoding/json"
	"errors"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// rewriting says what becomes of a document's names and values.
type rewriting struct {
	name func(name string) string
	// value gets the name of the member that a value belongs to; that of a filter's
	// value is the filter's.
	value func(name string, v wire.Value) wire.Value
}

// rewrite changes a JSON document. Nested values are known by the member they
// lie in.
func (r rewriting) rewrite(name string, v wire.Value) wire.Value {
	switch v.Kind {
	case wire.Array:
		items := make([]wire.Value, len(v.Items))
		for i := range v.Items {
			items[i] = r.rewrite(name, v.Items[i])
		}
		v.Items = items
	case wire.Object:
		members := make([]wire.Member, len(v.Members))
		for i, m := range v.Members {
			below := m.Name
			if below == "value" {
				below = name
			}
			members[i] = wire.Member{Name: r.name(m.Name), Value: r.rewrite(below, m.Value)}
		}
		v.Members = members
	default:
		v = r.value(name, v)
	}
	return v
}

var errNoObject = errors.New("no JSON object")

func parseJSON(text string) (wire.Value, error) {
	v, err := wire.Parse(text)
	if err == nil && v.Kind != wire.Object {
		err = errNoObject
	}
	return v, err
}

// appendJSON writes a document.
func appendJSON(dst []byte, v wire.Value) []byte {
	switch v.Kind {
	case wire.String:
		return appendText(dst, v.Text)
	case wire.Array:
		dst = append(dst, '[')
		for i := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, v.Items[i])
		}
		return append(dst, ']')
	case wire.Object:
		dst = append(dst, '{')
		for i, m := range v.Members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendText(dst, m.Name), ':')
			dst = appendJSON(dst, m.Value)
		}
		return append(dst, '}')
	default:
		return append(dst, v.Text...)
	}
}

func appendText(dst []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		return append(dst, `""`...) // a string can always be written
	}
	return append(dst, text...)
}
