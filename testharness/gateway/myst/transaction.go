package myst

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/gateway/notify"
	"github.com/chargehand/chargehand/testharness/gateway/rules"
)

// detailsPage is the page of one transaction.
type detailsPage struct {
	frame
	gateway.View
	Notifications []notify.Notification
	// Left is what can still be refunded, as people write it.
	Left string
}

func (p *portal) details(w http.ResponseWriter, r *http.Request) {
	d, err := p.detailsOf(r)
	if err != nil {
		p.gone(w, r, "There is no transaction "+r.PathValue("ref")+".")
		return
	}
	show(w, "transaction", d)
}

func (p *portal) detailsOf(r *http.Request) (*detailsPage, error) {
	view, err := p.g.View(r.PathValue("ref"))
	if err != nil {
		return nil, fmt.Errorf("details: %w", err)
	}
	d := &detailsPage{
		frame: p.frame(r, "transactions", view.TransactionReference), View: view,
		Notifications: p.g.Notifications(view.TransactionReference),
	}
	left := view.Amount
	for _, child := range view.Children {
		if child.Type == typeRefund && child.ErrorCode == "0" && child.SettleStatus != gateway.StatusCancelled {
			left -= child.Amount
		}
	}
	if left > 0 {
		d.Left = rules.Main(left, view.Currency)
	}
	return d, nil
}

// CanSuspend, CanRelease, CanCancel, CanRefund and CanDecide say what staff may
// try; the gateway has the last word.
func (d *detailsPage) CanSuspend() bool {
	return d.holds() && (d.SettleStatus == gateway.StatusPending || d.SettleStatus == gateway.StatusManual)
}

// CanRelease is the way back from CanSuspend.
func (d *detailsPage) CanRelease() bool {
	return d.holds() && d.SettleStatus == gateway.StatusSuspended
}

// CanCancel says whether it has not been handed to the bank yet.
func (d *detailsPage) CanCancel() bool { return d.CanSuspend() || d.CanRelease() }

// CanRefund says whether there is something that could be given back.
func (d *detailsPage) CanRefund() bool {
	return d.Type == typeAuth && d.ErrorCode == "0" && d.SettleStatus != gateway.StatusCancelled && d.Left != "" &&
		(d.Bank == nil || d.SettleStatus == gateway.StatusSettled)
}

// CanDecide says whether a customer at the bank can still decide.
func (d *detailsPage) CanDecide() bool {
	return d.Bank != nil && d.SettleStatus != gateway.StatusSettled
}

func (d *detailsPage) holds() bool {
	return movesMoney(d.Type) && d.ErrorCode == "0"
}

// act does what a button of the page says.
func (p *portal) act(w http.ResponseWriter, r *http.Request) {
	ref := r.PathValue("ref")
	done, err := p.actOn(ref, r)
	if err == nil {
		leave(w, r, "/myst/transactions/"+url.PathEscape(ref)+"?done="+done)
		return
	}
	d, missing := p.detailsOf(r)
	if missing != nil {
		p.gone(w, r, "There is no transaction "+ref+".")
		return
	}
	d.Wrong = err.Error()
	refuse(w, "transaction", d)
}

func (p *portal) actOn(ref string, r *http.Request) (done string, err error) {
	switch action := text(r, "action"); action {
	case "suspend":
		return "suspended", p.g.SetStatus(ref, gateway.StatusSuspended)
	case "release":
		return "released", p.g.SetStatus(ref, gateway.StatusPending)
	case "cancel":
		return "cancelled", p.g.SetStatus(ref, gateway.StatusCancelled)
	case "refund":
		view, err := p.g.View(ref)
		if err != nil {
			return "", fmt.Errorf("refund: %w", err)
		}
		minor, err := amount(text(r, "amount"), view.Currency)
		if err != nil {
			return "", err
		}
		_, err = p.g.Refund(ref, minor)
		return "refunded", err
	case "agree":
		_, err := p.g.DecideBank(ref, gateway.BankAgree)
		return "agreed", err
	case "decline":
		_, err := p.g.DecideBank(ref, gateway.BankDecline)
		return "declined", err
	default:
		return "", errors.New("choose what to do")
	}
}
