package settings

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
)

func field(kind payment.FieldKind, rule string) payment.Field {
	return payment.Field{Name: "f", Label: "The field", Kind: kind, Rule: rule, Choices: []payment.Choice{{Value: "a"}, {Value: "b"}}}
}

func TestSchema_Value(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		field payment.Field
		value string
		want  string // the rule that is broken
		text  string
	}{
		{"OK", field(payment.FieldText, "max=3,printascii"), "abc", "", ""},
		{"NoRule", field(payment.FieldText, ""), "é b", "", ""},
		{"TooLongForRule", field(payment.FieldText, "max=3"), "abcd", "max", "it must be at most 3 characters"},
		{"CharactersNotBytes", field(payment.FieldText, "max=3"), "ééé", "", ""},
		{"TooLongForAll", field(payment.FieldText, ""), strings.Repeat("x", MaxValue+1), "max", "it has 4097 bytes; the most is 4096"},
		{"Longest", field(payment.FieldText, ""), strings.Repeat("x", MaxValue), "", ""},
		{"NotASCII", field(payment.FieldText, "printascii"), "é", "printascii", "it must be of printable ASCII characters alone"},
		{"NotUTF8", field(payment.FieldText, ""), "a\xff", "utf8", "it is not UTF-8; enter it anew"},
		{"Newline", field(payment.FieldText, ""), "a\nb", "control", "it holds a control character, such as a line break; take it out"},
		{"Nul", field(payment.FieldSecret, ""), "a\x00b", "control", ""},
		{"SpaceBefore", field(payment.FieldText, ""), " a", "space", "it begins or ends with a space; leave it out"},
		{"SpaceAfterSecret", field(payment.FieldSecret, ""), "a ", "space", ""},
		{"NoBreakSpace", field(payment.FieldText, ""), "a\u00a0", "space", ""},
		{"Choice", field(payment.FieldChoice, ""), "b", "", ""},
		{"NoChoice", field(payment.FieldChoice, ""), "B", "choice", "it must be one of: a, b"},
		{"Integer", field(payment.FieldInteger, "min=-5,max=10"), "-5", "", ""},
		{"IntegerTooSmall", field(payment.FieldInteger, "min=-5,max=10"), "-6", "min", "it must be at least -5"},
		{"IntegerTooLarge", field(payment.FieldInteger, "min=-5,max=10"), "11", "max", "it must be at most 10"},
		{"IntegerHuge", field(payment.FieldInteger, ""), "9223372036854775808", "integer", "it must be a whole number, in digits alone"},
		{"IntegerFraction", field(payment.FieldInteger, ""), "1.0", "integer", ""},
		{"IntegerPlus", field(payment.FieldInteger, ""), "+1", "integer", ""},
		{"IntegerZeroInFront", field(payment.FieldInteger, ""), "01", "integer", ""},
		{"OtherRule", field(payment.FieldText, "ipv4"), "x", "ipv4", "it does not fit the rule ipv4"},
		{"OtherRuleWithParameter", field(payment.FieldText, "endswith=z"), "x", "endswith", "it does not fit the rule endswith=z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sc, err := newSchema("p", []payment.Field{test.field})
			require.NoError(t, err)
			p, err := sc.value(test.field, test.value)
			require.NoError(t, err)
			if test.want == "" {
				require.Nil(t, p)
				return
			}
			require.NotNil(t, p)
			require.Equal(t, test.want, p.Rule)
			require.Equal(t, "f", p.Field)
			require.Equal(t, "The field", p.Label)
			if test.text != "" {
				require.Equal(t, test.text, p.Text)
			}
		})
	}
}

func TestSchema_PluginFaults(t *testing.T) {
	t.Parallel()
	ok := field(payment.FieldText, "")
	with := func(do func(*payment.Field)) []payment.Field {
		f := ok
		do(&f)
		return []payment.Field{f}
	}
	for name, fields := range map[string][]payment.Field{
		"NoName":        with(func(f *payment.Field) { f.Name = "" }),
		"NoLabel":       with(func(f *payment.Field) { f.Label = "" }),
		"Twice":         {ok, ok},
		"UnknownKind":   with(func(f *payment.Field) { f.Kind = "colour" }),
		"NoChoices":     with(func(f *payment.Field) { f.Kind, f.Choices = payment.FieldChoice, nil }),
		"BadDefault":    with(func(f *payment.Field) { f.Kind, f.Default = payment.FieldChoice, "c" }),
		"SecretDefault": with(func(f *payment.Field) { f.Kind, f.Default = payment.FieldSecret, "c" }),
		"RuleOfDefault": with(func(f *payment.Field) { f.Rule, f.Default = "nonsense", "c" }),
		"TooMany":       make([]payment.Field, MaxFields+1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newSchema("p", fields)
			require.ErrorContains(t, err, "plugin p: ")
			require.ErrorContains(t, err, "whoever maintains the plugin has to mend it")
			require.Equal(t, payment.ErrorInternal, payment.KindOf(err))
		})
	}
	// Rules that the validator panics on.
	for _, rule := range []string{"nonsense", "max=x", "dive", "required_if=A", "max", ",", "eqfield=Other", "oneof"} {
		sc, err := newSchema("p", with(func(f *payment.Field) { f.Rule = rule }))
		require.NoError(t, err)
		problem, err := sc.value(sc.fields[0], "value")
		if err != nil {
			require.ErrorContains(t, err, "plugin p: its field f has a rule")
		} else {
			require.NotNil(t, problem, rule)
		}
	}
}

