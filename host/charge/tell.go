package charge

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/chargehand/chargehand/shared/currency"
	"github.com/chargehand/chargehand/shared/payment"
)

// Tell puts a look into words.
func (c *Charge) Tell(l Look) string {
	var b strings.Builder
	if len(l.Found) == 0 {
		b.WriteString("The gateway shows nothing for this charge")
		switch {
		case len(l.References) == 0:
		case l.Control:
			b.WriteString(", though it shows what must be there")
		default:
			b.WriteString(", but not what must be there either, so that says nothing")
		}
		for i := range c.Attempts {
			a := &c.Attempts[i]
			switch {
			case a.Looks > 0 && !a.AbsentAt.IsZero():
				fmt.Fprintf(&b, "; after %d such looks attempt %d counts as not charged", a.Looks, a.Number)
			case a.Looks > 0 && a.InDoubt():
				fmt.Fprintf(&b, "; empty look %d at attempt %d", a.Looks, a.Number)
			}
		}
		return b.String() + "."
	}
	for i, t := range l.Found {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "transaction %s: %s", t.ID, orNot(string(t.Outcome), "outcome not known"))
		if t.Status != "" {
			fmt.Fprintf(&b, ", %s", strings.ReplaceAll(string(t.Status), "_", " "))
		}
		if t.Amount.Minor != 0 {
			fmt.Fprintf(&b, ", %s", currency.Format(t.Amount))
		}
		if r := c.Record(t.ID); r != nil && r.Live() && !r.Matches {
			b.WriteString(", which is not what was sent")
		}
	}
	return "The gateway shows " + b.String() + "."
}

func orNot(s, not string) string {
	if s == "" {
		return not
	}
	return s
}

// excerpt is what evidence keeps of a transaction: nothing of the card but
// what is masked, nothing of its holder.
type excerpt struct {
	ID        payment.TransactionID `json:"id"`
	Parent    payment.TransactionID `json:"parent,omitempty"`
	Reference payment.Reference     `json:"reference,omitempty"`
	Amount    payment.Amount        `json:"amount"`
	Status    payment.Status        `json:"status,omitempty"`
	Outcome   payment.Outcome       `json:"outcome,omitempty"`
	Code      string                `json:"code,omitempty"`
	Message   string                `json:"message,omitempty"`
	Mode      payment.Mode          `json:"mode,omitempty"`
}

// maxExcerpts bounds one piece of evidence.
const maxExcerpts = 20

// Excerpt is what evidence keeps of what was found, as JSON.
func Excerpt(found []payment.Transaction) string {
	if len(found) == 0 {
		return ""
	}
	var list []excerpt
	for _, t := range found[:min(len(found), maxExcerpts)] {
		list = append(list, excerpt{
			ID: t.ID, Parent: t.Parent, Reference: t.Reference, Amount: t.Amount, Status: t.Status,
			Outcome: t.Outcome, Code: t.Code, Message: t.Message, Mode: t.Mode,
		})
	}
	body, err := json.Marshal(list)
	if err != nil {
		return ""
	}
	return string(body)
}
