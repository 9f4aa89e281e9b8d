package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// readJSON reads a request's body. What the standard library would settle by a
// guess is refused: a name that is there twice, of which the last would count,
// and text that is broken, which would become U+FFFD and make two references
// the same.
func readJSON(data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil {
		return jsonError(err)
	}
	// Each body is read twice, this time first: into any value, to be checked.
	if _, checked := v.(*any); checked {
		return unambiguous(data)
	}
	return nil
}

// jsonError leaves out what was sent: it may be a password.
func jsonError(err error) error {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if strings.HasPrefix(e.Type.String(), "int") {
			return fmt.Errorf("%s: it must be a whole number, written without a decimal point or an exponent", e.Field)
		}
		return fmt.Errorf("%s: it must not be a %s", e.Field, strings.SplitN(e.Value, " ", 2)[0])
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("it is not JSON: %w, at byte %d", e, e.Offset)
	}
	return fmt.Errorf("it can't be read: %w", err)
}

// unambiguous looks through JSON that is known to be well-formed.
func unambiguous(data []byte) error {
	type level struct {
		names map[string]bool // nil for an array
		name  bool            // a name comes next
	}
	var open []level
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return jsonError(err)
		}
		switch t := token.(type) {
		case json.Delim:
			switch t {
			case '{':
				open = append(open, level{names: map[string]bool{}, name: true})
				continue
			case '[':
				open = append(open, level{})
				continue
			}
			open = open[:len(open)-1]
		case string:
			if strings.ContainsRune(t, utf8.RuneError) {
				return errors.New("it holds text that is not UTF-8, or the sign U+FFFD that stands for a lost character; send the text as it is")
			}
			if n := len(open); n > 0 && open[n-1].name {
				top := &open[n-1]
				if top.names[t] {
					return fmt.Errorf("the name %.64q is there twice in one object; send it once", t)
				}
				top.names[t], top.name = true, false
				continue
			}
		}
		// A value has ended here.
		if n := len(open); n > 0 && open[n-1].names != nil {
			open[n-1].name = true
		}
	}
}
