package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/order"
	"github.com/chargehand/chargehand/shared/payment"
)

type amountBody struct {
	Minor    int64  `json:"minor" minimum:"-9007199254740991" maximum:"9007199254740991" doc:"Integer count of the currency's minor unit, more than 0: pence, cents; whole yen" example:"1250"`
	Currency string `json:"currency" doc:"ISO 4217 code" example:"GBP"`
}

type partBody struct {
	Fulfiller string     `json:"fulfiller" doc:"The platform's name of the fulfiller"`
	Amount    amountBody `json:"amount"`
}

type orderBody struct {
	Channel   string     `json:"channel" doc:"The platform's name of the sales channel"`
	Reference string     `json:"reference" doc:"The platform's name of the order, unique in the channel"`
	PlacedAt  time.Time  `json:"placed_at" doc:"When the order was placed"`
	Parts     []partBody `json:"parts" nullable:"false" doc:"What each fulfiller gets"`
}

func (b orderBody) placement() order.Placement {
	p := order.Placement{Channel: b.Channel, Reference: b.Reference, PlacedAt: b.PlacedAt}
	for _, part := range b.Parts {
		p.Parts = append(p.Parts, order.Part{Fulfiller: part.Fulfiller, Amount: payment.Amount(part.Amount)})
	}
	return p
}

type orderView struct {
	ID          string       `json:"id"`
	ChannelID   string       `json:"channel_id"`
	Reference   string       `json:"reference"`
	PlacedAt    time.Time    `json:"placed_at"`
	CreatedAt   time.Time    `json:"created_at"`
	CancelledAt time.Time    `json:"cancelled_at,omitzero"`
	Charges     []ChargeView `json:"charges"`
}

func viewOrder(o order.Order, cs []*charge.Charge) orderView {
	v := orderView{
		ID: string(o.ID), ChannelID: string(o.ChannelID), Reference: o.Reference, PlacedAt: o.PlacedAt,
		CreatedAt: o.CreatedAt, CancelledAt: o.CancelledAt, Charges: []ChargeView{},
	}
	for _, c := range cs {
		v.Charges = append(v.Charges, viewCharge(c, o.Reference))
	}
	return v
}

type orderAnswer struct {
	Status int
	Body   orderView
}

type batchItem struct {
	Status  int        `json:"status"`
	Order   *orderView `json:"order,omitempty"`
	Problem *Problem   `json:"problem,omitempty"`
}

func (a *api) orderRoutes() {
	huma.Register(a.huma, huma.Operation{
		OperationID: "place-order", Method: http.MethodPost, Path: "/v1/orders", Summary: "Take an order in and charge it",
		Description:   "202 for a new order, 200 with the same answer for one that is here already. `Prefer: wait=5` keeps the answer back until it is more than \"wait\", at most that many seconds.",
		DefaultStatus: http.StatusAccepted, MaxBodyBytes: maxOrderBytes, Tags: []string{"orders"},
	}, a.placeOrder)
	huma.Register(a.huma, huma.Operation{
		OperationID: "place-orders", Method: http.MethodPost, Path: "/v1/orders/batch", Summary: "Take up to 500 orders in",
		Description:  "Answers item by item, in the same order; each order is taken whole or not at all. Only a body that breaks this schema is refused as a whole. Of orders with the same name the first counts.",
		MaxBodyBytes: maxBatchBytes, Tags: []string{"orders"},
	}, a.placeOrders)
	huma.Register(a.huma, huma.Operation{
		OperationID: "find-order", Method: http.MethodGet, Path: "/v1/orders", Summary: "Find an order by the platform's names", Tags: []string{"orders"},
	}, func(ctx context.Context, in *struct {
		Channel   string `query:"channel" required:"true"`
		Reference string `query:"reference" required:"true"`
	},
	) (*orderAnswer, error) {
		return a.orderAnswer(ctx)(a.cfg.Orders.GetByReference(ctx, actor(ctx), in.Channel, in.Reference))
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "get-order", Method: http.MethodGet, Path: "/v1/orders/{id}", Summary: "Read an order", Tags: []string{"orders"},
	}, func(ctx context.Context, in *IDInput) (*orderAnswer, error) {
		return a.orderAnswer(ctx)(a.cfg.Orders.Get(ctx, actor(ctx), charge.OrderID(in.ID)))
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "cancel-order", Method: http.MethodPost, Path: "/v1/orders/{id}/cancel", Summary: "Cancel an order",
		Description:   "Nothing new is attempted; what the gateway holds is let go, now or when it shows up.",
		DefaultStatus: http.StatusOK, MaxBodyBytes: maxOrderBytes, Tags: []string{"orders"},
	}, func(ctx context.Context, in *struct {
		IDInput
		Body reasonBody
	},
	) (*orderAnswer, error) {
		return a.orderAnswer(ctx)(a.cfg.Orders.Cancel(ctx, actor(ctx), charge.OrderID(in.ID), in.Body.Reason))
	})
}

