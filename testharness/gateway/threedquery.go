package gateway

import (
	"encoding/base64"

	"github.com/chargehand/chargehand/testharness/gateway/rules"
)

// Values of enrolled.
const (
	enrolledYes     = "Y"
	enrolledNo      = "N"
	enrolledUnknown = "U"
)

// paresFailed is the pares that stands for an authentication that failed. Any
// other counts as a successful one.
const paresFailed = "FAILED"

// readThreeDQuery checks what a THREEDQUERY needs.
func readThreeDQuery(_ *payment, e *element) (bad string) {
	if !rules.IsURL(e.text("termurl")) {
		return "termurl"
	}
	return ""
}

// enrolled tells whether the customer has to go to the bank of the card.
// g.mu is held.
func (g *Gateway) enrolled(_ *payment, t, _ *transaction) {
	enrolled := t.card.enrolled()
	t.notes = append(t.notes, detail{"enrolled", enrolled})
	if enrolled == enrolledYes {
		t.notes = append(t.notes,
			detail{"pareq", base64.StdEncoding.EncodeToString([]byte("PAReq " + t.ref))},
			detail{"md", base64.StdEncoding.EncodeToString([]byte(randomText(g.rng, 24)))},
			detail{"xid", base64.StdEncoding.EncodeToString([]byte(randomText(g.rng, 20)))})
	}
}

// enrolled is what 3-D Secure, first version, knows of a card.
func (c *card) enrolled() string {
	switch {
	case c.masked == "400000######0721":
		return enrolledNo
	case c.paymentType == "VISA", c.paymentType == "MASTERCARD":
		return enrolledYes
	default:
		return enrolledUnknown
	}
}
