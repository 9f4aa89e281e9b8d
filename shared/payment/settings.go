package payment

import (
	"fmt"
	"log/slog"
)

// Settings are a company's advanced settings for one plugin, by field name.
// They hold secrets, so every way of printing them is masked; whoever needs
// the values reads them one by one.
type Settings map[string]string

// String masks the values.
func (s Settings) String() string { return fmt.Sprintf("settings[%d fields, masked]", len(s)) }

// GoString masks the values.
func (s Settings) GoString() string { return s.String() }

// Format masks the values for every verb.
func (s Settings) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue masks the values.
func (s Settings) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON refuses to write the values: sealed storage and the plugin
// protocol convert to a plain map where they mean to.
func (s Settings) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// Secret is a string that never prints itself.
type Secret string

const mask = "********"

// String masks the secret.
func (Secret) String() string { return mask }

// GoString masks the secret.
func (Secret) GoString() string { return mask }

// Format masks the secret for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(mask)) }

// LogValue masks the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalJSON masks the secret.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + mask + `"`), nil }

// Reveal gives the secret itself. Its calls are the places to audit.
func (s Secret) Reveal() string { return string(s) }

// FieldKind is how a settings field is entered.
type FieldKind string

// The kinds of field.
const (
	FieldText    FieldKind = "text"
	FieldSecret  FieldKind = "secret"
	FieldChoice  FieldKind = "choice"
	FieldInteger FieldKind = "integer"
)

// Owner says where a field is normally entered.
type Owner string

// The owners of a field.
const (
	OwnerFulfiller Owner = "fulfiller"
	OwnerLink      Owner = "link"
)

// Field is one entry of a plugin's settings schema: enough to draw a form and
// to check its shape without knowing the gateway.
type Field struct {
	Name     string    `json:"name"`
	Label    string    `json:"label"`
	Kind     FieldKind `json:"kind"`
	Owner    Owner     `json:"owner"`
	Required bool      `json:"required"`
	// Rule is a go-playground/validator tag for one value, such as
	// "max=50,printascii". It applies to values that are not empty.
	Rule    string   `json:"rule,omitempty"`
	Choices []Choice `json:"choices,omitempty"`
	Default string   `json:"default,omitempty"`
	Help    string   `json:"help,omitempty"`
}

// Secret reports whether the field's value has to be sealed and masked.
func (f Field) Secret() bool { return f.Kind == FieldSecret }

// Choice is one value of a FieldChoice.
type Choice struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

// FieldProblem is one thing that is wrong with one settings field.
type FieldProblem struct {
	Field string `json:"field"` // name in the schema; empty for the whole form
	Label string `json:"label"` // as the user knows the field
	Rule  string `json:"rule"`  // machine word, such as "required"
	Text  string `json:"text"`  // what is wrong and what to do
}

// Profile is what the host has to know of settings that it otherwise does not
// read. It holds no secret.
type Profile struct {
	Endpoint string        `json:"endpoint"` // "EU" or "US"
	Site     string        `json:"site"`
	User     string        `json:"user"`
	Mode     Mode          `json:"mode"`
	Stored   TransactionID `json:"stored"` // the stored transaction reference
	Settle   SettleMode    `json:"settle"`
	// Numbered: charges on the stored reference form a numbered series.
	Numbered bool `json:"numbered,omitempty"`
}
