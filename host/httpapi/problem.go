package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// The one table from the kind of a refusal to its HTTP status.
var statusOf = map[payment.ErrorKind]int{
	payment.ErrorInvalid:      http.StatusUnprocessableEntity,
	payment.ErrorUnauthorized: http.StatusUnauthorized,
	payment.ErrorForbidden:    http.StatusForbidden,
	payment.ErrorNotFound:     http.StatusNotFound,
	payment.ErrorConflict:     http.StatusConflict,
	payment.ErrorUnavailable:  http.StatusServiceUnavailable,
	payment.ErrorRateLimited:  http.StatusTooManyRequests,
	payment.ErrorUnsupported:  http.StatusNotImplemented,
	payment.ErrorUnknown:      http.StatusBadGateway,
}

// Problem is the shape of every error: RFC 9457 problem details, with the
// fields at fault.
type Problem struct { //nolint:errname // the standard's own word
	Title  string         `json:"title" doc:"What kind of problem it is"`
	Status int            `json:"status"`
	Detail string         `json:"detail" doc:"What is wrong, and what to do"`
	Errors []FieldProblem `json:"errors,omitempty"`
}

// FieldProblem is one field that is wrong.
type FieldProblem struct {
	Field string `json:"field,omitempty"`
	Label string `json:"label,omitempty" doc:"The field as the settings form calls it"`
	Rule  string `json:"rule,omitempty"`
	Text  string `json:"text"`
	// LinkID is the link that the change would break, if it is another's.
	LinkID string `json:"link_id,omitempty"`
}

// String names the field and says what is wrong.
func (f FieldProblem) String() string {
	if f.Field == "" {
		return f.Text
	}
	return f.Field + ": " + f.Text
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

func newProblem(status int, msg string, errs ...error) huma.StatusError {
	p := &Problem{Title: http.StatusText(status), Status: status, Detail: msg}
	for _, err := range errs {
		var d huma.ErrorDetailer
		if errors.As(err, &d) {
			detail := d.ErrorDetail()
			p.Errors = append(p.Errors, fieldProblem(detail.Location, detail.Message))
		} else if err != nil {
			p.Errors = append(p.Errors, FieldProblem{Text: err.Error()})
		}
	}
	if len(p.Errors) > 0 {
		p.Detail = "nothing was done: " + p.Errors[0].String()
		if more := len(p.Errors) - 1; more > 0 {
			p.Detail += fmt.Sprintf(", and %d more below", more)
		}
	}
	return p
}

// problem turns an error of a service into what the caller may see. What has
// no text for people is logged here, once, and stays inside.
func (a *api) problem(ctx context.Context, err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if problems, ok := errors.AsType[*settings.Invalid](err); ok {
		p := &Problem{
			Title: http.StatusText(http.StatusUnprocessableEntity), Status: http.StatusUnprocessableEntity,
			Detail: "nothing was saved: " + problems.Error(),
		}
		for _, f := range problems.Problems {
			p.Errors = append(p.Errors, FieldProblem{Field: f.Field, Label: f.Label, Rule: f.Rule, Text: f.Text, LinkID: string(f.Link)})
		}
		return p
	}
	if e, ok := errors.AsType[*payment.Error](err); ok && e.Text != "" {
		if status, known := statusOf[e.Kind]; known {
			p := &Problem{Title: http.StatusText(status), Status: status, Detail: e.Text}
			if e.Field != "" {
				p.Detail = e.Field + ": " + e.Text
				p.Errors = []FieldProblem{{Field: e.Field, Text: e.Text}}
			}
			return p
		}
	}
	if ctx.Err() != nil {
		return &Problem{Title: "Request ended", Status: http.StatusServiceUnavailable, Detail: "the request ended before the answer was there; ask again"}
	}
	if text, known := a.cfg.Trouble(err); known {
		a.log(ctx).Error("a request failed", "error", err)
		return &Problem{Title: http.StatusText(http.StatusServiceUnavailable), Status: http.StatusServiceUnavailable, Detail: text}
	}
	a.log(ctx).Error("a request failed", "error", err)
	return a.internal()
}

func (*api) internal() *Problem {
	return &Problem{
		Title: http.StatusText(http.StatusInternalServerError), Status: http.StatusInternalServerError,
		Detail: "something went wrong here; the log of the host has more, by the X-Request-Id of this answer",
	}
}

// writeProblem answers where no operation does.
func writeProblem(w http.ResponseWriter, p *Problem) {
	writeJSON(w, p.ContentType(""), p.Status, p)
}
