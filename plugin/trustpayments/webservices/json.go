package webservices

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// jsonVersion is the version of the JSON interface.
const jsonVersion = "1.00"

// jsonCodec is the format that the gateway's own libraries use.
type jsonCodec struct{}

func (jsonCodec) contentType() string { return "application/json" }

type wireRequest struct {
	Types     []string `json:"requesttypedescriptions,omitempty"`
	Type      string   `json:"requesttypedescription,omitempty"`
	Reference string   `json:"requestreference"`
	Request
}

type wireEnvelope struct {
	Alias   string        `json:"alias"`
	Version string        `json:"version"`
	Request []wireRequest `json:"request"`
}

// encode lets a lone element carry the call's own reference and name its type
// in a list; of several each has a reference of its own and names its type as
// text, which is how the gateway's libraries do it.
func (jsonCodec) encode(user, reference string, requests []Request) ([]byte, error) {
	env := wireEnvelope{Alias: user, Version: jsonVersion, Request: make([]wireRequest, len(requests))}
	for i, r := range requests {
		w := wireRequest{Request: r, Reference: reference}
		if len(requests) == 1 {
			w.Types = []string{r.Type}
		} else {
			w.Type, w.Reference = r.Type, newReference()
		}
		env.Request[i] = w
	}
	return json.Marshal(env)
}

func (jsonCodec) decode(body []byte) (Answer, error) {
	if !json.Valid(body) {
		return Answer{}, errors.New("it is not JSON, or cut off")
	}
	if !utf8.Valid(body) {
		body = bytes.ToValidUTF8(body, []byte("\uFFFD")) // a bank's text, and no reason for doubt
	}
	return envelope(&walker{text: body})
}

func envelope(w *walker) (Answer, error) {
	var a Answer
	var found bool
	err := w.object(func(name string) (err error) {
		switch name {
		case "requestreference":
			a.RequestReference, _, err = w.plain()
			return err
		case "response", "responses":
			if found {
				return errors.New("two lists of responses")
			}
			found = true
			a.Elements, err = elements(w)
			return err
		}
		return w.skip()
	})
	if err == nil && !found {
		err = errors.New("no list of responses")
	}
	return a, err
}

// elements reads a list of elements. Null is an empty one.
func elements(w *walker) (list []Element, err error) {
	if w.peek() == 'n' {
		return nil, w.skip()
	}
	err = w.array(func() error {
		e, err := oneElement(w)
		list = append(list, e)
		return err
	})
	return list, err
}

func oneElement(w *walker) (Element, error) {
	e := Element{Fields: make(map[string]string, usualMembers)}
	err := w.object(func(name string) (err error) {
		switch name {
		case "records":
			e.Records, err = elements(w)
		case "errordata":
			e.ErrorData, err = texts(w)
		default:
			var text string
			var plain bool
			if text, plain, err = w.plain(); plain {
				e.Fields[name] = text
			}
		}
		return err
	})
	return e, err
}

// texts reads a list of texts, or one text as a list of one.
func texts(w *walker) (list []string, err error) {
	one := func() error {
		text, plain, err := w.plain()
		if plain {
			list = append(list, text)
		}
		return err
	}
	if w.peek() == '[' {
		err = w.array(one)
	} else {
		err = one()
	}
	return list, err
}
