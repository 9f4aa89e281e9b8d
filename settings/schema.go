package settings

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-playground/validator/v10"

	"github.com/chargehand/chargehand/shared/payment"
)

// Limits on settings, whatever the schema says.
const (
	MaxFields     = 100
	MaxValue      = 4 << 10 // bytes of one value
	maxFieldName  = 64
	maxFieldLabel = 200
)

// schema is a plugin's settings schema, found to be sound.
type schema struct {
	plugin string
	fields []payment.Field
	byName map[string]payment.Field
	check  *validator.Validate
}

// newSchema refuses a schema that can't be used. That is the plugin's fault,
// and nobody's settings can mend it.
func newSchema(plugin string, fields []payment.Field) (*schema, error) {
	if len(fields) > MaxFields {
		return nil, pluginFault(plugin, "its schema has %d fields; the most is %d", len(fields), MaxFields)
	}
	sc := &schema{plugin: plugin, fields: fields, byName: make(map[string]payment.Field, len(fields)), check: validator.New()}
	for _, f := range fields {
		if f.Name == "" || len(f.Name) > maxFieldName || f.Label == "" || len(f.Label) > maxFieldLabel {
			return nil, pluginFault(plugin, "its schema has a field (%.64q) without a usable name and label", f.Name)
		}
		if _, twice := sc.byName[f.Name]; twice {
			return nil, pluginFault(plugin, "its schema has the field %s twice", f.Name)
		}
		switch f.Kind {
		case payment.FieldText, payment.FieldSecret, payment.FieldInteger:
		case payment.FieldChoice:
			if len(f.Choices) == 0 {
				return nil, pluginFault(plugin, "its field %s is a choice among nothing", f.Name)
			}
		default:
			return nil, pluginFault(plugin, "its field %s is of a kind (%.64q) that this host does not know; a newer host may", f.Name, f.Kind)
		}
		sc.byName[f.Name] = f
		if f.Default == "" {
			continue
		}
		if p, err := sc.value(f, f.Default); err != nil || p != nil || f.Secret() {
			return nil, pluginFault(plugin, "its field %s has a default that its own rules refuse", f.Name)
		}
	}
	return sc, nil
}

func pluginFault(plugin, format string, args ...any) error {
	return &payment.Error{
		Kind: payment.ErrorInternal, Op: "plugin " + plugin,
		Text: fmt.Sprintf(format, args...) + "; whoever maintains the plugin has to mend it",
	}
}

// shape checks the fields of an edit, each by itself. An error is the plugin's
// fault.
func (sc *schema) shape(e Edit, owner payment.Owner) ([]Problem, error) {
	var problems []Problem
	add := func(p *payment.FieldProblem) {
		if p != nil {
			problems = append(problems, Problem{FieldProblem: *p})
		}
	}
	if len(e.Set)+len(e.Remove) > MaxFields {
		add(&payment.FieldProblem{Rule: "max", Text: fmt.Sprintf("the change names %d fields; the most is %d", len(e.Set)+len(e.Remove), MaxFields)})
		return problems, nil
	}
	for _, name := range sorted(e.Set) {
		f, ok := sc.byName[name]
		switch {
		case !ok:
			add(sc.unknown(name))
		case slices.Contains(e.Remove, name):
			add(problem(f, "contradiction", "it is set and removed at once; do one of both"))
		case e.Set[name] == "":
			if owner != payment.OwnerLink {
				add(problem(f, "empty", "it is empty; to take the value away, remove the field"))
			}
		default:
			p, err := sc.value(f, e.Set[name])
			if err != nil {
				return nil, err
			}
			add(p)
		}
	}
	// What is stored under a name that the plugin has given up can be removed:
	// only a name that could never be one is refused.
	for _, name := range e.Remove {
		if name == "" || len(name) > maxFieldName {
			add(sc.unknown(name))
		}
	}
	return problems, nil
}

func (sc *schema) unknown(name string) *payment.FieldProblem {
	shown := strings.ToValidUTF8(name, "?")
	if utf8.RuneCountInString(shown) > maxFieldName {
		shown = string([]rune(shown)[:maxFieldName]) + "..."
	}
	return &payment.FieldProblem{
		Field: shown, Label: shown, Rule: "unknown",
		Text: fmt.Sprintf("%s has no such setting; take it out, or check its spelling", sc.plugin),
	}
}

// incomplete lists required fields that have no value.
func (sc *schema) incomplete(values payment.Settings) []payment.FieldProblem {
	var out []payment.FieldProblem
	for _, f := range sc.fields {
		if f.Required && values[f.Name] == "" {
			out = append(out, *problem(f, "required", fmt.Sprintf("it is missing; enter it on the %s", place(f.Owner))))
		}
	}
	return out
}

