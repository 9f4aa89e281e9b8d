package settings

import (
	"context"
	"fmt"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"
)

const (
	// headAge is how long what may change is believed without asking again:
	// the longest that another host's change goes unnoticed.
	headAge = 500 * time.Millisecond
	// effectiveAge is how long merged settings are kept that nobody changed:
	// another version of the plugin may read them differently.
	effectiveAge = time.Minute
	// keyAge is how long a revoked API key may still be good elsewhere.
	keyAge = time.Second
	// loadLimit bounds one load: it runs for all that wait for it, so no
	// caller's deadline may end it.
	loadLimit = 15 * time.Second
)

// cache keeps the newest loads in memory, a bounded number, each for a time.
// Many who ask for the same at once cause one load. Errors are not kept.
type cache[K comparable, V any] struct {
	now    func() time.Time
	age    time.Duration // zero: what never changes
	flight singleflight.Group

	mu      sync.Mutex
	entries *lru.Cache[K, entry[V]]
	epoch   uint64 // counts forget, so that a load begun before is not kept
}

type entry[V any] struct {
	value V
	at    time.Time
}

func newCache[K comparable, V any](now func() time.Time, size int, age time.Duration) *cache[K, V] {
	// The only error is a size below one.
	entries, _ := lru.New[K, entry[V]](max(size, 1))
	return &cache[K, V]{now: now, age: age, entries: entries}
}

func (c *cache[K, V]) get(ctx context.Context, key K, load func(context.Context) (V, error)) (V, error) {
	value, epoch, ok := c.peek(key)
	if ok {
		return value, nil
	}
	// Who asks after a forget must not join a load from before it.
	flightKey := fmt.Sprintf("%d %#v", epoch, key)
	done := c.flight.DoChan(flightKey, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadLimit)
		defer cancel()
		begun := c.now() // what is read is at least as new
		value, err := load(ctx)
		if err == nil {
			c.put(key, entry[V]{value, begun}, epoch)
		}
		return value, err
	})
	var zero V
	select {
	case <-ctx.Done():
		return zero, ctx.Err()
	case r := <-done:
		if r.Err != nil {
			return zero, r.Err
		}
		value, ok := r.Val.(V)
		if !ok {
			return zero, fmt.Errorf("cache: loaded a %T", r.Val)
		}
		return value, nil
	}
}

func (c *cache[K, V]) peek(key K) (value V, epoch uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries.Get(key)
	if ok && c.age > 0 && c.now().Sub(e.at) >= c.age {
		ok = false
	}
	return e.value, c.epoch, ok
}

func (c *cache[K, V]) put(key K, e entry[V], epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch == epoch {
		c.entries.Add(key, e)
	}
}

// forget drops everything: own writes are rare, and reach many keys.
func (c *cache[K, V]) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	c.entries.Purge()
}

// caches are what the hot path reads.
type caches struct {
	companies *cache[companyName, Company] // companies never change
	byID      *cache[CompanyID, Company]
	pairs     *cache[linkPair, LinkID] // nor does whom a link joins
	heads     *cache[LinkID, linkHead]
	effective *cache[effectiveKey, Effective]
	sites     *cache[siteKey, siteAnswer]
	keys      *cache[KeyID, keyRow]
	touched   *cache[KeyID, bool] // whose last use was noted lately, or tried to
}

type (
	companyName struct {
		t         CompanyType
		reference string
	}
	linkPair struct{ fulfiller, channel CompanyID }
	linkHead struct {
		link     Link
		revision int64
	}
	// A link's settings in force are what they are at one revision.
	effectiveKey struct {
		link     LinkID
		revision int64
	}
	siteKey struct {
		effectiveKey
		endpoint, site string
	}
)

func newCaches(now func() time.Time, size int) caches {
	return caches{
		companies: newCache[companyName, Company](now, size, 0),
		byID:      newCache[CompanyID, Company](now, size, 0),
		pairs:     newCache[linkPair, LinkID](now, size, 0),
		heads:     newCache[LinkID, linkHead](now, size, headAge),
		effective: newCache[effectiveKey, Effective](now, size, effectiveAge),
		sites:     newCache[siteKey, siteAnswer](now, size, effectiveAge),
		keys:      newCache[KeyID, keyRow](now, size, keyAge),
		touched:   newCache[KeyID, bool](now, size, touchEvery),
	}
}
