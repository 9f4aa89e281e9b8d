package webservices

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Answer is a response envelope that was read in full.
type Answer struct {
	RequestReference string
	Elements         []Element
}

// Element is one response element, or one record of a query's answer.
type Element struct {
	// Fields are the plain members, as text; a number keeps its spelling.
	// Members that are null, or lists and objects unknown here, are left out.
	Fields map[string]string
	// ErrorData names the request's members that are at fault.
	ErrorData []string
	// Records are those of a query's answer.
	Records []Element
}

// Get gives a member's text, empty where it is missing.
func (e Element) Get(name string) string { return e.Fields[name] }

// Has reports whether a plain member is there, be it empty.
func (e Element) Has(name string) bool {
	_, ok := e.Fields[name]
	return ok
}

// Decode reads a response envelope.
func Decode(body []byte) (Answer, error) {
	a, err := decode(body)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return a, nil
}

func decode(body []byte) (Answer, error) {
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
