package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"sort"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/chargehand/chargehand/shared/currency"
	"github.com/chargehand/chargehand/shared/payment"
)

type amount struct {
	Minor    int64  `json:"minor"`
	Currency string `json:"currency"`
}

// String writes the amount the way people read it.
func (a amount) String() string { return currency.Format(payment.Amount(a)) }

type chargeView struct {
	ID             string    `json:"id"`
	OrderReference string    `json:"order_reference"`
	Amount         amount    `json:"amount"`
	State          string    `json:"state"`
	Produce        string    `json:"produce"`
	Reason         string    `json:"reason"`
	Text           string    `json:"text,omitempty"`
	NeedsPerson    *person   `json:"needs_person,omitempty"`
	Transaction    string    `json:"transaction,omitempty"`
	Attempts       int       `json:"attempts"`
	CheckedAt      time.Time `json:"checked_at"`
	NextCheckAt    time.Time `json:"next_check_at,omitzero"`
}

type person struct {
	Case   string    `json:"case"`
	Advice string    `json:"advice"`
	Since  time.Time `json:"since"`
}

type orderView struct {
	ID          string       `json:"id"`
	Reference   string       `json:"reference"`
	PlacedAt    time.Time    `json:"placed_at"`
	CancelledAt time.Time    `json:"cancelled_at,omitzero"`
	Charges     []chargeView `json:"charges"`
}