func place(o payment.Owner) string {
	if o == payment.OwnerLink {
		return "link"
	}
	return "fulfiller, or on the link alone"
}

// value checks one value that is not empty. An error is the plugin's fault.
func (sc *schema) value(f payment.Field, v string) (*payment.FieldProblem, error) {
	switch {
	case len(v) > MaxValue:
		return problem(f, "max", fmt.Sprintf("it has %d bytes; the most is %d", len(v), MaxValue)), nil
	case !utf8.ValidString(v):
		return problem(f, "utf8", "it is not UTF-8; enter it anew"), nil
	case strings.ContainsFunc(v, unicode.IsControl):
		return problem(f, "control", "it holds a control character, such as a line break; take it out"), nil
	case strings.TrimSpace(v) != v:
		return problem(f, "space", "it begins or ends with a space; leave it out"), nil
	}
	var typed any = v
	switch f.Kind {
	case payment.FieldChoice:
		if !slices.ContainsFunc(f.Choices, func(c payment.Choice) bool { return c.Value == v }) {
			return problem(f, "choice", "it must be one of: "+choices(f)), nil
		}
	case payment.FieldInteger:
		// What is too large or no number at all comes back as another text.
		n, _ := strconv.ParseInt(v, 10, 64)
		if strconv.FormatInt(n, 10) != v {
			return problem(f, "integer", "it must be a whole number, in digits alone"), nil
		}
		typed = n
	}
	if f.Rule == "" {
		return nil, nil
	}
	return sc.rule(f, typed)
}

// rule applies the field's own rule. The validator panics on rules that it
// does not know.
func (sc *schema) rule(f payment.Field, v any) (p *payment.FieldProblem, err error) {
	defer func() {
		if recover() != nil {
			p, err = nil, pluginFault(sc.plugin, "its field %s has a rule (%.200q) that is none", f.Name, f.Rule)
		}
	}()
	err = sc.check.Var(v, f.Rule)
	if broken, ok := errors.AsType[validator.ValidationErrors](err); ok && len(broken) > 0 {
		return problem(f, broken[0].Tag(), ruleText(f, broken[0])), nil
	}
	if err != nil {
		return nil, pluginFault(sc.plugin, "its field %s has a rule (%.200q) that is none", f.Name, f.Rule)
	}
	return nil, nil
}

func problem(f payment.Field, rule, text string) *payment.FieldProblem {
	return &payment.FieldProblem{Field: f.Name, Label: f.Label, Rule: rule, Text: text}
}

// ruleText says what a broken rule asks for.
func ruleText(f payment.Field, e validator.FieldError) string {
	unit := " characters"
	if f.Kind == payment.FieldInteger {
		unit = ""
	}
	switch e.Tag() {
	case "max", "lte":
		return "it must be at most " + e.Param() + unit
	case "min", "gte":
		return "it must be at least " + e.Param() + unit
	case "len":
		return "it must be exactly " + e.Param() + unit
	case "printascii":
		return "it must be of printable ASCII characters alone"
	case "ascii":
		return "it must be of ASCII characters alone"
	case "alphanum":
		return "it must be of letters and digits alone"
	case "alpha":
		return "it must be of letters alone"
	case "numeric", "number":
		return "it must be of digits alone"
	case "email":
		return "it must be an e-mail address"
	case "oneof":
		return "it must be one of: " + strings.Join(strings.Fields(e.Param()), ", ")
	case "excludesall", "excludes":
		return "it must hold none of: " + e.Param()
	case "startswith":
		return "it must begin with " + e.Param()
	}
	if e.Param() == "" {
		return "it does not fit the rule " + e.Tag()
	}
	return "it does not fit the rule " + e.Tag() + "=" + e.Param()
}

func choices(f payment.Field) string {
	values := make([]string, len(f.Choices))
	for i, c := range f.Choices {
		values[i] = c.Value
	}
	return strings.Join(values, ", ")
}

// defaults gives the schema's own values.
func (sc *schema) defaults() payment.Settings {
	out := payment.Settings{}
	for _, f := range sc.fields {
		if f.Default != "" {
			out[f.Name] = f.Default
		}
	}
	return out
}

// merged lays layers over each other, the later over the earlier. Empty values
// inherit; what the schema does not know is left out.
func (sc *schema) merged(layers ...payment.Settings) payment.Settings {
	out := sc.defaults()
	for _, layer := range layers {
		for name, v := range layer {
			if _, known := sc.byName[name]; known && v != "" {
				out[name] = v
			}
		}
	}
	return out
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
