package verdict

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/chargehand/chargehand/testharness/client"
)

// Books are what a host says of its charges, and of the money.
type Books struct {
	Charges []client.Detail
	Entries []client.Entry
	// Forgotten is what the books know nothing of by themselves, because the
	// database was put back. Zero for nothing.
	Forgotten Span
}

// Span is a stretch of time: from From up to, but not at, Until.
type Span struct{ From, Until time.Time }

func (s Span) holds(at time.Time) bool { return !at.Before(s.From) && at.Before(s.Until) }

// readers is how many charges are asked for at the same time.
const readers = 8

// ReadBooks reads all that a host has, with a key of the platform.
func ReadBooks(ctx context.Context, api *client.Client) (Books, error) {
	list, err := api.Charges(ctx)
	if err != nil {
		return Books{}, err
	}
	b := Books{Charges: make([]client.Detail, len(list))}
	errs := make([]error, readers)
	var all sync.WaitGroup
	for r := range readers {
		all.Go(func() {
			for i := r; i < len(list) && errs[r] == nil; i += readers {
				b.Charges[i], errs[r] = api.Charge(ctx, list[i].ID)
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return Books{}, err
	}
	b.Entries, err = api.Ledger(ctx)
	return b, err
}