func printCharges(list []chargeView) {
	table("ORDER\tAMOUNT\tSTATE\tPRODUCE\tREASON\tNEEDS A PERSON\tCHARGE", func(w *tabwriter.Writer) {
		for _, v := range list {
			needs := "-"
			if v.NeedsPerson != nil {
				needs = v.NeedsPerson.Case
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", v.OrderReference, v.Amount, v.State, v.Produce, v.Reason, needs, v.ID)
		}
	})
}

// produced turns the answers into an exit code, for scripts.
func (o orderView) produced() error {
	code := 0
	for _, v := range o.Charges {
		switch v.Produce {
		case "yes":
		case "no":
			return &exitError{exitNo, ""}
		default:
			code = exitWait
		}
	}
	if code != 0 {
		return &exitError{code, ""}
	}
	return nil
}

type orderCmd struct {
	Place  orderPlaceCmd  `cmd:"" help:"Place an order; ends with 0 for produce, 5 for do not, 6 for wait."`
	Get    orderGetCmd    `cmd:"" help:"Read an order; ends as place does."`
	Cancel orderCancelCmd `cmd:"" help:"Cancel an order."`
}

type orderPlaceCmd struct {
	Channel   string `required:"" help:"The platform's name of the sales channel."`
	Fulfiller string `required:"" help:"The platform's name of the fulfiller."`
	Reference string `required:"" help:"The platform's name of the order."`
	Amount    int64  `required:"" help:"Amount in minor units."`
	Currency  string `required:"" help:"ISO 4217 code."`
	PlacedAt  string `help:"When it was placed (RFC 3339); now, if not given." placeholder:"TIME"`
	Wait      int    `help:"Wait for the answer, at most that many seconds." placeholder:"SECONDS"`
}

func (orderPlaceCmd) Help() string {
	return "Example: chargehand order place --channel shop-1 --fulfiller printer-1 --reference A-1001 --amount 1250 --currency GBP --wait 10"
}

// Run implements the command.
func (k orderPlaceCmd) Run(c *cli) error {
	placed := k.PlacedAt
	if placed == "" {
		placed = time.Now().UTC().Format(time.RFC3339Nano)
	}
	body := map[string]any{
		"channel": k.Channel, "reference": k.Reference, "placed_at": placed,
		"parts": []any{map[string]any{"fulfiller": k.Fulfiller, "amount": amount{k.Amount, k.Currency}}},
	}
	var v orderView
	var header []string
	if k.Wait > 0 {
		header = []string{"Prefer", "wait=" + strconv.Itoa(k.Wait)}
	}
	if err := c.call("POST", "/v1/orders", body, &v, header...); err != nil {
		return err
	}
	return errors.Join(c.show(v, func() { printCharges(v.Charges) }), v.produced())
}

type orderGetCmd struct {
	Channel   string `arg:"" help:"The platform's name of the sales channel."`
	Reference string `arg:"" help:"The platform's name of the order."`
}

func (orderGetCmd) Help() string { return "Example: chargehand order get shop-1 A-1001" }

// Run implements the command.
func (k orderGetCmd) Run(c *cli) error {
	v, err := findOrder(c, k.Channel, k.Reference)
	if err != nil {
		return err
	}
	return errors.Join(c.show(v, func() { printCharges(v.Charges) }), v.produced())
}

func findOrder(c *cli, channel, reference string) (orderView, error) {
	var v orderView
	err := c.call("GET", "/v1/orders?channel="+url.QueryEscape(channel)+"&reference="+url.QueryEscape(reference), nil, &v)
	return v, err
}

type orderCancelCmd struct {
	Channel   string `arg:"" help:"The platform's name of the sales channel."`
	Reference string `arg:"" help:"The platform's name of the order."`
	Reason    string `required:"" help:"Why; it is kept as evidence."`
}

func (orderCancelCmd) Help() string {
	return "Example: chargehand order cancel shop-1 A-1001 --reason 'the customer changed her mind'"
}

// Run implements the command.
func (k orderCancelCmd) Run(c *cli) error {
	v, err := findOrder(c, k.Channel, k.Reference)
	if err != nil {
		return err
	}
	if err := c.call("POST", "/v1/orders/"+v.ID+"/cancel", map[string]string{"reason": k.Reason}, &v); err != nil {
		return err
	}
	return c.show(v, func() { printCharges(v.Charges) })
}

type chargeCmd struct {
	List  chargeListCmd  `cmd:"" help:"List charges."`
	Retry chargeRetryCmd `cmd:"" help:"Allow one more attempt where the rules leave that to a person."`
}

type chargeListCmd struct {
	NeedsPerson bool   `help:"Only those that need a person."`
	State       string `help:"Only those in this state."`
}

func (chargeListCmd) Help() string { return "Example: chargehand charge list --needs-person" }

// Run implements the command.
func (k chargeListCmd) Run(c *cli) error {
	list, err := all[chargeView](c, fmt.Sprintf("/v1/charges?needs_person=%t&state=%s", k.NeedsPerson, url.QueryEscape(k.State)))
	if err != nil {
		return err
	}
	return c.show(list, func() {
		printCharges(list)
		for _, v := range list {
			if k.NeedsPerson && v.NeedsPerson != nil {
				fmt.Printf("\n%s: %s\n  %s\n", v.OrderReference, v.Text, v.NeedsPerson.Advice)
			}
		}
	})
}

type chargeRetryCmd struct {
	Charge string `arg:"" help:"The charge's id."`
	Reason string `required:"" help:"Why; it is kept as evidence."`
}

func (chargeRetryCmd) Help() string {
	return "Example: chargehand charge retry 0190... --reason 'the limit was lifted'"
}

// Run implements the command.
func (k chargeRetryCmd) Run(c *cli) error {
	path := "/v1/charges/" + url.PathEscape(k.Charge)
	var v chargeView
	if err := c.call("GET", path, nil, &v); err != nil {
		return err
	}
	if err := c.call("POST", path+"/retry", map[string]any{"attempts": v.Attempts, "reason": k.Reason}, &v); err != nil {
		return err
	}
	return c.show(v, func() { printCharges([]chargeView{v}) })
}

type explainCmd struct {
	Channel   string `arg:"" help:"The platform's name of the sales channel, or a charge's id alone."`
	Reference string `arg:"" optional:"" help:"The platform's name of the order."`
	Evidence  bool   `help:"Print the gateway's redacted answers too."`
}

func (explainCmd) Help() string { return "Example: chargehand explain shop-1 A-1001" }

type story struct {
	chargeView
	Plugin         string `json:"plugin"`
	AttemptsDetail []struct {
		Number     int       `json:"number"`
		Reference  string    `json:"reference"`
		Stage      string    `json:"stage"`
		Outcome    string    `json:"outcome,omitempty"`
		Code       string    `json:"code,omitempty"`
		Reason     string    `json:"reason,omitempty"`
		Settle     string    `json:"settle,omitempty"`
		PlannedAt  time.Time `json:"planned_at"`
		StartedAt  time.Time `json:"started_at,omitzero"`
		AnsweredAt time.Time `json:"answered_at,omitzero"`
	} `json:"attempts_detail"`
	Records []struct {
		Transaction string `json:"transaction"`
		Status      string `json:"status,omitempty"`
		Outcome     string `json:"outcome,omitempty"`
		Card        string `json:"card,omitempty"`
		Matches     bool   `json:"matches"`
	} `json:"records"`
	Story []struct {
		At      time.Time       `json:"at"`
		Class   string          `json:"class"`
		Text    string          `json:"text"`
		By      string          `json:"by"`
		State   string          `json:"state"`
		Produce string          `json:"produce"`
		Body    json.RawMessage `json:"body,omitempty"`
	} `json:"story"`
	Next struct {
		Text string    `json:"text"`
		At   time.Time `json:"at,omitzero"`
	} `json:"next"`
}

// Run implements the command.
func (k explainCmd) Run(c *cli) error {
	ids := []string{k.Channel}
	if k.Reference != "" {
		o, err := findOrder(c, k.Channel, k.Reference)
		if err != nil {
			return err
		}
		ids = nil
		for _, v := range o.Charges {
			ids = append(ids, v.ID)
		}
	}
	var stories []story
	for _, id := range ids {
		var s story
		if err := c.call("GET", "/v1/charges/"+url.PathEscape(id), nil, &s); err != nil {
			return err
		}
		stories = append(stories, s)
	}
	return c.show(stories, func() {
		for _, s := range stories {
			s.print(k.Evidence)
		}
	})
}

const clock = "2006-01-02 15:04:05.000"

// line is one line of a story.
type line struct {
	at                          time.Time
	state, produce, class, text string
	body                        json.RawMessage
}

// lines puts what was learnt and what was done in the order of time.
func (s story) lines() []line {
	var all []line
	for _, a := range s.AttemptsDetail {
		all = append(all, line{at: a.PlannedAt, class: "plan", text: fmt.Sprintf("Attempt %d was planned.", a.Number)})
		if !a.StartedAt.IsZero() {
			all = append(all, line{at: a.StartedAt, class: "start", text: fmt.Sprintf("Attempt %d was written down as started, and then handed to the plugin.", a.Number)})
		}
	}
	for _, e := range s.Story {
		if e.Class != "plan" { // the attempt says it
			all = append(all, line{at: e.At, state: e.State, produce: e.Produce, class: e.Class, text: e.Text, body: e.Body})
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].at.Before(all[j].at) })
	return all
}

