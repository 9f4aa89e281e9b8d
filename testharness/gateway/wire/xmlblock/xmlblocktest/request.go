package xmlblocktest

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
	"github.com/chargehand/chargehand/testharness/gateway/wire/xmlblock"
)

// Request writes the document of a JSON request as a requestblock. It refuses
// one that XML can't say: with numbers or empty texts. What the table doesn't
// know of a request becomes an element that nobody knows.
func Request(document wire.Value) (string, error) {
	root := &node{name: "requestblock"}
	for _, m := range document.Members {
		switch {
		case m.Name == "version":
			root.attributes = append(root.attributes, member{"version", m.Value.Text})
		case m.Name == "request" && m.Value.Kind == wire.Array:
			for i := range m.Value.Items {
				request := &node{name: "request"}
				if err := request.fill(&m.Value.Items[i]); err != nil {
					return "", err
				}
				root.below = append(root.below, request)
			}
		case m.Name == "alias" && said(m.Value):
			root.add("alias").text = m.Value.Text
		default:
			return "", fmt.Errorf("XML has no %s beside the requests", m.Name)
		}
	}
	var out strings.Builder
	root.write(&out)
	return out.String(), nil
}

var paths = xmlblock.RequestPaths()

// reserved are the elements that hold others.
var reserved = func() map[string]bool {
	out := map[string]bool{}
	for _, path := range paths {
		group, _, _ := strings.Cut(path, "/")
		out[group] = true
	}
	return out
}()

// fill puts the members of a request, or of its updates, into an element.
func (n *node) fill(v *wire.Value) error {
	if v.Kind != wire.Object {
		return fmt.Errorf("XML has no request of kind %d", v.Kind)
	}
	seen := map[string]bool{}
	for _, m := range v.Members {
		if seen[m.Name] {
			return fmt.Errorf("%s is there twice", m.Name)
		}
		seen[m.Name] = true
		var err error
		switch path, known := paths[m.Name]; {
		case m.Name == "requesttypedescriptions":
			err = n.types(m.Value)
		case m.Name == "filter":
			err = n.filter(m.Value)
		case m.Name == "updates":
			err = n.add("updates").fill(&m.Value)
		case !said(m.Value), !known && (n.name != "request" || reserved[m.Name]):
			err = fmt.Errorf("XML can't say what %s holds", m.Name)
		case !known:
			n.add(m.Name).text = m.Value.Text
		default:
			n.put(path, m.Value.Text)
		}
		if err != nil {
			return err
		}
	}
	if seen["requesttypedescription"] && seen["requesttypedescriptions"] {
		return errors.New("XML names the types in one way")
	}
	return nil
}

func (n *node) types(v wire.Value) error {
	var types []string
	for _, item := range v.Items {
		if !said(item) || strings.ContainsAny(item.Text, " ,") {
			return fmt.Errorf("XML can't say the type %q", item.Text)
		}
		types = append(types, item.Text)
	}
	if len(types) == 0 {
		return errors.New("XML has no list without types")
	}
	n.put("@type", strings.Join(types, ","))
	return nil
}

func (n *node) filter(v wire.Value) error {
	if v.Kind != wire.Object {
		return fmt.Errorf("XML has no filter of kind %d", v.Kind)
	}
	filter := n.add("filter")
	for _, m := range v.Members {
		items := m.Value.Items
		if m.Value.Kind == wire.Object {
			items = []wire.Value{m.Value}
		}
		if len(items) == 0 {
			return errors.New("XML has no filter without values")
		}
		for i := range items {
			value, symbol := items[i].Get("value"), items[i].Get("symbol")
			if value.Kind != wire.String {
				return fmt.Errorf("XML has no filter value of kind %d", value.Kind)
			}
			e := filter.add(m.Name)
			e.text = value.Text
			if symbol.Kind != wire.Absent {
				e.attributes = append(e.attributes, member{"symbol", symbol.Text})
			}
		}
	}
	return nil
}

// said tells whether XML can say a value: an empty text is no text there.
func said(v wire.Value) bool { return v.Kind == wire.String && strings.TrimSpace(v.Text) != "" }

type member struct{ name, text string }

type node struct {
	name, text string
	attributes []member
	below      []*node
}

func (n *node) add(name string) *node {
	c := &node{name: name}
	n.below = append(n.below, c)
	return c
}

func (n *node) put(path, text string) {
	step, rest, more := strings.Cut(path, "/")
	if attribute, ok := strings.CutPrefix(step, "@"); ok {
		n.attributes = append(n.attributes, member{attribute, text})
		return
	}
	var at *node
	for _, c := range n.below {
		if c.name == step {
			at = c
		}
	}
	if at == nil {
		at = n.add(step)
	}
	if more {
		at.put(rest, text)
		return
	}
	at.text = text
}

func (n *node) write(out *strings.Builder) {
	out.WriteString("<" + n.name)
	for _, a := range n.attributes {
		out.WriteString(" " + a.name + `="` + escaped(a.text) + `"`)
	}
	out.WriteString(">" + escaped(n.text))
	for _, c := range n.below {
		c.write(out)
	}
	out.WriteString("</" + n.name + ">")
}

func escaped(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text)) // a builder takes everything
	return out.String()
}
