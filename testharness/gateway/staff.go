package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// Staff is who works with transactions in the portal. Faults do not act on
// what staff do.
const Staff = "staff@example.com"

// SetStatus suspends (2), releases (0, 1) or cancels (3) a transaction as staff
// do, by the rules of a TRANSACTIONUPDATE.
func (g *Gateway) SetStatus(ref string, status int) error {
	_, err := g.asStaff(ref, typeUpdate, map[string]any{
		"filter":  map[string]any{"transactionreference": []any{map[string]string{"value": ref}}},
		"updates": map[string]string{"settlestatus": strconv.Itoa(status)},
	})
	if err != nil {
		return fmt.Errorf("set settle status %d of %s: %w", status, ref, err)
	}
	return nil
}

// Refund gives back an amount (minor units) as staff do, by the rules of a
// REFUND. It returns the new transaction's reference.
func (g *Gateway) Refund(ref string, amount int64) (string, error) {
	made, err := g.asStaff(ref, typeRefund, map[string]any{
		"parenttransactionreference": ref, "baseamount": strconv.FormatInt(amount, 10),
	})
	if err != nil {
		return made, fmt.Errorf("refund %s: %w", ref, err)
	}
	return made, nil
}

// asStaff processes a request about a transaction. What is not approved is an
// error. The reference of what was booked is returned all the same.
func (g *Gateway) asStaff(ref, kind string, members map[string]any) (string, error) {
	g.mu.Lock()
	t := g.book.byRef[ref]
	g.mu.Unlock()
	handle := handlers[kind]
	switch {
	case t == nil:
		return "", ErrNoTransaction
	case handle == nil:
		return "", errors.New("the simulator does not process " + kind)
	}
	members["sitereference"], members["accounttypedescription"] = t.site, t.account
	text, err := json.Marshal(members)
	if err != nil {
		return "", fmt.Errorf("write request: %w", err)
	}
	read, err := wire.Parse(string(text))
	if err != nil {
		return "", fmt.Errorf("read request: %w", err)
	}
	rng, _ := g.draw()
	a := handle(g, &request{
		element: &element{read}, kind: kind, user: &user{User: User{Name: Staff, Sites: []string{t.site}}},
		fx: &effects{}, rng: rng, origin: "MYST",
	})
	for _, f := range a.fields {
		if f.Name == "errorcode" && f.Text != codeOK {
			return a.ref, fmt.Errorf("%s %s", f.Text, message(f.Text))
		}
	}
	return a.ref, nil
}
