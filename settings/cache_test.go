package settings

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCache_Age(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	c := newCache[string, int](func() time.Time { return now }, 10, time.Second)
	loads := 0
	get := func() int {
		v, err := c.get(t.Context(), "k", func(context.Context) (int, error) {
			loads++
			now = now.Add(time.Millisecond) // a load takes its time, and is as old as its beginning
			return loads, nil
		})
		require.NoError(t, err)
		return v
	}
	require.Equal(t, 1, get())
	require.Equal(t, 1, get())
	now = time.Unix(1, -1)
	require.Equal(t, 1, get())
	now = time.Unix(1, 0)
	require.Equal(t, 2, get())
	c.forget()
	require.Equal(t, 3, get())
}

func TestCache_ManyCauseOneLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCache[string, int](time.Now, 10, 0)
		release := make(chan struct{})
		var loads atomic.Int64
		load := func(context.Context) (int, error) {
			loads.Add(1)
			<-release
			return 7, nil
		}
		// The first to ask gives up; the others get what it began.
		impatient, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := c.get(impatient, "k", load)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		})
		synctest.Wait()
		cancel()
		for range 100 {
			wg.Go(func() {
				v, err := c.get(t.Context(), "k", load)
				if v != 7 || err != nil {
					t.Errorf("%d, %v", v, err)
				}
			})
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		require.Equal(t, int64(1), loads.Load())
	})
}

func TestCache_ForgetDuringLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCache[string, string](time.Now, 10, 0)
		release := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			_, _ = c.get(t.Context(), "k", func(context.Context) (string, error) { <-release; return "old", nil })
		})
		synctest.Wait()
		c.forget() // a write, while what was read before it is on its way
		v, err := c.get(t.Context(), "k", func(context.Context) (string, error) { return "new", nil })
		require.NoError(t, err)
		require.Equal(t, "new", v)
		close(release)
		wg.Wait()
		v, err = c.get(t.Context(), "k", func(context.Context) (string, error) { return "loaded again", nil })
		require.NoError(t, err)
		require.Equal(t, "new", v)
	})
}

func TestCache_ErrorsAndBounds(t *testing.T) {
	t.Parallel()
	c := newCache[int, int](time.Now, 3, 0)
	_, err := c.get(t.Context(), 1, func(context.Context) (int, error) { return 0, errors.New("down") })
	require.ErrorContains(t, err, "down")
	for i := range 100 {
		v, err := c.get(t.Context(), i, func(context.Context) (int, error) { return i, nil })
		require.NoError(t, err)
		require.Equal(t, i, v)
	}
	require.Equal(t, 3, c.entries.Len())
}

// Keys that print alike are still two: their loads must not be shared.
func TestCache_KeysPrintApart(t *testing.T) {
	t.Parallel()
	a, b := siteKey{endpoint: "x y", site: "z"}, siteKey{endpoint: "x", site: "y z"}
	require.NotEqual(t, fmt.Sprintf("%#v", a), fmt.Sprintf("%#v", b))
}
