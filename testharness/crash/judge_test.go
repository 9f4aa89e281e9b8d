package crash

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chargehand/chargehand/testharness/client"
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
	faults := verdict.Judge(slices.Concat(posted, r.beats), books, ledger).Faults
	for _, c := range books.Charges {
		faults = append(faults, r.sentLate(c, ledger)...)
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

// sentLate tells of attempts that began before the host was stopped and were
// sent after it was woken: by then they are too late. One is late at the
// gateway, by its story.
func (r *run) sentLate(c client.Detail, ledger []verdict.Holding) []string {
	_, flight := flights[r.plan.step]
	if r.woken.IsZero() || flight || c.OrderReference == "late" {
		return nil
	}
	var faults []string
	for _, a := range c.AttemptsDetail {
		for _, h := range ledger {
			// The gateway's clock is days ahead once its nights have passed.
			if h.Reference == a.Reference && a.StartedAt.Before(r.halted) && h.Started.After(r.woken) && h.Started.Before(r.woken.Add(24*time.Hour)) {
				faults = append(faults, fmt.Sprintf("order %s: attempt %d began at %s and was sent at %s, after its host was stopped and woken again",
					c.OrderReference, a.Number, a.StartedAt.Format("05.000"), h.Started.Format("05.000")))
			}
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
