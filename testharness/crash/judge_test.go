package crash

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/verdict"
)

// judge holds everything against the gateway's ledger, and each order against
// its story.
func (r *run) judge(ctx context.Context, posted []verdict.Posted) error {
	books, err := verdict.ReadBooks(ctx, r.host())
	if err != nil {
		return err
	}
	books.Forgotten = r.forgotten
	ledger, err := verdict.ReadLedger(ctx, r.simulator)
	if err != nil {
		return err
	}
	wire, err := verdict.ReadWire(ctx, r.simulator)
	if err != nil {
		return err
	}
	faults := verdict.Judge(slices.Concat(posted, r.beats), books, ledger, wire).Faults
	for _, c := range books.Charges {
		faults = append(faults, r.sentLate(c, wire)...)
		faults = append(faults, r.answerLost(c)...)
		if !ended(c.Charge) {
			faults = append(faults, fmt.Sprintf("order %s: it is %s, not %s: %s%s", c.OrderReference, end(c.Charge),
				strings.Join(endsOf(c.OrderReference), " or "), c.Text, tale(c)))
		}
	}
	if len(faults) > 0 {
		return errors.New(strings.Join(faults, "\n"))
	}
	return nil
}

// sentLate tells of attempts that arrived at the gateway when their time to be
// sent was over: those that began before the host was stopped and came after it
// was woken, and those whose connection was made too late. Where neither
// happened nothing is said: how long a byte takes on a machine that has much to
// do, nobody knows.
func (r *run) sentLate(c client.Detail, wire gateway.Calls) []string {
	var faults []string
	for _, a := range c.AttemptsDetail {
		for _, call := range wire.Calls {
			if call.Type != "AUTH" || !slices.Contains(call.Orders, a.Reference) {
				continue
			}
			stopped := !r.woken.IsZero() && a.StartedAt.Before(r.halted) && call.At.After(r.woken)
			slow := r.plan.action == "slow" && call.At.After(a.StartedAt.Add(r.at((sendWindow+slowConnect)/2)))
			// The gateway's clock is days ahead once its nights have passed.
			if (stopped || slow) && call.At.Before(a.StartedAt.Add(24*time.Hour)) {
				faults = append(faults, fmt.Sprintf("order %s: attempt %d began at %s and arrived at the gateway at %s, when its time to be sent was over",
					c.OrderReference, a.Number, a.StartedAt.Format("05.000"), call.At.Format("05.000")))
			}
		}
	}
	return faults
}

// answerLost tells of attempts whose host lived on, and yet nothing says what
// their call came to: whatever has become of the charge meanwhile, that is
// written down. Books that were put back have forgotten some.
func (r *run) answerLost(c client.Detail) []string {
	if !r.forgotten.From.IsZero() {
		return nil
	}
	var faults []string
	for _, a := range c.AttemptsDetail {
		if a.StartedAt.IsZero() || a.StartedAt.Before(r.died) {
			continue
		}
		if !slices.ContainsFunc(c.Story, func(e client.Event) bool { return e.Class == "answer" && e.Number == a.Number }) {
			faults = append(faults, fmt.Sprintf("order %s: what the call of attempt %d came to is not written down%s", c.OrderReference, a.Number, tale(c)))
		}
	}
	return faults
}

func tale(c client.Detail) string {
	var b strings.Builder
	for _, e := range c.Story {
		fmt.Fprintf(&b, "\n    %s %s %s [%s]", e.At.Format("05.000"), e.Class, e.Text, e.State)
	}
	return b.String()
}
