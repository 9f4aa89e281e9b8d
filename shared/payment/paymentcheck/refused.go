package paymentcheck

import (
	"slices"

	"github.com/chargehand/chargehand/shared/payment"
)

// Spoiled is a request with one thing wrong. Spoil makes it of a right one.
type Spoiled[R any] struct {
	Name  string
	Spoil func(*R)
}

// Charges are the charges that every gateway refuses with payment.ErrorInvalid
// before anything is sent.
func Charges() []Spoiled[payment.ChargeRequest] {
	return []Spoiled[payment.ChargeRequest]{
		{"no reference", func(r *payment.ChargeRequest) { r.Reference = "" }},
		{"a reference that is too long", func(r *payment.ChargeRequest) {
			r.Reference = payment.Reference(slices.Repeat([]byte{'x'}, payment.MaxReference+1))
		}},
		{"a reference in quotes", func(r *payment.ChargeRequest) { r.Reference = `"1"` }},
		{"no amount", func(r *payment.ChargeRequest) { r.Amount = payment.Amount{} }},
		{"a negative amount", func(r *payment.ChargeRequest) { r.Amount.Minor = -1 }},
		{"a huge amount", func(r *payment.ChargeRequest) { r.Amount.Minor = payment.MaxMinor + 1 }},
		{"no currency", func(r *payment.ChargeRequest) { r.Amount.Currency = "" }},
		{"no stored reference", func(r *payment.ChargeRequest) { r.Stored = "" }},
		{"no way to settle", func(r *payment.ChargeRequest) { r.Settle = payment.SettleUnspecified }},
		{"another site than the settings'", func(r *payment.ChargeRequest) { r.Access.Site += "x" }},
		{"another endpoint than the settings'", func(r *payment.ChargeRequest) { r.Access.Endpoint += "x" }},
	}
}

// Queries are the queries that every gateway refuses with payment.ErrorInvalid.
// They are made of one with a single right lookup.
func Queries() []Spoiled[payment.QueryRequest] {
	return []Spoiled[payment.QueryRequest]{
		{"no lookups", func(r *payment.QueryRequest) { r.Lookups = nil }},
		{"too many lookups", func(r *payment.QueryRequest) { r.Lookups = slices.Repeat(r.Lookups[:1], payment.MaxLookups+1) }},
		{"an empty lookup", func(r *payment.QueryRequest) { r.Lookups = append(slices.Clone(r.Lookups), payment.Lookup{}) }},
		{"another site than the settings'", func(r *payment.QueryRequest) { r.Access.Site += "x" }},
	}
}

// Adjustments are the adjustments that every gateway refuses with
// payment.ErrorInvalid before anything is sent. They are made of one with a
// single right adjustment.
func Adjustments() []Spoiled[payment.AdjustRequest] {
	return []Spoiled[payment.AdjustRequest]{
		{"no adjustments", func(r *payment.AdjustRequest) { r.Adjustments = nil }},
		{"too many adjustments", func(r *payment.AdjustRequest) {
			r.Adjustments = slices.Repeat(r.Adjustments[:1], payment.MaxAdjustments+1)
		}},
		{"no transaction", func(r *payment.AdjustRequest) { r.Adjustments = []payment.Adjustment{{Action: payment.ActionRelease}} }},
		{"no action", func(r *payment.AdjustRequest) { r.Adjustments = []payment.Adjustment{{ID: r.Adjustments[0].ID}} }},
		{"one of two without an action", func(r *payment.AdjustRequest) {
			r.Adjustments = append(slices.Clone(r.Adjustments), payment.Adjustment{ID: r.Adjustments[0].ID})
		}},
	}
}
