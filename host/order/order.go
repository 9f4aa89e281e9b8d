package order

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/currency"
	"github.com/chargehand/chargehand/shared/payment"
)

// Order is what a retailer owes for.
type Order struct {
	ID        charge.OrderID
	ChannelID settings.CompanyID
	// Reference is the platform's name of the order, unique in its channel.
	Reference string
	PlacedAt  time.Time
	// ContentHash tells whether two posts ask for the same.
	ContentHash  string
	CreatedAt    time.Time
	CreatedBy    string
	CancelledAt  time.Time
	CancelReason string
}

// Placement is one order as the platform posts it.
type Placement struct {
	Channel   string    // the platform's name of the sales channel
	Reference string    // the platform's name of the order
	PlacedAt  time.Time // when the retailer's customer ordered
	Parts     []Part
}

// Part is what one fulfiller gets of an order.
type Part struct {
	Fulfiller string // the platform's name of the fulfiller
	Amount    payment.Amount
}

// Limits on what is taken in.
const (
	// MaxReference is the length of the longest order reference, in bytes.
	MaxReference = 64
	// MaxParts is how many fulfillers can share an order.
	MaxParts = 20
	// MaxAhead is how far in the future an order may have been placed: the
	// platform's clock may differ a little.
	MaxAhead = 5 * time.Minute
)

// Validate checks what can be checked without looking anything up. It gives
// the first problem, naming the field.
func (p Placement) Validate(now time.Time) error {
	if err := checkName("channel", p.Channel); err != nil {
		return err
	}
	if err := checkName("reference", p.Reference); err != nil {
		return err
	}
	switch {
	case p.PlacedAt.IsZero():
		return invalid("placed_at", "it is missing; give the time the order was placed, as RFC 3339")
	case p.PlacedAt.After(now.Add(MaxAhead)):
		return invalid("placed_at", "it lies in the future; check the clock of the sender")
	case len(p.Parts) == 0:
		return invalid("parts", "there is none; name at least one fulfiller and its amount")
	case len(p.Parts) > MaxParts:
		return invalid("parts", "there are %d; the most is %d", len(p.Parts), MaxParts)
	}
	seen := map[string]bool{}
	for i, part := range p.Parts {
		field := fmt.Sprintf("parts[%d]", i)
		if err := checkName(field+".fulfiller", part.Fulfiller); err != nil {
			return err
		}
		if seen[part.Fulfiller] {
			return invalid(field+".fulfiller", "it is named twice; give each fulfiller one part with its whole amount")
		}
		seen[part.Fulfiller] = true
		if err := CheckAmount(field+".amount", part.Amount); err != nil {
			return err
		}
	}
	return nil
}

// CheckAmount refuses amounts that can't be charged and currencies that do
// not exist.
func CheckAmount(field string, a payment.Amount) error {
	if err := a.Validate(); err != nil {
		return invalid(field, "%s", strings.TrimPrefix(err.Error(), payment.ErrAmount.Error()+": "))
	}
	if !currency.Known(a.Currency) {
		return invalid(field+".currency", "%s is no currency of ISO 4217", a.Currency)
	}
	return nil
}

// checkName holds what a name of the platform's may be: it is compared byte
// for byte, so what people can't see is refused.
func checkName(field, s string) error {
	switch {
	case s == "":
		return invalid(field, "it is missing")
	case len(s) > MaxReference:
		return invalid(field, "it has %d bytes; the most is %d", len(s), MaxReference)
	case !utf8.ValidString(s):
		return invalid(field, "it is not UTF-8")
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

func invalid(field, format string, args ...any) error {
	return &payment.Error{Kind: payment.ErrorInvalid, Field: field, Text: fmt.Sprintf(format, args...)}
}

// contentHash is over what must be the same in a second post of the order. In
// what order its parts come means nothing.
func (p Placement) contentHash() string {
	parts := slices.SortedFunc(slices.Values(p.Parts), func(a, b Part) int { return strings.Compare(a.Fulfiller, b.Fulfiller) })
	h := sha256.New()
	fmt.Fprintf(h, "%d", len(parts))
	for _, part := range parts {
		fmt.Fprintf(h, "|%d:%s|%d|%s", len(part.Fulfiller), part.Fulfiller, part.Amount.Minor, part.Amount.Currency)
	}
	return hex.EncodeToString(h.Sum(nil))
}
