package xmlblock

import (
	"bytes"
	"encoding/xml"
	"strings"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// header begins every answer, quoted as in recorded ones.
const header = "<?xml version='1.0' encoding='utf-8'?>\n"

// Append writes an envelope as a responseblock behind dst: its list of objects
// as response elements, whatever the list is called, and the version of this
// interface. A member that the table doesn't know becomes an element of its
// name.
func Append(dst []byte, envelope wire.Fields) []byte {
	root := &node{name: "responseblock", attributes: []xml.Attr{{Name: xml.Name{Local: "version"}, Value: Version}}}
	for i := range envelope {
		switch f := &envelope[i]; {
		case f.IsObjects:
			for _, answer := range f.Objects {
				root.below = append(root.below, answerNode("response", answer))
			}
		case f.Name != "version":
			root.below = append(root.below, &node{name: f.Name, text: f.Text})
		}
	}
	out := bytes.NewBuffer(dst)
	out.WriteString(header)
	root.write(out)
	return out.Bytes()
}

// answerNode makes the element of a response or record.
func answerNode(name string, fields wire.Fields) *node {
	n := &node{name: name}
	for i := range fields {
		switch f := &fields[i]; {
		case f.IsObjects:
			below := f.Name
			if below == "records" {
				below = "record"
			}
			for _, object := range f.Objects {
				n.below = append(n.below, answerNode(below, object))
			}
		case f.IsList:
			for _, text := range f.List {
				n.add(f.Name, text)
			}
		default:
			n.set(f.Name, f.Text)
		}
	}
	return n
}

// node is an element to be written.
type node struct {
	name, text string
	attributes []xml.Attr
	below      []*node
}

// set writes the text of a member to its place.
func (n *node) set(name, text string) {
	at, last := n.group(name)
	if attribute, isAttribute := strings.CutPrefix(last, "@"); isAttribute {
		at.attributes = append(at.attributes, xml.Attr{Name: xml.Name{Local: attribute}, Value: text})
		return
	}
	at.child(last).text = text
}

// add writes one more text of a member that has several.
func (n *node) add(name, text string) {
	at, last := n.group(name)
	at.below = append(at.below, &node{name: last, text: text})
}

// group finds the element that holds a member, and the last step to it.
func (n *node) group(name string) (at *node, last string) {
	path, known := answerPaths[name]
	if !known {
		path = name
	}
	at = n
	for {
		step, rest, more := strings.Cut(path, "/")
		if !more {
			return at, step
		}
		at, path = at.child(step), rest
	}
}

// child is the element of that name below, made if it is not there.
func (n *node) child(name string) *node {
	for _, c := range n.below {
		if c.name == name {
			return c
		}
	}
	c := &node{name: name}
	n.below = append(n.below, c)
	return c
}

func (n *node) write(out *bytes.Buffer) {
	out.WriteByte('<')
	out.WriteString(n.name)
	for _, a := range n.attributes {
		out.WriteByte(' ')
		out.WriteString(a.Name.Local)
		out.WriteString(`="`)
		escape(out, a.Value)
		out.WriteByte('"')
	}
	if n.text == "" && len(n.below) == 0 {
		out.WriteString("/>")
		return
	}
	out.WriteByte('>')
	escape(out, n.text)
	for _, c := range n.below {
		c.write(out)
	}
	out.WriteString("</")
	out.WriteString(n.name)
	out.WriteByte('>')
}

// escape writes text; what XML has no way to say becomes U+FFFD.
func escape(out *bytes.Buffer, text string) {
	_ = xml.EscapeText(out, []byte(text)) // a buffer takes everything
}
