package trustpayments

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/chargehand/chargehand/plugin/trustpayments/webservices"
	"github.com/chargehand/chargehand/shared/payment"
)

// maxRecords is how many records the gateway gives at most, without a word
// about those it left out. An answer with as many proves nothing.
const maxRecords = 500

// Query implements payment.Gateway. Lookups take up to two TRANSACTIONQUERY
// calls, one by our references and one by the gateway's; a page of a window
// takes one. A record that can't be placed fails the whole: what was asked for
// may be hidden in it, and must not be taken for absent.
func (g *Gateway) Query(ctx context.Context, req payment.QueryRequest) (payment.QueryResult, error) {
	const op = "query"
	s, err := g.access(op, req.Access)
	if err != nil {
		return payment.QueryResult{}, err
	}
	if err := req.Validate(); err != nil {
		return payment.QueryResult{}, invalid(op, "", err.Error())
	}
	if req.Window != nil {
		return g.page(ctx, op, s, *req.Window)
	}
	byReference, byID, err := lookups(req.Lookups)
	if err != nil {
		return payment.QueryResult{}, invalid(op, "", err.Error())
	}
	var result payment.QueryResult
	place := map[payment.TransactionID]int{}
	for _, l := range []*lookup{&byReference, &byID} {
		if len(l.values) == 0 {
			continue
		}
		found, err := g.look(ctx, op, s, l)
		if err != nil {
			return payment.QueryResult{}, err
		}
		for _, t := range found {
			if i, again := place[t.ID]; again {
				result.Transactions[i] = t // what was read last
				continue
			}
			if t.ID != "" {
				place[t.ID] = len(result.Transactions)
			}
			result.Transactions = append(result.Transactions, t)
		}
	}
	return result, nil
}

// lookup is what one call asks for: all by reference, or all by id.
type lookup struct {
	byID   bool
	values webservices.Values
	asked  map[string]payment.SettleMode
}

// lookups sorts what is asked for into the two calls.
func lookups(all []payment.Lookup) (byReference, byID lookup, err error) {
	byReference.asked, byID.asked, byID.byID = map[string]payment.SettleMode{}, map[string]payment.SettleMode{}, true
	for _, l := range all {
		if l.ID != "" {
			err = l.ID.Validate()
			byID.add(string(l.ID), l.Asked)
		} else {
			err = l.Reference.Validate()
			byReference.add(string(l.Reference), l.Asked)
		}
		if err != nil {
			return byReference, byID, err
		}
	}
	return byReference, byID, nil
}

func (l *lookup) add(value string, asked payment.SettleMode) {
	if _, again := l.asked[value]; !again {
		l.values = append(l.values, value)
	}
	l.asked[value] = asked
}

// look asks for what one lookup names.
func (g *Gateway) look(ctx context.Context, op string, s settings, l *lookup) ([]payment.Transaction, error) {
	filter := &webservices.Filter{SiteReference: webservices.Values{s.Site}}
	if l.byID {
		filter.TransactionReference = l.values
	} else {
		filter.OrderReference = l.values
	}
	e, err := g.ask(ctx, op, s, filter)
	if err != nil {
		return nil, err
	}
	if err := complete(e); err != nil {
		return nil, unreadable(op, err)
	}
	return gather(op, s.Site, e.Records, func(record webservices.Element) (payment.Transaction, error) {
		asked, err := l.placed(record)
		if err != nil {
			return payment.Transaction{}, err
		}
		t := g.transaction(record, asked, s)
		if !l.byID {
			t.Reference = payment.Reference(l.reference(record))
		}
		return t, nil
	})
}

// ask makes one TRANSACTIONQUERY.
func (g *Gateway) ask(ctx context.Context, op string, s settings, filter *webservices.Filter) (webservices.Element, error) {
	answer, err := g.call(ctx, s, webservices.Call{
		Requests: []webservices.Request{{Type: webservices.TypeTransactionQuery, Filter: filter}},
		MaxBody:  webservices.MaxQueryBody,
	})
	if err != nil {
		return webservices.Element{}, unusable(op, err, payment.ErrorUnavailable)
	}
	return g.soleElement(op, answer)
}