func (s story) print(evidence bool) {
	fmt.Printf("Order %s: %s. State %s, produce: %s (%s).\n", s.OrderReference, s.Amount, s.State, s.Produce, s.Reason)
	if s.NeedsPerson != nil {
		fmt.Printf("Needs a person since %s: %s\n", s.NeedsPerson.Since.Format(clock), s.NeedsPerson.Advice)
	}
	fmt.Println()
	for _, a := range s.AttemptsDetail {
		fmt.Printf("Attempt %d, reference %s, %s", a.Number, a.Reference, a.Stage)
		if a.Outcome != "" {
			fmt.Printf(": %s", a.Outcome)
		}
		if a.Code != "" {
			fmt.Printf(" (code %s)", a.Code)
		}
		fmt.Println()
		if a.Reason != "" {
			fmt.Printf("  %s\n", a.Reason)
		}
	}
	for _, r := range s.Records {
		fmt.Printf("At the gateway: %s, %s, %s\n", r.Transaction, r.Outcome, r.Status)
	}
	fmt.Println()
	for _, l := range s.lines() {
		fmt.Printf("%s  %-10s %-5s %-9s %s\n", l.at.Format(clock), l.state, l.produce, l.class, l.text)
		if evidence && len(l.body) > 0 {
			fmt.Printf("    %s\n", l.body)
		}
	}
	fmt.Printf("\nNext: %s", s.Next.Text)
	if !s.Next.At.IsZero() {
		fmt.Printf(" Due %s.", s.Next.At.Format(clock))
	}
	fmt.Print("\n")
}
