package example

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/chargehand/chargehand/shared/payment"
)

// Query implements payment.Gateway by one POST. What could hide a charge that
// was asked for is an error: nothing may be taken for absent unless the gateway
// said so.
func (g *Gateway) Query(ctx context.Context, r payment.QueryRequest) (payment.QueryResult, error) {
	const op = "query"
	if err := admit(op, r.Access); err != nil {
		return payment.QueryResult{}, err
	}
	if err := r.Validate(); err != nil {
		return payment.QueryResult{}, invalid(op, "", err.Error())
	}
	if r.Window != nil {
		return payment.QueryResult{}, &payment.Error{
			Kind: payment.ErrorUnsupported, Op: op, NotSent: true, Text: "this plugin looks up what it is given the names of, and no windows of time",
		}
	}
	var references, ids []string
	asked := map[string]payment.SettleMode{} // by either name; they look different at this gateway
	for _, l := range r.Lookups {
		switch {
		case l.ID != "":
			ids = append(ids, string(l.ID))
			asked[string(l.ID)] = l.Asked
		default:
			references = append(references, string(l.Reference))
			asked[string(l.Reference)] = l.Asked
		}
	}
	got, err := g.post(ctx, request{path: "/lookups", access: r.Access, body: map[string]any{"references": references, "ids": ids}})
	if err != nil || got.status != http.StatusOK {
		return payment.QueryResult{}, unusable(op, payment.ErrorUnavailable, got, err)
	}
	found, err := readFound(got.body, asked, r.Access.Site)
	if err != nil {
		return payment.QueryResult{}, unusable(op, payment.ErrorUnavailable, answer{sent: true}, err)
	}
	return payment.QueryResult{Transactions: found}, nil
}

func readFound(body []byte, asked map[string]payment.SettleMode, account string) ([]payment.Transaction, error) {
	var said struct {
		Found   *int     `json:"found"`
		Charges []charge `json:"charges"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return nil, err
	}
	if said.Found == nil || *said.Found != len(said.Charges) {
		return nil, errors.New("the answer does not hold as many charges as it says")
	}
	var found []payment.Transaction
	for _, c := range said.Charges {
		mode, byReference := asked[c.Reference]
		if !byReference {
			var byID bool
			if mode, byID = asked[c.ID]; !byID {
				return nil, errors.New("the answer holds a charge that was not asked for")
			}
		}
		if c.Account != account {
			return nil, errors.New("the answer holds a charge of another account")
		}
		found = append(found, transaction(c, mode))
	}
	return found, nil
}
