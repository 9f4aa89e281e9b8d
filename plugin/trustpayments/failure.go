package trustpayments

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/chargehand/chargehand/plugin/trustpayments/webservices"
	"github.com/chargehand/chargehand/shared/payment"
)

// failure is why a call brought no envelope that can be read, in the terms
// that matter to a charge.
type failure struct {
	sent   bool
	ours   bool // the request itself is at fault
	status int  // HTTP; zero if there was no answer
	fault  payment.Fault
	text   string // for people
}

// What to do about a 401, which has four reasons that look alike.
const todo401 = "In MyST, check the user that has the role Webservices: its name and password, whether it is locked, " +
	"that its valid addresses hold the one that this host calls from (with \"Role if invalid IP\" set to \"Prevent login\"), " +
	"and that it belongs to the region chosen here."

func failureOf(err error) failure {
	var call *webservices.CallError
	if !errors.As(err, &call) {
		return failure{sent: true, text: "Something went wrong inside the plugin. " + lookedUp}
	}
	f := failure{sent: call.Sent, status: call.HTTPStatus}
	switch {
	case errors.Is(err, webservices.ErrNoXML):
		f.ours = true
		f.text = "The operator leads this region to an address that does not end in /json/, so where XML goes is not known. " +
			"Choose the format JSON, or ask the operator for such an address."
	case errors.Is(err, webservices.ErrRequest):
		f.ours = true
		f.text = "The request could not be built. Report it to the maintainers of this plugin."
	case !call.Sent:
		f.unsent(err)
	case f.status == http.StatusUnauthorized:
		f.fault = payment.FaultSite
		f.text = "Trust Payments refused the user name and password (HTTP 401). " + todo401
	case f.status == http.StatusBadRequest:
		f.ours = true
		f.text = "Trust Payments did not accept the form of the request (HTTP 400). Report it to the maintainers of this plugin."
	case f.status == http.StatusBadGateway, f.status == http.StatusServiceUnavailable, f.status == http.StatusGatewayTimeout:
		f.fault = payment.FaultGateway
		f.text = fmt.Sprintf("Trust Payments is overloaded or out of order (HTTP %d). %s", f.status, lookedUp)
	case f.status != 0 && f.status != http.StatusOK:
		f.text = fmt.Sprintf("Trust Payments answered with HTTP status %d. %s", f.status, lookedUp)
	case f.status == http.StatusOK:
		f.text = "The answer of Trust Payments came, but can't be trusted: it was cut off, damaged, or belongs elsewhere. " + lookedUp
	default:
		f.text = "The request was sent, and no answer came back. " + lookedUp
	}
	return f
}

// unsent explains what kept a request from leaving. Only a gateway out of
// reach is the gateway's fault.
func (f *failure) unsent(err error) {
	switch {
	case errors.Is(err, webservices.ErrTooLate):
		f.text = "It was not sent: the moment to send it by had passed."
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, webservices.ErrConnect):
		f.text = "It was not sent: the call was given up before."
	default:
		f.fault = payment.FaultGateway
		f.text = "It was not sent: Trust Payments could not be reached. Check the connection of this host, and the status page of Trust Payments."
	}
}
