package xmlblock

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// Version is the version of the XML interface.
const Version = "3.67"

// maxAttributes bounds those of one element; known ones have one.
const maxAttributes = 16

// ErrSyntax says that a text is not well-formed, or holds what is not taken.
// ErrSchema says that it is XML, but no requestblock. Beyond wire.MaxDepth
// elements inside each other, or wire.MaxValues elements and attributes, the
// error is wire.ErrLimit.
var (
	ErrSyntax = errors.New("not well-formed XML, or with a document type, an entity or a processing instruction")
	ErrSchema = errors.New("not a requestblock")
)

// Parse reads a requestblock as the document that a JSON request would be. The
// text must be valid UTF-8: the caller tells that fault apart, since the
// service does. The document shares no memory with the text.
func Parse(text string) (wire.Value, error) {
	r := newReader(text)
	v, err := r.document()
	if err != nil {
		return wire.Value{}, fmt.Errorf("parse XML at byte %d: %w", r.tokens.InputOffset(), err)
	}
	return v, nil
}

func (r *reader) document() (wire.Value, error) {
	root, err := r.root()
	if err != nil {
		return wire.Value{}, err
	}
	v := wire.Value{Kind: wire.Object}
	if root.Name.Local == "requestblock" {
		v, err = r.block(root)
	} else if err = r.skip(); err == nil {
		err = ErrSchema
	}
	if err != nil {
		return wire.Value{}, err
	}
	return v, r.end()
}

// block reads what lies in the requestblock.
func (r *reader) block(root xml.StartElement) (wire.Value, error) {
	var alias, reference string
	requests := wire.Value{Kind: wire.Array}
	err := r.children(func(e xml.StartElement) (err error) {
		switch e.Name.Local {
		case "alias":
			alias, err = r.text()
		case "requestreference":
			reference, err = r.text()
		case "request":
			var request wire.Value
			request, err = r.request(e)
			requests.Items = append(requests.Items, request)
		default:
			err = r.skip()
		}
		return err
	})
	if err != nil {
		return wire.Value{}, err
	}
	// In JSON a lone request carries the reference of the call.
	if len(requests.Items) == 1 && requests.Items[0].Get("requestreference").Kind == wire.Absent {
		requests.Items[0].Members = appendText(requests.Items[0].Members, "requestreference", reference)
	}
	members := appendText(nil, "alias", alias)
	members = appendText(members, "version", attribute(root, "version"))
	if requests.Items != nil {
		members = append(members, wire.Member{Name: "request", Value: requests})
	}
	return wire.Value{Kind: wire.Object, Members: members}, nil
}

func (r *reader) request(start xml.StartElement) (wire.Value, error) {
	members := make([]wire.Member, 0, 12)
	if types := typesOf(start); types.Kind != wire.Absent {
		members = append(members, wire.Member{Name: "requesttypedescriptions", Value: types})
	}
	give := func(name, text string) { members = appendText(members, name, text) }
	err := r.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "filter":
			filter, err := r.filter()
			members = append(members, wire.Member{Name: "filter", Value: filter})
			return err
		case "updates":
			updates := wire.Value{Kind: wire.Object}
			err := r.element(xml.StartElement{}, requestTree, func(name, text string) { updates.Members = appendText(updates.Members, name, text) })
			members = append(members, wire.Member{Name: "updates", Value: updates})
			return err
		}
		return r.element(e, requestTree.at(e.Name.Local), give)
	})
	return wire.Value{Kind: wire.Object, Members: members}, err
}

// typesOf reads the types of a request. A chain is several, separated by
// commas or spaces; nobody outside has seen one in XML.
func typesOf(e xml.StartElement) wire.Value {
	var v wire.Value
	for _, name := range strings.FieldsFunc(attribute(e, "type"), func(c rune) bool { return c == ',' || c == ' ' }) {
		v.Kind = wire.Array
		v.Items = append(v.Items, textValue(name))
	}
	return v
}

// filter reads the filters: an element is a value, and those of one name are
// alternatives. One without text is a value too: left out, it would make the
// filter match more.
func (r *reader) filter() (wire.Value, error) {
	v := wire.Value{Kind: wire.Object}
	at := map[string]int{}
	err := r.children(func(e xml.StartElement) error {
		name := e.Name.Local
		text, err := r.text()
		if err != nil {
			return err
		}
		value := wire.Value{Kind: wire.Object, Members: []wire.Member{{Name: "value", Value: textValue(text)}}}
		value.Members = appendText(value.Members, "symbol", attribute(e, "symbol"))
		i, again := at[name]
		if !again {
			i = len(v.Members)
			at[name] = i
			v.Members = append(v.Members, wire.Member{Name: name, Value: wire.Value{Kind: wire.Array}})
		}
		list := &v.Members[i].Value
		list.Items = append(list.Items, value)
		return nil
	})
	return v, err
}

