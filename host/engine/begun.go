package engine

import (
	"sync"
	"time"

	"github.com/chargehand/chargehand/host/charge"
)

// begun remembers when charges that went straight from intake to their call
// came in, for the measure of our own time.
type begun struct {
	mu sync.Mutex
	at map[charge.ID]time.Time
}

func (b *begun) put(id charge.ID, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.at == nil {
		b.at = map[charge.ID]time.Time{}
	}
	b.at[id] = at
}

func (b *begun) take(id charge.ID) (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, ok := b.at[id]
	delete(b.at, id)
	return at, ok
}
