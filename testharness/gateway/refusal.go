package gateway

import (
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// refusal is an answer of type ERROR: the request came to nothing.
type refusal struct {
	code string
	data []string
	ref  string // if a reference had been allotted by then
	kind string // ERROR if empty
}

// fields is the answer to a request that came to nothing.
func (r *refusal) fields(at time.Time, user string) wire.Fields {
	f := wire.Fields{
		wire.Text("requesttypedescription", r.kind),
		wire.Text("errorcode", r.code),
		wire.Text("errormessage", message(r.code)),
		wire.Maybe("transactionstartedtimestamp", at.Format(timestampLayout)),
		wire.Maybe("operatorname", user),
	}
	if r.kind == "" {
		f[0].Text = typeError
	}
	if len(r.data) > 0 {
		f = append(f, wire.List("errordata", r.data...))
	}
	if r.ref != "" {
		f = append(f, wire.Text("transactionreference", r.ref))
	}
	return f
}
