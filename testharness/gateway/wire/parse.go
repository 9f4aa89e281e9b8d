package wire

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of a document. A request of the service nests five deep and holds a
// few hundred values; the limits bound what a hostile one may cost.
const (
	MaxDepth  = 32
	MaxValues = 50_000
)

// ErrSyntax says that a document is not JSON, ErrLimit that it is too deep or
// holds too many values.
var (
	ErrSyntax = errors.New("not valid JSON")
	ErrLimit  = errors.New("too deep, or too many values")
)

// Parse reads one JSON document. The text must be valid UTF-8: the caller
// tells that fault apart, since the service does.
func Parse(text string) (Value, error) {
	p := parser{text: text}
	v, err := p.document()
	if err != nil {
		return Value{}, fmt.Errorf("parse JSON at byte %d: %w", p.pos, err)
	}
	return v, nil
}

type parser struct {
	text   string
	pos    int
	depth  int
	values int
}

func (p *parser) document() (Value, error) {
	v, err := p.value()
	if err != nil {
		return Value{}, err
	}
	p.space()
	if p.pos != len(p.text) {
		return Value{}, ErrSyntax
	}
	return v, nil
}

func (p *parser) space() {
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// peek skips white space and returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	p.space()
	if p.pos == len(p.text) {
		return 0
	}
	return p.text[p.pos]
}

func (p *parser) value() (Value, error) {
	if p.values++; p.values > MaxValues {
		return Value{}, ErrLimit
	}
	switch c := p.peek(); {
	case c == '"':
		s, err := p.str()
		return Value{Kind: String, Text: s}, err
	case c == '{':
		return p.nested(p.object)
	case c == '[':
		return p.nested(p.array)
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case c == 't':
		return p.literal("true", Bool)
	case c == 'f':
		return p.literal("false", Bool)
	case c == 'n':
		return p.literal("null", Null)
	default:
		return Value{}, ErrSyntax
	}
}

func (p *parser) nested(read func() (Value, error)) (Value, error) {
	if p.depth++; p.depth > MaxDepth {
		return Value{}, ErrLimit
	}
	p.pos++
	v, err := read()
	p.depth--
	return v, err
}

func (p *parser) literal(word string, kind Kind) (Value, error) {
	if !strings.HasPrefix(p.text[p.pos:], word) {
		return Value{}, ErrSyntax
	}
	p.pos += len(word)
	return Value{Kind: kind, Text: word}, nil
}

func (p *parser) object() (Value, error) {
	v := Value{Kind: Object}
	if p.peek() == '}' {
		p.pos++
		return v, nil
	}
	v.Members = make([]Member, 0, 12)
	for {
		if p.peek() != '"' {
			return Value{}, ErrSyntax
		}
		name, err := p.str()
		if err != nil {
			return Value{}, err
		}
		if p.peek() != ':' {
			return Value{}, ErrSyntax
		}
		p.pos++
		member, err := p.value()
		if err != nil {
			return Value{}, err
		}
		v.Members = append(v.Members, Member{Name: name, Value: member})
		if done, err := p.next('}'); done || err != nil {
			return v, err
		}
	}
}

func (p *parser) array() (Value, error) {
	v := Value{Kind: Array}
	if p.peek() == ']' {
		p.pos++
		return v, nil
	}
	for {
		item, err := p.value()
		if err != nil {
			return Value{}, err
		}
		v.Items = append(v.Items, item)
		if done, err := p.next(']'); done || err != nil {
			return v, err
		}
	}
}

// next reads the comma before another item, or the end.
func (p *parser) next(end byte) (done bool, err error) {
	switch p.peek() {
	case ',':
		p.pos++
		return false, nil
	case end:
		p.pos++
		return true, nil
	default:
		return false, ErrSyntax
	}
}

func (p *parser) number() (Value, error) {
	start := p.pos
	if p.at('-') {
		p.pos++
	}
	switch {
	case p.at('0'):
		p.pos++
	case !p.digits():
		return Value{}, ErrSyntax
	}
	if p.at('.') {
		p.pos++
		if !p.digits() {
			return Value{}, ErrSyntax
		}
	}
	if p.at('e') || p.at('E') {
		p.pos++
		if p.at('+') || p.at('-') {
			p.pos++
		}
		if !p.digits() {
			return Value{}, ErrSyntax
		}
	}
	return Value{Kind: Number, Text: p.text[start:p.pos]}, nil
}

func (p *parser) at(c byte) bool { return p.pos < len(p.text) && p.text[p.pos] == c }

// digits skips digits and says whether there was one.
func (p *parser) digits() bool {
	start := p.pos
	for p.pos < len(p.text) && p.text[p.pos] >= '0' && p.text[p.pos] <= '9' {
		p.pos++
	}
	return p.pos > start
}

// str reads a string; the next byte is its opening quote.
func (p *parser) str() (string, error) {
	p.pos++
	start := p.pos
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == '"':
			s := p.text[start:p.pos]
			p.pos++
			return s, nil
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", ErrSyntax
		default:
			p.pos++
		}
	}
	return "", ErrSyntax
}

// escaped reads the rest of a string that holds escapes, and so can't share
// the document's memory.
func (p *parser) escaped(start int) (string, error) {
	out := append([]byte(nil), p.text[start:p.pos]...)
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		p.pos++
		switch {
		case c == '"':
			return string(out), nil
		case c < ' ':
			return "", ErrSyntax
		case c != '\\':
			out = append(out, c)
		case p.pos == len(p.text):
			return "", ErrSyntax
		default:
			c = p.text[p.pos]
			p.pos++
			if c == 'u' {
				r, err := p.unicode()
				if err != nil {
					return "", err
				}
				out = utf8.AppendRune(out, r)
				continue
			}
			i := strings.IndexByte(`"\/bfnrt`, c)
			if i < 0 {
				return "", ErrSyntax
			}
			out = append(out, "\"\\/\b\f\n\r\t"[i])
		}
	}
	return "", ErrSyntax
}

// unicode reads the digits after \u, and the second half of a surrogate pair.
// Half a pair becomes the replacement character, as in encoding/json.
func (p *parser) unicode() (rune, error) {
	r, err := p.hex()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if !strings.HasPrefix(p.text[p.pos:], `\u`) {
		return utf8.RuneError, nil
	}
	before := p.pos
	p.pos += 2
	second, err := p.hex()
	if err != nil {
		return 0, err
	}
	if pair := utf16.DecodeRune(r, second); pair != utf8.RuneError {
		return pair, nil
	}
	p.pos = before
	return utf8.RuneError, nil
}

func (p *parser) hex() (rune, error) {
	if len(p.text)-p.pos < 4 {
		return 0, ErrSyntax
	}
	n, err := strconv.ParseUint(p.text[p.pos:p.pos+4], 16, 16)
	if err != nil {
		return 0, ErrSyntax
	}
	p.pos += 4
	return rune(uint16(n)), nil
}
