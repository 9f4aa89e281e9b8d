package gateway

// againstRiskDec refuses parents that are no payment.
func (g *Gateway) againstRiskDec(_ *payment, parent *transaction, _ *Site) *refusal {
	if parent != nil && parent.kind != typeAuth {
		return &refusal{code: codeRiskParent}
	}
	return nil
}

// assessed finds nothing suspicious. g.mu is held.
func (g *Gateway) assessed(_ *payment, t, _ *transaction) {
	t.notes = append(t.notes,
		detail{"fraudcontrolshieldstatuscode", "ACCEPT"},
		detail{"fraudcontrolresponsecode", "0150"},
		detail{"fraudcontrolreference", randomText(g.rng, 12)})
}
