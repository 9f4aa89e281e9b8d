package myst

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// pageSize is how many rows a page of transactions has.
const pageSize = 50

// listPage is the page of transactions.
type listPage struct {
	frame
	Filter   url.Values
	Sites    []gateway.Site
	Types    []string
	Statuses []status
	Found    []gateway.Entry
	// Next and First are addresses of pages, empty if there are none.
	Next, First string
}

// status is a settle status with its name.
type status struct {
	Value int
	Name  string
}

var statuses = []status{
	{gateway.StatusPending, "pending"},
	{gateway.StatusManual, "pending, manual"},
	{gateway.StatusSuspended, "suspended"},
	{gateway.StatusCancelled, "cancelled"},
	{gateway.StatusSettling, "settling"},
	{gateway.StatusSettled, "settled"},
}

func (p *portal) list(w http.ResponseWriter, r *http.Request) {
	filter := r.URL.Query()
	l := listPage{
		frame: p.frame(r, "transactions", "Transactions"), Filter: filter,
		Sites: p.g.Sites(), Types: gateway.Types(), Statuses: statuses,
	}
	search, err := readSearch(filter)
	if err != nil {
		l.Wrong = err.Error()
		refuse(w, "transactions", &l)
		return
	}
	var more bool
	l.Found, more = p.g.Search(search)
	if search.After != "" {
		l.First = address(filter, "")
	}
	if more {
		l.Next = address(filter, l.Found[len(l.Found)-1].TransactionReference)
	}
	show(w, "transactions", &l)
}

// address is the list's with the same filter, after another transaction.
func address(filter url.Values, after string) string {
	out := url.Values{}
	for name := range filter {
		if v := filter.Get(name); v != "" && name != "after" {
			out.Set(name, v)
		}
	}
	if after != "" {
		out.Set("after", after)
	}
	return "/myst/?" + out.Encode()
}

// readSearch reads the filter of the list. Amounts are of the currency in it.
func readSearch(f url.Values) (gateway.Search, error) {
	s := gateway.Search{
		Site: f.Get("site"), Type: f.Get("type"), Currency: f.Get("currency"), Text: f.Get("q"), After: f.Get("after"), Limit: pageSize,
	}
	if v := f.Get("status"); v != "" {
		n, err := number(v, "settle status")
		if err != nil {
			return s, err
		}
		s.Status = &n
	}
	for name, into := range map[string]**int64{"least": &s.Least, "most": &s.Most} {
		if v := f.Get(name); v != "" {
			n, err := amount(v, s.Currency)
			if err != nil {
				return s, err
			}
			*into = &n
		}
	}
	var err error
	if s.From, err = date(f.Get("from")); err != nil {
		return s, err
	}
	if s.To, err = date(f.Get("to")); err == nil && !s.To.IsZero() {
		s.To = s.To.Add(24*time.Hour - time.Second)
	}
	return s, err
}

// movesMoney tells whether the settle status of a type means something.
func movesMoney(kind string) bool { return kind == typeAuth || kind == typeRefund }

// Request types that the pages treat in their own ways.
const (
	typeAuth   = "AUTH"
	typeRefund = "REFUND"
)

// statusName is what a settle status is called.
func statusName(value int) string {
	for _, s := range statuses {
		if s.Value == value {
			return s.Name
		}
	}
	return strconv.Itoa(value)
}
