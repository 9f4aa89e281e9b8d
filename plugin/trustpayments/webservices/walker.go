package webservices

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Limits of an answer's shape.
const (
	maxDepth     = 16  // real answers have five levels
	maxMembers   = 256 // of one object; real ones have less than a hundred
	usualMembers = 48
)

var errTooDeep = errors.New("it is nested too deeply")

// walker goes through a text that is known to be valid JSON. Unlike Unmarshal
// it takes names as they are spelled and sees members that occur twice, and it
// costs a tenth of reading token by token.
type walker struct {
	text  []byte
	at    int
	depth int
}

// peek gives the first byte of the next value, name or delimiter.
func (w *walker) peek() byte {
	for w.at < len(w.text) {
		switch c := w.text[w.at]; c {
		case ' ', '\t', '\r', '\n':
			w.at++
		default:
			return c
		}
	}
	return 0
}

// take moves past the byte if it comes next.
func (w *walker) take(c byte) bool {
	if w.peek() != c {
		return false
	}
	w.at++
	return true
}

func (w *walker) open(c byte) error {
	if !w.take(c) {
		return fmt.Errorf("%q expected", rune(c))
	}
	if w.depth++; w.depth > maxDepth {
		return errTooDeep
	}
	return nil
}

// object calls member for each member of the object that comes next. member
// has to read the value.
func (w *walker) object(member func(name string) error) error {
	if err := w.open('{'); err != nil {
		return err
	}
	seen := make([]string, 0, usualMembers)
	for !w.take('}') {
		w.take(',')
		name, err := w.string()
		if err != nil {
			return err
		}
		if slices.Contains(seen, name) {
			return errors.New("a member occurs twice")
		}
		if seen = append(seen, name); len(seen) > maxMembers {
			return errors.New("an object has too many members")
		}
		w.take(':')
		if err := member(name); err != nil {
			return err
		}
	}
	w.depth--
	return nil
}

// array calls item for each item of the list that comes next. item has to
// read it.
func (w *walker) array(item func() error) error {
	if err := w.open('['); err != nil {
		return err
	}
	for !w.take(']') {
		w.take(',')
		if err := item(); err != nil {
			return err
		}
	}
	w.depth--
	return nil
}

// plain reads the value that comes next as text, a number as it is spelled; ok
// is false for null, and for lists and objects, which are skipped.
func (w *walker) plain() (text string, ok bool, err error) {
	switch w.peek() {
	case '"':
		text, err = w.string()
		return text, err == nil, err
	case '{', '[', 'n':
		return "", false, w.skip()
	}
	return w.word(), true, nil
}

// skip reads over the value that comes next.
func (w *walker) skip() error {
	switch w.peek() {
	case '{':
		return w.object(func(string) error { return w.skip() })
	case '[':
		return w.array(w.skip)
	case '"':
		_, err := w.string()
		return err
	}
	w.word()
	return nil
}

// word reads a number, true, false or null.
func (w *walker) word() string {
	rest := w.text[w.at:]
	n := bytes.IndexAny(rest, ",]} \t\r\n")
	if n < 0 {
		n = len(rest)
	}
	w.at += n
	return string(rest[:n])
}

// string reads the string that comes next.
func (w *walker) string() (string, error) {
	if w.peek() != '"' {
		return "", errors.New("a string is missing")
	}
	start := w.at + 1
	for end := start; end < len(w.text); end++ {
		switch w.text[end] {
		case '\\':
			return w.escaped()
		case '"':
			w.at = end + 1
			return string(w.text[start:end]), nil
		}
	}
	return "", errors.New("a string has no end")
}

// escaped reads a string with escapes in it, which the library knows best.
func (w *walker) escaped() (string, error) {
	for end := w.at + 1; end < len(w.text); end++ {
		switch w.text[end] {
		case '\\':
			end++ // whatever follows, it is not the end
		case '"':
			var text string
			err := json.Unmarshal(w.text[w.at:end+1], &text)
			w.at = end + 1
			return text, err
		}
	}
	return "", errors.New("a string has no end")
}
