package record

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
	"github.com/chargehand/chargehand/testharness/gateway/wire/xmlblock"
)

// node is an element of XML. Comments and instructions are left out.
type node struct {
	name       string
	attributes []xml.Attr
	text       string
	below      []*node
	raw        []byte // the text while it is read
}

var errXML = errors.New("not well-formed XML, or more than is read of it")

// parseXML reads a document: UTF-8, no document type, no entities but XML's own,
// within the limits that hold for JSON.
func parseXML(text string) (*node, error) {
	tokens := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	root := &node{}
	open := []*node{root}
	values := 0
	for {
		token, err := tokens.Token()
		if errors.Is(err, io.EOF) && len(open) == 1 && len(root.below) == 1 {
			return root.below[0], nil
		}
		if err != nil {
			return nil, fmt.Errorf("parse XML: %w", errXML)
		}
		top := open[len(open)-1]
		switch token := token.(type) {
		case xml.StartElement:
			n := &node{name: token.Name.Local}
			for _, a := range token.Attr {
				if a.Name.Space == "" && a.Name.Local != "xmlns" {
					n.attributes = append(n.attributes, a)
				}
			}
			values += 1 + len(token.Attr)
			if values > wire.MaxValues || len(open) > wire.MaxDepth {
				return nil, errXML
			}
			top.below = append(top.below, n)
			open = append(open, n)
		case xml.EndElement:
			top.text, top.raw = strings.TrimSpace(string(top.raw)), nil
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) == 1 && strings.TrimSpace(string(token)) != "" {
				return nil, errXML
			}
			top.raw = append(top.raw, token...)
		case xml.Directive:
			return nil, errXML
		}
	}
}

// members tells for a path below request or response which member lies there.
var requestMembers, answerMembers = members(xmlblock.RequestPaths()), members(xmlblock.AnswerPaths())

func members(paths map[string]string) map[string]string {
	out := make(map[string]string, len(paths))
	for name, path := range paths {
		out[path] = name
	}
	return out
}

// spot is where an element lies: the table of the request or answer it is in,
// and its path there.
type spot struct {
	table map[string]string
	path  string
}

// below is the spot of an element in the one at s.
func (s spot) below(name string) spot {
	switch name {
	case "request":
		return spot{table: requestMembers}
	case "response", "record":
		return spot{table: answerMembers}
	case "updates", "filter":
		return spot{table: s.table}
	}
	if s.path != "" {
		name = s.path + "/" + name
	}
	return spot{table: s.table, path: name}
}

// member is the name of what lies at the spot. Where no member is known, the last
// step has to do.
func (s spot) member() string {
	if name, ok := s.table[s.path]; ok {
		return name
	}
	return strings.TrimPrefix(s.path[strings.LastIndexByte(s.path, '/')+1:], "@")
}

// rewriteXML changes a document as rewrite does one of JSON.
func (r rewriting) rewriteXML(n *node, at spot) *node {
	out := &node{name: r.name(n.name), text: r.text(at.member(), n.text)}
	for _, a := range n.attributes {
		of := at.below("@" + a.Name.Local).member()
		a.Name.Local, a.Value = r.name(a.Name.Local), r.text(of, a.Value)
		out.attributes = append(out.attributes, a)
	}
	for _, c := range n.below {
		out.below = append(out.below, r.rewriteXML(c, at.below(c.name)))
	}
	return out
}

func (r rewriting) text(name, text string) string {
	if text == "" {
		return ""
	}
	return r.value(name, wire.Value{Kind: wire.String, Text: text}).Text
}

func (n *node) write(out *bytes.Buffer) {
	out.WriteString("<" + n.name)
	for _, a := range n.attributes {
		out.WriteString(" " + a.Name.Local + `="`)
		_ = xml.EscapeText(out, []byte(a.Value)) // a buffer takes everything
		out.WriteByte('"')
	}
	if n.text == "" && len(n.below) == 0 {
		out.WriteString("/>")
		return
	}
	out.WriteByte('>')
	_ = xml.EscapeText(out, []byte(n.text))
	for _, c := range n.below {
		c.write(out)
	}
	out.WriteString("</" + n.name + ">")
}

// document makes of an XML answer what a JSON one would be. A place that no
// member is known for is named by its path.
func (n *node) document() wire.Value {
	v := wire.Value{Kind: wire.Object}
	responses := wire.Value{Kind: wire.Array}
	for _, a := range n.attributes {
		v.Members = append(v.Members, textMember(a.Name.Local, a.Value))
	}
	for _, c := range n.below {
		if c.name == "response" {
			responses.Items = append(responses.Items, c.element())
			continue
		}
		v.Members = append(v.Members, textMember(c.name, c.text))
	}
	v.Members = append(v.Members, wire.Member{Name: "response", Value: responses})
	return v
}

// element makes an object of a response or record.
func (n *node) element() wire.Value {
	v := wire.Value{Kind: wire.Object}
	records := wire.Value{Kind: wire.Array}
	var read func(n *node, at spot)
	read = func(n *node, at spot) {
		for _, a := range n.attributes {
			v.Members = append(v.Members, textMember(at.below("@"+a.Name.Local).label(), a.Value))
		}
		for _, c := range n.below {
			if c.name == "record" {
				records.Items = append(records.Items, c.element())
				continue
			}
			read(c, at.below(c.name))
		}
		if at.path != "" && (n.text != "" || len(n.below)+len(n.attributes) == 0) {
			v.Members = append(v.Members, textMember(at.label(), n.text))
		}
	}
	read(n, spot{table: answerMembers})
	if records.Items != nil {
		v.Members = append(v.Members, wire.Member{Name: "records", Value: records})
	}
	return v
}

// label is the member's name, or the path where none is known.
func (s spot) label() string {
	if name, ok := s.table[s.path]; ok {
		return name
	}
	return s.path
}

func textMember(name, text string) wire.Member {
	return wire.Member{Name: name, Value: wire.Value{Kind: wire.String, Text: text}}
}
