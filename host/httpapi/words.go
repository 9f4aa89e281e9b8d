package httpapi

import (
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"
)

// The checks of the request itself speak as all the others do. Values are left
// out: one of them may be a password.
func init() {
	huma.NewError = newProblem
	huma.NewErrorWithContext = func(_ huma.Context, status int, msg string, errs ...error) huma.StatusError {
		return newProblem(status, msg, errs...)
	}
	// A name in other case is another name: else two of them would be the same.
	huma.ValidateStrictCasing = true

	validation.MsgUnexpectedProperty = "there is no such field; check its spelling"
	validation.MsgExpectedRequiredProperty = "%s" + missing
	validation.MsgExpectedRFC3339DateTime = "it must be a time as RFC 3339 writes it, such as 2026-01-31T09:30:00Z"
	validation.MsgExpectedBoolean = "it must be true or false"
	validation.MsgExpectedNumber = "it must be a number"
	validation.MsgExpectedInteger = "it must be a whole number"
	validation.MsgExpectedString = "it must be text, in quotation marks"
	validation.MsgExpectedArray = "it must be a list"
	validation.MsgExpectedObject = "it must be a JSON object"
	validation.MsgExpectedOneOf = "it must be one of \"%s\""
	validation.MsgExpectedMinimumNumber = "it must not be less than %.0f"
	validation.MsgExpectedMaximumNumber = "it must not be more than %.0f"
	validation.MsgExpectedMaxLength = "it must not have more than %d characters"
	validation.MsgExpectedMinItems = "there must be at least %d"
	validation.MsgExpectedMaxItems = "there must not be more than %d"
}

// missing ends what is said of a field that must be there; what comes before
// it is the field's name.
const missing = " is missing"

// fieldProblem names a field as the sender wrote it.
func fieldProblem(location, text string) FieldProblem {
	if name, ok := strings.CutSuffix(text, missing); ok && !strings.Contains(name, " ") {
		location, text = location+"."+name, "it"+missing
	}
	return FieldProblem{Field: strings.TrimPrefix(location, "body."), Text: text}
}