func TestSchema_TooManyFields(t *testing.T) {
	t.Parallel()
	sc, err := newSchema("p", []payment.Field{field(payment.FieldText, "")})
	require.NoError(t, err)
	e := Edit{Set: payment.Settings{}, Remove: make([]string, MaxFields)}
	e.Set["f"] = "x"
	problems, err := sc.shape(e, payment.OwnerLink)
	require.NoError(t, err)
	require.Len(t, problems, 1)
	require.Equal(t, "the change names 101 fields; the most is 100", problems[0].Text)
}

func TestMerged_SkipsEmptyAndUnknown(t *testing.T) {
	t.Parallel()
	f := field(payment.FieldText, "")
	f.Default = "default"
	sc, err := newSchema("p", []payment.Field{f})
	require.NoError(t, err)
	require.Equal(t, "fulfiller", sc.merged(payment.Settings{"f": "fulfiller"}, payment.Settings{"f": ""})["f"])
	require.Equal(t, "default", sc.merged(payment.Settings{"f": ""}, nil)["f"])
	require.NotContains(t, map[string]string(sc.merged(payment.Settings{"gone": "x"})), "gone")
}

// What a schema gave up stays a secret if it was sealed.
func TestChange_FieldsThePluginGaveUp(t *testing.T) {
	t.Parallel()
	sc, err := newSchema("p", []payment.Field{field(payment.FieldText, "")})
	require.NoError(t, err)
	current := Version{Number: 1, Sealed: map[string][]byte{"old": {1}, "f": {2}}, Plain: map[string]string{"plain": "y"}}
	old := payment.Settings{"old": "secret-1", "f": "secret-2", "plain": "y"}
	next, changes := sc.change(current, old, Edit{Set: payment.Settings{"f": "z"}, Remove: []string{"old", "plain"}})
	require.Equal(t, map[string]string{"f": "z"}, map[string]string(next))
	require.Equal(t, []FieldChange{
		{Field: "f", Label: "The field", Act: ActChanged, Secret: true},
		{Field: "old", Label: "old", Act: ActRemoved, Secret: true},
		{Field: "plain", Label: "plain", Act: ActRemoved, Old: "y"},
	}, changes)
	require.True(t, sc.secret(current, "old"))
}

func FuzzSchemaValue(f *testing.F) {
	for _, v := range []string{"a", " a", "\x00", "\xff", "12", "-0", strings.Repeat("x", 5000), "411111######1111"} {
		for kind := range 4 {
			f.Add(kind, "max=10,printascii", v)
		}
		f.Add(0, "nonsense", v)
	}
	kinds := []payment.FieldKind{payment.FieldText, payment.FieldSecret, payment.FieldChoice, payment.FieldInteger}
	f.Fuzz(func(t *testing.T, kind int, rule, value string) {
		fl := field(kinds[uint(kind)%4], rule)
		sc, err := newSchema("p", []payment.Field{fl})
		require.NoError(t, err)
		problems, err := sc.shape(Edit{Set: payment.Settings{"f": value, value: value}}, payment.OwnerFulfiller)
		if err != nil {
			require.Equal(t, payment.ErrorInternal, payment.KindOf(err))
			return
		}
		for _, p := range problems {
			require.NotEmpty(t, p.Text)
			require.NotEmpty(t, p.Rule)
			require.True(t, utf8.ValidString(p.Field))
			require.LessOrEqual(t, utf8.RuneCountInString(p.Field), maxFieldName+3)
			if fl.Secret() && len(value) > 20 && p.Field == "f" {
				require.NotContains(t, p.Text, value)
			}
		}
		if p, _ := sc.value(fl, value); p == nil && value != "" {
			require.LessOrEqual(t, len(value), MaxValue)
			require.True(t, utf8.ValidString(value))
			require.Equal(t, strings.TrimSpace(value), value)
			require.False(t, strings.ContainsFunc(value, unicode.IsControl))
		}
	})
}
