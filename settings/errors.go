package settings

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/chargehand/chargehand/shared/payment"
)

// What a Store answers; the Service turns it into words for people.
var (
	// ErrNotFound: there is no such row.
	ErrNotFound = errors.New("not found")
	// ErrExists: a row with this unique name is there already.
	ErrExists = errors.New("exists already")
	// ErrStale: the row or revision that the write is based on has moved on.
	ErrStale = errors.New("changed meanwhile")
)

// ErrMasterKey is what every failure to use the master key wraps.
var ErrMasterKey = errors.New("master key")

// Problem is one thing wrong with settings, and with whose.
type Problem struct {
	payment.FieldProblem
	// Link is the link whose settings would be wrong together with the change;
	// empty if the problem lies in what was sent itself.
	Link LinkID `json:"link,omitempty"`
}

// Invalid is the refusal of settings, with all that is wrong at once.
type Invalid struct{ Problems []Problem } //nolint:errname // it is named after its kind, as those who ask for it read it

// Error tells all problems, each with the field as people know it.
func (e *Invalid) Error() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.Text
		if p.Label != "" {
			texts[i] = p.Label + ": " + p.Text
		}
		if p.Link != "" {
			texts[i] = "link " + string(p.Link) + ": " + texts[i]
		}
	}
	return "settings not acceptable: " + strings.Join(texts, "; ")
}

// Unwrap makes it a payment.Error of kind invalid.
func (e *Invalid) Unwrap() error {
	return &payment.Error{Kind: payment.ErrorInvalid, Text: e.Error()}
}

func fail(kind payment.ErrorKind, field, format string, args ...any) *payment.Error {
	return &payment.Error{Kind: kind, Field: field, Text: fmt.Sprintf(format, args...)}
}

func invalid(field, format string, args ...any) error {
	return fail(payment.ErrorInvalid, field, format, args...)
}

func conflict(field, format string, args ...any) error {
	return fail(payment.ErrorConflict, field, format, args...)
}

func forbidden(text string) error { return fail(payment.ErrorForbidden, "", "%s", text) }

func noSuch(what string) error { return fail(payment.ErrorNotFound, "", "there is no such %s", what) }

// missing turns a store's ErrNotFound into words and leaves other errors to
// whoever wraps them.
func missing(err error, what string) error {
	if errors.Is(err, ErrNotFound) {
		return noSuch(what)
	}
	return fmt.Errorf("read %s: %w", what, err)
}

// checkName holds what a name may be. Names are compared byte for byte, so
// what people can't see is refused.
func checkName(field, s string, most int) error {
	switch {
	case s == "":
		return invalid(field, "it is missing")
	case !utf8.ValidString(s):
		return invalid(field, "it is not UTF-8")
	case utf8.RuneCountInString(s) > most:
		return invalid(field, "it has %d characters; the most is %d", utf8.RuneCountInString(s), most)
	case strings.TrimSpace(s) != s:
		return invalid(field, "it begins or ends with a space; leave it out")
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return invalid(field, "it holds a character that can't be printed (%U)", r)
		}
	}
	return nil
}

// refusal says what could not be done, unless the error says it all.
func refusal(err error, what string) error {
	if _, ok := errors.AsType[*payment.Error](err); ok {
		return err
	}
	if errors.Is(err, ErrStale) {
		return conflict("", "others are changing these settings at this moment; try again")
	}
	return fmt.Errorf("%s: %w", what, err)
}
