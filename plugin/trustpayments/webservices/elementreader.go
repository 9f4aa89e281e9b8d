package webservices

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// elementReader goes through a text that has to be one XML element and nothing
// else: no document type, no entity but XML's own five, no instruction.
type elementReader struct {
	tokens *xml.Decoder // strict, without entities, and for UTF-8 alone
	depth  int
}

var errNotXML = errors.New("it is not XML, or cut off")

// document reads the element that holds all others. each is called for those
// right below it, and has to read them.
func (r *elementReader) document(name string, each func(start xml.StartElement) error) error {
	root, err := r.root()
	if err != nil {
		return err
	}
	if root.Name.Local != name {
		return fmt.Errorf("it is no %s", name)
	}
	if err := r.children(each); err != nil {
		return err
	}
	return r.end()
}

func (r *elementReader) root() (xml.StartElement, error) {
	for {
		first := r.tokens.InputOffset() == 0
		token, err := r.read()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			return token.Copy(), nil
		case xml.ProcInst:
			if !first || token.Target != "xml" {
				return xml.StartElement{}, errNotXML
			}
		case xml.CharData:
			if !blank(token) {
				return xml.StartElement{}, errNotXML
			}
		}
	}
}

// end makes sure that nothing follows.
func (r *elementReader) end() error {
	for {
		token, err := r.tokens.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errNotXML
		}
		text, isText := token.(xml.CharData)
		if _, isComment := token.(xml.Comment); !isComment && (!isText || !blank(text)) {
			return errNotXML
		}
	}
}

// children calls each for every element right below the one that was begun,
// and reads that to its end.
func (r *elementReader) children(each func(start xml.StartElement) error) error {
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

// next gives the next start, end or text inside the root.
func (r *elementReader) next() (xml.Token, error) {
	for {
		token, err := r.read()
		if err != nil {
			return nil, err
		}
		switch token.(type) {
		case xml.StartElement, xml.EndElement, xml.CharData:
			return token, nil
		case xml.ProcInst:
			return nil, errNotXML
		}
	}
}

func (r *elementReader) read() (xml.Token, error) {
	token, err := r.tokens.Token()
	if err != nil {
		return nil, errNotXML // whose words may quote the answer
	}
	switch token.(type) {
	case xml.Directive:
		return nil, errNotXML
	case xml.EndElement:
		r.depth--
	case xml.StartElement:
		if r.depth++; r.depth > maxDepth {
			return nil, errTooDeep
		}
	}
	return token, nil
}

func blank(text []byte) bool { return strings.TrimSpace(string(text)) == "" }
