package gateway

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ParseFaults reads a fault script: a list of faults in YAML or JSON, or one
// fault. Each is a mapping of the members that Fault documents. What is wrong
// is told with its line. Members that are unknown, or mean nothing to the
// effect, are refused: a fault with a misspelt condition would match everything.
// So are anchors and aliases, which a script has no need of.
func ParseFaults(script []byte) ([]Fault, error) {
	if len(script) > maxScript {
		return nil, fmt.Errorf("read faults: %d bytes; a script has at most %d", len(script), maxScript)
	}
	if json.Valid(script) { // then tabs are never part of a text, and YAML does not take them
		script = bytes.ReplaceAll(script, []byte("\t"), []byte(" "))
	}
	faults, err := parseFaults(script)
	if err != nil {
		return nil, fmt.Errorf("read faults: %w", err)
	}
	return faults, nil
}

func parseFaults(script []byte) ([]Fault, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(script))
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil {
		return nil, fmt.Errorf("neither YAML nor JSON: %w", err)
	}
	if decoder.Decode(new(yaml.Node)) == nil {
		return nil, errors.New("a script is one document")
	}
	list := document.Content
	if len(list) == 1 && list[0].Kind == yaml.SequenceNode {
		list = list[0].Content
	}
	if len(list) > maxFaults {
		return nil, fmt.Errorf("%d faults; a script has at most %d", len(list), maxFaults)
	}
	faults := make([]Fault, len(list))
	for i, node := range list {
		if node.Kind != yaml.MappingNode || node.Anchor != "" {
			return nil, fmt.Errorf("line %d: a fault is a mapping like {effect: held, times: 1}, without anchors and aliases", node.Line)
		}
		if err := faults[i].read(node.Content); err != nil {
			return nil, err
		}
		if err := faults[i].check(); err != nil {
			return nil, fmt.Errorf("line %d: %w", node.Line, err)
		}
	}
	return faults, nil
}

// faultMembers are the members of a script's faults: where each is in a Fault.
var faultMembers = func() map[string]int {
	members := map[string]int{}
	for i := range reflect.TypeFor[Fault]().NumField() {
		tag, _ := reflect.TypeFor[Fault]().Field(i).Tag.Lookup("json")
		name, _, _ := strings.Cut(tag, ",")
		if name != "id" { // the gateway's to give
			members[name] = i
		}
	}
	return members
}()

// FaultMembers lists the members that a fault of a script may have, sorted.
func FaultMembers() []string {
	var names []string
	for name := range faultMembers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// given lists the members that are set, but for the effect.
func (f *Fault) given() []string {
	var names []string
	for _, name := range FaultMembers() {
		if name != "effect" && !reflect.ValueOf(f).Elem().Field(faultMembers[name]).IsZero() {
			names = append(names, name)
		}
	}
	return names
}

// read takes the pairs of a mapping.
func (f *Fault) read(pairs []*yaml.Node) error {
	seen := map[string]bool{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, value := pairs[i], pairs[i+1]
		at, known := faultMembers[name.Value]
		switch {
		case name.Kind != yaml.ScalarNode || !known:
			return fmt.Errorf("line %d: there is no member %q; a fault has %s", name.Line, name.Value, strings.Join(FaultMembers(), ", "))
		case seen[name.Value]:
			return fmt.Errorf("line %d: %s is given twice", name.Line, name.Value)
		case value.Kind != yaml.ScalarNode || value.Anchor != "" || value.Tag == "!!null":
			return fmt.Errorf("line %d: %s is one value", value.Line, name.Value)
		}
		seen[name.Value] = true
		if err := setMember(reflect.ValueOf(f).Elem().Field(at), value); err != nil {
			return fmt.Errorf("line %d: %s: %w", value.Line, name.Value, err)
		}
	}
	return nil
}

// setMember reads a value as the type of its member. Texts need no quotes, even
// if they look like numbers; numbers and truths have none.
func setMember(field reflect.Value, value *yaml.Node) error {
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	if text, ok := field.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return text.UnmarshalText([]byte(value.Value)) //nolint:wrapcheck // it says all there is to say
	}
	if field.Kind() == reflect.String {
		field.SetString(value.Value)
		return nil
	}
	quoted := value.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	var err error
	switch field.Kind() {
	case reflect.Bool:
		var v bool
		v, err = strconv.ParseBool(value.Value)
		field.SetBool(v)
		quoted = quoted || value.Tag != "!!bool"
	case reflect.Int:
		var v int64
		v, err = strconv.ParseInt(value.Value, 10, field.Type().Bits())
		field.SetInt(v)
	case reflect.Uint64:
		var v uint64
		v, err = strconv.ParseUint(value.Value, 10, 64)
		field.SetUint(v)
	case reflect.Float64:
		var v float64
		v, err = strconv.ParseFloat(value.Value, 64)
		if v != v { // not a number: no comparison would refuse it
			err = errors.New("not a number")
		}
		field.SetFloat(v)
	}
	if err != nil || quoted {
		return fmt.Errorf("%q is no %s", value.Value, map[bool]string{true: "truth: write true or false", false: "number"}[field.Kind() == reflect.Bool])
	}
	return nil
}
