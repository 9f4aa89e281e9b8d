package gateway

import (
	"crypto/md5" //nolint:gosec // no secret: test suites derive the payer's id in this way
	"encoding/hex"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// readOrder checks what an ORDER needs: it is for PayPal alone.
func readOrder(p *payment, e *element) (bad string) {
	if p.method == nil {
		return "paymenttypedescription"
	}
	for _, name := range []string{"returnurl", "cancelurl"} {
		// Host names without a scheme are good enough.
		if v := e.Get(name); v.Kind != wire.String || v.Text == "" || len(v.Text) > 2048 {
			return name
		}
	}
	return ""
}

// ordered opens the order. g.mu is held.
func (g *Gateway) ordered(_ *payment, t, _ *transaction) {
	t.notes = append(t.notes, detail{"paypaltoken", "EC-" + randomText(g.rng, 17)})
}

// againstOrderDetails wants an ORDER.
func (g *Gateway) againstOrderDetails(_ *payment, parent *transaction, _ *Site) *refusal {
	switch {
	case parent == nil:
		return &refusal{code: codeInvalidField, data: []string{"parenttransactionreference"}}
	case parent.kind != typeOrder || parent.code != codeOK:
		return &refusal{code: codeInvalidParent}
	}
	return nil
}

// orderShown tells what the customer chose, as if one had agreed at once.
// g.mu is held.
func (g *Gateway) orderShown(_ *payment, t, parent *transaction) {
	token := noteOf(parent.notes, "paypaltoken")
	t.notes = append(t.notes,
		detail{"paypaltoken", token},
		detail{"paypalpayerid", payerID(token)},
		detail{"paypaladdressstatus", "Confirmed"},
		detail{"paypalpayerstatus", "verified"})
}

// payerID is the payer of a PayPal order, as test suites expect it.
func payerID(token string) string {
	sum := md5.Sum([]byte(token)) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])[:10] + "pid"
}