// IDInput is the path of one thing.
type IDInput struct {
	ID string `path:"id" maxLength:"64"`
}

type reasonBody struct {
	Reason string `json:"reason" maxLength:"500" doc:"Why; it is kept as evidence"`
}

func (a *api) orderAnswer(ctx context.Context) func(order.Order, []*charge.Charge, error) (*orderAnswer, error) {
	return func(o order.Order, cs []*charge.Charge, err error) (*orderAnswer, error) {
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return &orderAnswer{Status: http.StatusOK, Body: viewOrder(o, cs)}, nil
	}
}

func (a *api) placeOrder(ctx context.Context, in *struct {
	Prefer string `header:"Prefer" maxLength:"100"`
	Body   orderBody
},
) (*orderAnswer, error) {
	if err := platformOnly(ctx); err != nil {
		return nil, a.problem(ctx, err)
	}
	var until <-chan struct{}
	if wait := waitFor(in.Prefer); wait > 0 {
		limited, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		heed := context.AfterFunc(a.cfg.Stopping, cancel) //nolint:contextcheck // the end of the host, not of the request
		defer heed()
		until = limited.Done()
	}
	o, cs, created, err := a.cfg.Orders.Place(ctx, in.Body.placement(), actor(ctx).Name, until)
	if err != nil {
		return nil, a.problem(ctx, err)
	}
	status := http.StatusOK
	if created {
		status = http.StatusAccepted
	}
	return &orderAnswer{Status: status, Body: viewOrder(o, cs)}, nil
}

// waitFor reads "wait=5" of a Prefer header (RFC 7240).
func waitFor(prefer string) time.Duration {
	for p := range strings.SplitSeq(prefer, ",") {
		if s, ok := strings.CutPrefix(strings.TrimSpace(p), "wait="); ok {
			if n, err := strconv.Atoi(s); err == nil && n > 0 {
				return time.Duration(min(n, int(maxWait/time.Second))) * time.Second
			}
		}
	}
	return 0
}

type batchAnswer struct {
	Body struct {
		Items []batchItem `json:"items"`
	}
}

func (a *api) placeOrders(ctx context.Context, in *struct {
	Body struct {
		Orders []orderBody `json:"orders" minItems:"1" maxItems:"500" nullable:"false"`
	}
},
) (*batchAnswer, error) {
	if err := platformOnly(ctx); err != nil {
		return nil, a.problem(ctx, err)
	}
	out := &batchAnswer{}
	out.Body.Items = make([]batchItem, len(in.Body.Orders))
	var all sync.WaitGroup
	limit := make(chan struct{}, batchSide)
	for _, same := range byName(in.Body.Orders) {
		limit <- struct{}{}
		all.Go(func() {
			defer func() { <-limit }()
			for _, i := range same {
				out.Body.Items[i] = a.placeItem(ctx, in.Body.Orders[i])
			}
		})
	}
	all.Wait()
	return out, nil
}

// byName puts together the positions of orders with the same name: they are
// taken one after another, so that the first in the batch is the one that counts.
func byName(orders []orderBody) [][]int {
	type name struct{ channel, reference string }
	at := map[name]int{}
	var groups [][]int
	for i, o := range orders {
		n := name{o.Channel, o.Reference}
		g, seen := at[n]
		if !seen {
			g = len(groups)
			at[n], groups = g, append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	return groups
}

func (a *api) placeItem(ctx context.Context, b orderBody) batchItem {
	o, cs, created, err := a.cfg.Orders.Place(ctx, b.placement(), actor(ctx).Name, nil)
	if err != nil {
		p := a.problem(ctx, err)
		return batchItem{Status: p.Status, Problem: p}
	}
	v := viewOrder(o, cs)
	if created {
		return batchItem{Status: http.StatusAccepted, Order: &v}
	}
	return batchItem{Status: http.StatusOK, Order: &v}
}
