package trustpayments

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chargehand/chargehand/plugin/trustpayments/webservices"
	"github.com/chargehand/chargehand/shared/payment"
)

// page gives one page of a window. The gateway has no pages and answers 500
// records at most, so a page is whatever was started within one slice of the
// window, and the cursor says where the next slice begins and how long it is.
// One with too many transactions gives an empty page, and is asked for again
// at half its length. So each page costs the gateway one call, and the plugin
// keeps nothing.
func (g *Gateway) page(ctx context.Context, op string, s settings, w payment.Window) (payment.QueryResult, error) {
	c, err := readCursor(s, w)
	if err != nil {
		return payment.QueryResult{}, invalid(op, "cursor", err.Error())
	}
	from, to := c.at, c.end(w)
	e, err := g.ask(ctx, op, s, &webservices.Filter{
		SiteReference: webservices.Values{s.Site},
		// Nobody outside knows whether the gateway counts the two seconds that
		// it is given, so it is asked for those on both sides of the slice.
		StartTimestamp: webservices.Timestamp(from.Add(-time.Second)),
		EndTimestamp:   webservices.Timestamp(to),
	})
	if err != nil {
		return payment.QueryResult{}, err
	}
	switch err := complete(e); {
	case errors.Is(err, errMore) && c.length > time.Second:
		return payment.QueryResult{Next: cursor{at: c.at, length: halved(c.length)}.write(s, w)}, nil
	case errors.Is(err, errMore):
		return payment.QueryResult{}, tooDense(op, from, err)
	case err != nil:
		return payment.QueryResult{}, unreadable(op, err)
	}
	found, err := gather(op, s.Site, e.Records, func(record webservices.Element) (payment.Transaction, error) {
		return g.transaction(record, payment.SettleUnspecified, s), nil
	})
	if err != nil {
		return payment.QueryResult{}, err
	}
	var result payment.QueryResult
	for _, t := range found {
		// One that does not say when it was started belongs wherever it is shown.
		if t.StartedAt.IsZero() || within(t.StartedAt, from, to) && within(t.StartedAt, w.From, w.To) {
			result.Transactions = append(result.Transactions, t)
		}
	}
	if to.Before(w.To) {
		result.Next = cursor{at: to, length: c.grown(len(e.Records))}.write(s, w)
	}
	return result, nil
}

// within tells whether a time lies in a stretch whose end is not part of it.
func within(t, from, to time.Time) bool { return !t.Before(from) && t.Before(to) }

// tooDense is the end of a window that can't be cut any finer.
func tooDense(op string, at time.Time, err error) error {
	return &payment.Error{
		Kind: payment.ErrorUnsupported, Op: op, Err: err,
		Text: fmt.Sprintf("Trust Payments lists %d transactions of a site at most, and has more for the seconds around %s; "+
			"compare that time with MyST by hand, and ask for the windows that end two seconds before it and begin two seconds after it", maxRecords-1, at.Format(time.DateTime)),
	}
}
