package engine

import (
	"sync"
	"time"

	"github.com/chargehand/chargehand/host/charge"
)

// begun remembers what this process knows, and no database, of the attempts that
// it has started and not yet sent.
type begun struct {
	mu sync.Mutex
	at map[charge.ID]beginning
}

type beginning struct {
	// sendBy is when its window for sending ends by the host's own monotonic clock:
	// the window stays shut after that whatever becomes of the other clocks.
	sendBy time.Time
	// intake is when its order came in, if it went straight on from there; for the
	// measure of our own time.
	intake time.Time
}

func (b *begun) put(id charge.ID, sendBy time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.at == nil {
		b.at = map[charge.ID]beginning{}
	}
	b.at[id] = beginning{sendBy: sendBy}
}

// straight notes that a charge goes straight on from its intake at that time.
func (b *begun) straight(id charge.ID, intake time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n, ok := b.at[id]; ok {
		n.intake = intake
		b.at[id] = n
	}
}

// take gives what is known and forgets it. The window of what is not known is shut.
func (b *begun) take(id charge.ID) beginning {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.at[id]
	delete(b.at, id)
	return n
}