// element reads an element that lies at the place, and gives the members in it.
func (r *reader) element(start xml.StartElement, at *place, give func(name, text string)) error {
	for _, a := range start.Attr {
		if known := at.at("@" + a.Name.Local); known != nil && a.Name.Space == "" {
			give(known.name, a.Value)
		}
	}
	var text strings.Builder
	for {
		token, err := r.next()
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if err := r.element(token, at.at(token.Name.Local), give); err != nil {
				return err
			}
		case xml.CharData:
			if at != nil && at.name != "" {
				text.Write(token)
			}
		case xml.EndElement:
			if at != nil && at.name != "" {
				give(at.name, text.String())
			}
			return nil
		}
	}
}

func textValue(text string) wire.Value { return wire.Value{Kind: wire.String, Text: text} }

// appendText adds a member unless its text is blank: empty elements stand for
// nothing.
func appendText(members []wire.Member, name, text string) []wire.Member {
	if strings.TrimSpace(text) == "" {
		return members
	}
	return append(members, wire.Member{Name: name, Value: textValue(text)})
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// reader hands out the tokens of a well-formed text within the limits.
type reader struct {
	tokens *xml.Decoder
	depth  int
	values int
}

func newReader(text string) *reader {
	// The mark that some editors put before the first byte is no content.
	text = strings.TrimPrefix(text, "\ufeff")
	// Strict, without entities, and without a way to read another encoding.
	return &reader{tokens: xml.NewDecoder(strings.NewReader(text))}
}

// root reads up to the element that holds all others.
func (r *reader) root() (xml.StartElement, error) {
	for {
		first := r.tokens.InputOffset() == 0
		token, err := r.raw()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			return token, nil
		case xml.CharData:
			if !blank(token) {
				return xml.StartElement{}, ErrSyntax
			}
		case xml.ProcInst:
			if !first || token.Target != "xml" {
				return xml.StartElement{}, ErrSyntax
			}
		}
	}
}

// end makes sure that nothing follows the root.
func (r *reader) end() error {
	for {
		token, err := r.tokens.Token()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return ErrSyntax
		}
		text, isText := token.(xml.CharData)
		if _, isComment := token.(xml.Comment); !isComment && (!isText || !blank(text)) {
			return ErrSyntax
		}
	}
}

// next returns the next start, end or text inside the root.
func (r *reader) next() (xml.Token, error) {
	for {
		token, err := r.raw()
		if err != nil {
			return nil, err
		}
		switch token.(type) {
		case xml.StartElement, xml.EndElement, xml.CharData:
			return token, nil
		case xml.ProcInst:
			return nil, ErrSyntax
		}
	}
}

// raw returns the next token that is not refused anywhere.
func (r *reader) raw() (xml.Token, error) {
	token, err := r.tokens.Token()
	if err != nil {
		return nil, ErrSyntax // the end as well: something is still open
	}
	switch token := token.(type) {
	case xml.Directive:
		return nil, ErrSyntax
	case xml.EndElement:
		r.depth--
	case xml.StartElement:
		r.depth++
		r.values += 1 + len(token.Attr)
		if r.depth > wire.MaxDepth || r.values > wire.MaxValues || len(token.Attr) > maxAttributes {
			return nil, wire.ErrLimit
		}
		for i, a := range token.Attr {
			for _, b := range token.Attr[:i] {
				if a.Name == b.Name {
					return nil, ErrSyntax
				}
			}
		}
	}
	return token, nil
}

// children calls each for the elements right below the one that was begun.
// each has to read the element to its end.
func (r *reader) children(each func(e xml.StartElement) error) error {
	for {
		token, err := r.next()
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if err := each(token.Copy()); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

// text reads the element that was begun, and returns its own text.
func (r *reader) text() (string, error) {
	var out string
	err := r.element(xml.StartElement{}, &place{name: "text"}, func(_, text string) { out = text })
	return out, err
}

// skip reads over the element that was begun.
func (r *reader) skip() error {
	return r.element(xml.StartElement{}, nil, nil)
}

func blank(text []byte) bool { return strings.TrimSpace(string(text)) == "" }
