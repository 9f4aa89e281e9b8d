package example

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/chargehand/chargehand/shared/payment"
)

// Adjust implements payment.Gateway by one POST. What the gateway answers is
// passed on and decides nothing: the host reads back.
func (g *Gateway) Adjust(ctx context.Context, r payment.AdjustRequest) (payment.AdjustResult, error) {
	const op = "adjust"
	if err := admit(op, r.Access); err != nil {
		return payment.AdjustResult{}, err
	}
	if n := len(r.Adjustments); n == 0 || n > payment.MaxAdjustments {
		return payment.AdjustResult{}, invalid(op, "", fmt.Sprintf("%d adjustments; give 1 to %d", n, payment.MaxAdjustments))
	}
	type change struct {
		ID     string `json:"id"`
		Action string `json:"action"`
	}
	changes := make([]change, 0, len(r.Adjustments))
	for _, a := range r.Adjustments {
		if a.ID.Validate() != nil || a.Action != payment.ActionRelease && a.Action != payment.ActionCancel {
			return payment.AdjustResult{}, invalid(op, "", "an adjustment needs a transaction, and release or cancel")
		}
		changes = append(changes, change{ID: string(a.ID), Action: string(a.Action)})
	}
	got, err := g.post(ctx, request{path: "/changes", access: r.Access, body: map[string]any{"changes": changes}})
	if err != nil || got.status != http.StatusOK {
		return payment.AdjustResult{}, unusable(op, payment.ErrorUnknown, got, err)
	}
	var said struct {
		Changes []struct {
			ID      string `json:"id"`
			Done    bool   `json:"done"`
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"changes"`
	}
	err = json.Unmarshal(got.body, &said)
	if err == nil && len(said.Changes) != len(changes) {
		err = errors.New("the answer does not have one entry for each change")
	}
	if err != nil {
		return payment.AdjustResult{}, unusable(op, payment.ErrorUnknown, answer{sent: true}, err)
	}
	var result payment.AdjustResult
	for i, a := range r.Adjustments {
		c := said.Changes[i]
		result.Adjusted = append(result.Adjusted, payment.Adjusted{
			ID: a.ID, Accepted: c.Done && c.ID == string(a.ID), Code: c.Code, Message: c.Message,
		})
	}
	return result, nil
}