// soleElement gives the one element that a query is answered with, if its code
// says that the query ran.
func (g *Gateway) soleElement(op string, answer webservices.Answer) (webservices.Element, error) {
	if n := len(answer.Elements); n != 1 {
		return webservices.Element{}, unreadable(op, fmt.Errorf("%d elements instead of one", n))
	}
	e := answer.Elements[0]
	code := e.Get("errorcode")
	if code == codeOK && e.Get("requesttypedescription") == webservices.TypeTransactionQuery {
		return e, nil
	}
	if code == codeOK || code == "" {
		return e, unreadable(op, fmt.Errorf("an element of the type %q", clip(e.Get("requesttypedescription"), maxCode)))
	}
	return e, g.refused(op, e)
}

// refused is the error for a query that the gateway did not run.
func (g *Gateway) refused(op string, e webservices.Element) error {
	code := clip(e.Get("errorcode"), maxCode)
	row, known := g.codes[e.Get("errorcode")]
	if !known {
		row.meaning = "The gateway answered with a code that this plugin does not know."
	}
	err := &payment.Error{Kind: payment.ErrorUnavailable, Op: op, Text: explain(row, code, e)}
	switch row.class {
	case classConfig:
		err.Kind = payment.ErrorForbidden
	case classInvalidRequest:
		err.Kind = payment.ErrorInternal
	}
	return err
}

func unreadable(op string, err error) error {
	return &payment.Error{
		Kind: payment.ErrorUnavailable, Op: op, Err: err,
		Text: fmt.Sprintf("the answer of Trust Payments proves nothing: %v; ask again", err),
	}
}

// errMore says that the gateway may hold more than the most it answers.
var errMore = errors.New("there may be more")

// complete checks that the records are all there are.
func complete(e webservices.Element) error {
	n := len(e.Records)
	found, err := strconv.Atoi(e.Get("found"))
	switch {
	case err != nil:
		return errors.New("it does not say how many records were found")
	case n >= maxRecords && found >= n: // whether it counts those left out is not known
		return fmt.Errorf("it has %d records, and %w", n, errMore)
	case found != n:
		return fmt.Errorf("it says %d found, and has %d records", found, n)
	}
	return nil
}

// gather reads each record by one. All must be what was asked for.
func gather(op, site string, records []webservices.Element, one func(webservices.Element) (payment.Transaction, error)) ([]payment.Transaction, error) {
	found := make([]payment.Transaction, 0, len(records))
	ids := map[payment.TransactionID]bool{}
	for _, record := range records {
		if err := belongs(record, site); err != nil {
			return nil, unreadable(op, err)
		}
		t, err := one(record)
		if err != nil {
			return nil, unreadable(op, err)
		}
		if ids[t.ID] && t.ID != "" {
			return nil, unreadable(op, fmt.Errorf("the transaction %s occurs twice", t.ID))
		}
		ids[t.ID] = true
		found = append(found, t)
	}
	return found, nil
}

// belongs refuses a record that can't be told or is from elsewhere.
func belongs(record webservices.Element, site string) error {
	switch kind := kindOf(record); {
	case kind == payment.KindUnspecified:
		return errors.New("a record does not say what it is")
	case kind == payment.KindAuthorisation && transactionID(record.Get("transactionreference")) == "":
		return errors.New("a record names no transaction")
	}
	if got := record.Get("sitereference"); got != "" && got != site {
		return errors.New("a record is from another site")
	}
	return nil
}

// placed finds the lookup that a record answers, and so how it was asked to
// settle.
func (l *lookup) placed(record webservices.Element) (payment.SettleMode, error) {
	value := string(transactionID(record.Get("transactionreference")))
	if !l.byID {
		value = l.reference(record)
	}
	asked, ok := l.asked[value]
	if !ok {
		return "", errors.New("a record was not asked for")
	}
	return asked, nil
}

// reference is our reference of a record that was found by it. If only one was
// asked for, a record that leaves it out can't have another.
func (l *lookup) reference(record webservices.Element) string {
	if r := record.Get("orderreference"); r != "" || len(l.values) != 1 {
		return r
	}
	return l.values[0]
}
