package gateway

import (
	"embed"
	"errors"
	"net/http"
	"slices"

	"github.com/chargehand/chargehand/testharness/gateway/page"
)

//go:embed pages/bank.html
var bankFiles embed.FS

var bankPages = page.Parse(bankFiles, nil, "pages/*.html")

// bankVisitLimit is how long a redirecturl leads to a page on which something
// can be decided, on the settlement clock. Unknown; a day is long for a person
// who pays, and short beside the days that a payment may stay at 10.
const bankVisitLimit = day

// bankChoice is a bank on the page. Which one is chosen changes nothing.
type bankChoice struct{ ID, Name string }

var bankChoices = []bankChoice{{"first", "First test bank"}, {"second", "Second test bank"}, {"savings", "Test savings bank"}}

// Refusals of a customer's visit.
var (
	errVisitOver    = errors.New("this bank session was decided already")
	errVisitExpired = errors.New("this bank session has expired")
)

// visit finds a session for its customer: by its id alone, and while something
// can be decided. One that is over comes with the error.
func (g *Gateway) visit(id string) (BankSession, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t, err := g.visitor(id)
	if t == nil {
		return BankSession{}, err
	}
	return t.bankSession(), err
}

// decideVisit does what the customer does on the page, once. Doing the same
// again, as by a double click, changes nothing and is no error.
func (g *Gateway) decideVisit(id string, decision BankDecision) (BankSession, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t, err := g.visitor(id)
	if t == nil {
		return BankSession{}, err
	}
	switch {
	case errors.Is(err, errVisitOver) && t.transfer.Decision == decision:
		err = nil
	case err == nil:
		err = g.book.decide(t, decision, g.latest)
	}
	return t.bankSession(), err
}

// visitor finds the transaction of a visit. g.mu is held.
func (g *Gateway) visitor(id string) (*transaction, error) {
	at := g.clock()
	t := g.book.bySession[id]
	switch {
	case t == nil:
		return nil, ErrNoBankSession
	case t.transfer.Decision != "" || t.status != StatusSettling:
		return t, errVisitOver
	case at.Sub(t.started) >= bankVisitLimit:
		return t, errVisitExpired
	}
	return t, nil
}

// bankPage is what a page shows.
type bankPage struct {
	BankSession
	Banks []bankChoice
	Bank  bankChoice
}

// overPage is the page of a visit on which nothing is left to do.
type overPage struct {
	Title, Text string
	Session     *BankSession
}

// customers serves the pages that a redirecturl leads to, below path.
func (g *Gateway) customers(mux *http.ServeMux, path string) {
	open := func(do http.HandlerFunc) http.Handler {
		return page.SameOrigin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			g.life.RLock()
			defer g.life.RUnlock()
			if g.closed {
				g.cut(w, false)
				return
			}
			do(w, r)
		}))
	}
	for _, asset := range []string{"style.css", "icon.svg"} {
		mux.Handle("GET "+path+asset, page.Assets())
	}
	mux.Handle("GET "+path+"{id}", open(g.showBank))
	mux.Handle("POST "+path+"{id}", open(g.postBank))
}

func (g *Gateway) showBank(w http.ResponseWriter, r *http.Request) {
	s, err := g.visit(r.PathValue("id"))
	if err != nil {
		overVisit(w, &s, err)
		return
	}
	p := bankPage{BankSession: s, Banks: bankChoices}
	name := "choose"
	if i := slices.IndexFunc(bankChoices, func(b bankChoice) bool { return b.ID == r.FormValue("bank") }); i >= 0 {
		p.Bank, name = bankChoices[i], "confirm"
	}
	page.Write(w, http.StatusOK, bankPages, name, p, s.SuccessURL, s.ErrorURL)
}

// postBank takes the decision and sends the customer back. Who agrees has
// chosen a bank before.
func (g *Gateway) postBank(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	decision, bank := BankDecision(r.PostFormValue("decision")), r.PostFormValue("bank")
	switch {
	case decision == BankAgree && !slices.ContainsFunc(bankChoices, func(b bankChoice) bool { return b.ID == bank }),
		decision != BankAgree && decision != BankDecline && decision != BankLeave:
		page.Write(w, http.StatusBadRequest, bankPages, "over", overPage{
			Title: "That can't be done here", Text: "Choose a bank, then agree, decline or walk away.",
		})
		return
	}
	s, err := g.decideVisit(r.PathValue("id"), decision)
	if err != nil {
		overVisit(w, &s, err)
		return
	}
	to := s.Redirect()
	if to == "" {
		to = r.URL.Path // who walks away is told so
	}
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // the addresses are the merchant's, who gave them with a password
}

// overVisit tells why nothing can be decided.
func overVisit(w http.ResponseWriter, s *BankSession, err error) {
	p, status := overPage{Session: s}, http.StatusGone
	switch {
	case errors.Is(err, ErrNoBankSession):
		p = overPage{Title: "There is no such payment", Text: "The address is incomplete, or the simulator has forgotten it."}
		status = http.StatusNotFound
	case errors.Is(err, errVisitExpired):
		p.Title, p.Text = "This page has expired", "It was good for a day, and nobody decided. The payment is still pending."
	case s.Decision == BankAgree:
		p.Title, p.Text = "You have agreed to this payment", "It can't be decided again. The money moves with the next settlement batch."
	case s.Decision == BankLeave:
		p.Title, p.Text = "You have walked away", "Nothing was decided and the merchant was not told. The payment is still pending. You can close this page."
	default:
		p.Title, p.Text = "This payment was declined", "It can't be decided again."
	}
	page.Write(w, status, bankPages, "over", p)
}
