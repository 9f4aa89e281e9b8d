package wire

import "math/rand/v2"

// Field is one member to be written: a text, a list of texts, or a list of
// objects. The service has no other values.
type Field struct {
	Name    string
	Text    string
	List    []string
	Objects []Fields
	// IsList writes List, IsObjects writes Objects, even if empty.
	IsList, IsObjects bool
	// Optional marks a field that the service is known to leave out at times.
	Optional bool
}

// Fields is an object to be written.
type Fields []Field

// Text is a field that is always there.
func Text(name, value string) Field { return Field{Name: name, Text: value} }

// Maybe is a field that may be left out.
func Maybe(name, value string) Field { return Field{Name: name, Text: value, Optional: true} }

// List is a field that holds a list of texts.
func List(name string, values ...string) Field {
	return Field{Name: name, List: values, IsList: true}
}

// Objects is a field that holds a list of objects.
func Objects(name string, values []Fields) Field {
	return Field{Name: name, Objects: values, IsObjects: true}
}

// Scramble puts the members of an object, and of the objects in it, into
// random order and leaves out optional ones, each with the given chance.
func (f Fields) Scramble(rng *rand.Rand, drop float64) Fields {
	kept := f[:0]
	for _, field := range f {
		if field.Optional && rng.Float64() < drop {
			continue
		}
		for i := range field.Objects {
			field.Objects[i] = field.Objects[i].Scramble(rng, drop)
		}
		kept = append(kept, field)
	}
	rng.Shuffle(len(kept), func(i, j int) { kept[i], kept[j] = kept[j], kept[i] })
	return kept
}

// Append writes the object as JSON behind dst.
func (f Fields) Append(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range f {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, f[i].Name)
		dst = append(dst, ':')
		dst = f[i].appendValue(dst)
	}
	return append(dst, '}')
}

func (f *Field) appendValue(dst []byte) []byte {
	switch {
	case f.IsList:
		dst = append(dst, '[')
		for i, s := range f.List {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendString(dst, s)
		}
		return append(dst, ']')
	case f.IsObjects:
		dst = append(dst, '[')
		for i, o := range f.Objects {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = o.Append(dst)
		}
		return append(dst, ']')
	default:
		return appendString(dst, f.Text)
	}
}

const hexDigits = "0123456789abcdef"

func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		if c < ' ' {
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		} else {
			dst = append(dst, '\\', c)
		}
		start = i + 1
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
