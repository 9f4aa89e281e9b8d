package settings

import (
	"time"

	"github.com/chargehand/chargehand/shared/payment"
)

// Scope names one set of advanced settings: whose, for which plugin.
type Scope struct {
	Owner payment.Owner
	ID    string // a CompanyID or a LinkID
	// Fulfiller is the company whose key seals the secrets: the owner itself,
	// or the fulfiller of the link.
	Fulfiller CompanyID
	Plugin    string
}

// Version is one state of a scope's settings. It never changes.
type Version struct {
	Scope  Scope
	Number int64 // from 1; zero if nothing was ever saved
	// Plain holds the values that are no secrets; Sealed the secrets, each
	// sealed under KeyID for this version alone.
	Plain   map[string]string
	Sealed  map[string][]byte
	KeyID   string
	Changes []FieldChange
	Reason  string
	At      time.Time
	By      string
}

// FieldChange is what a version did to one field. Old and New are empty for
// secrets.
type FieldChange struct {
	Field  string `json:"field"`
	Label  string `json:"label"`
	Act    Act    `json:"act"`
	Secret bool   `json:"secret,omitempty"`
	Old    string `json:"old,omitempty"`
	New    string `json:"new,omitempty"`
}

// Act is what was done to a field.
type Act string

// The acts.
const (
	ActSet     Act = "set" // it had no value
	ActChanged Act = "changed"
	ActRemoved Act = "removed"
)

// Edit changes settings field by field. Fields it does not name stay as they
// are.
type Edit struct {
	// Seen is the version that the edit is based on; zero if there was none.
	Seen int64
	// Set gives new values. On a link an empty value means the same as Remove:
	// the fulfiller's value is inherited.
	Set payment.Settings
	// Remove takes fields away.
	Remove []string
	// Reason is why, for the history. It may be empty.
	Reason string
}

// MaxReason is the length of the longest reason for a change, in characters.
const MaxReason = 500

// Origin says where an effective value comes from.
type Origin string

// The origins.
const (
	OriginNone      Origin = ""
	OriginDefault   Origin = "default"
	OriginFulfiller Origin = "fulfiller"
	OriginLink      Origin = "link"
)

// FieldView is one field as it may be shown. Value is empty for secrets: Set
// tells whether there is one.
type FieldView struct {
	payment.Field
	Value string `json:"value,omitempty"`
	Set   bool   `json:"set"`
	From  Origin `json:"from,omitempty"`
}

// View is what may be shown of settings. It holds no secret.
type View struct {
	Scope Scope
	// Version is what an Edit of this scope names as Seen.
	Version int64
	// FulfillerVersion is the other half of a link's effective settings.
	FulfillerVersion int64
	// Fields has all fields of the schema, with the value in force and where it
	// comes from.
	Fields []FieldView
	At     time.Time // of the version; zero if nothing was ever saved
	By     string
}

// VersionView is one entry of the history.
type VersionView struct {
	Number  int64
	At      time.Time
	By      string
	Reason  string
	Changes []FieldChange
}

// Page is one page of a list. Next is the cursor of the following page, empty
// on the last.
type Page[T any] struct {
	Items []T
	Next  string
}

// Paging asks for one page.
type Paging struct {
	After string // the cursor of the page before; empty for the first page
	Limit int    // zero means DefaultPage
}

// Sizes of a page.
const (
	DefaultPage = 50
	MaxPage     = 200
)

func (p Paging) validate() (Paging, error) {
	if p.Limit == 0 {
		p.Limit = DefaultPage
	}
	if p.Limit < 1 || p.Limit > MaxPage {
		return p, invalid("limit", "it must be from 1 to %d", MaxPage)
	}
	return p, nil
}

// byID is validate for lists whose cursor is an id.
func (p Paging) byID() (Paging, error) {
	if p.After != "" && !isID(p.After) {
		return p, badCursor()
	}
	return p.validate()
}

func badCursor() error { return invalid("cursor", "it is not one of ours; begin again without") }
