package turn_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/turn"
)

var room = turn.Room{Plugin: "p", Site: "s"}

func TestRoomIsBounded(t *testing.T) {
	t.Parallel()
	turns := turn.New(turn.Limits{Plugin: 3, Site: 2}, time.Now)
	require.True(t, turns.Try(room, "a"))
	require.True(t, turns.Try(room, "b"))
	require.False(t, turns.Try(room, "c"), "the site is full")
	other := turn.Room{Plugin: "p", Site: "t"}
	require.True(t, turns.Try(other, "c"), "another site still has room")
	require.False(t, turns.Try(turn.Room{Plugin: "p", Site: "u"}, "c"), "the plugin is full")
	require.True(t, turns.Try(turn.Room{Plugin: "q", Site: "s"}, "c"), "another plugin has room of its own")
	require.Equal(t, 3, turns.InFlight("p"))
	turns.Give(room)
	require.True(t, turns.Try(room, "c"))
}

func TestNobodyOvertakesItself(t *testing.T) {
	t.Parallel()
	turns := turn.New(turn.Limits{Plugin: 8, Site: 8}, time.Now)
	turns.Add("a")
	require.False(t, turns.Try(room, "a"), "older work of the company waits")
	require.True(t, turns.Try(room, "b"))
	company, err := turns.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, "a", company)
	require.False(t, turns.Try(room, "a"), "its turn is being taken")
	turns.Done("a", turn.Left{})
	require.True(t, turns.Try(room, "a"))
}

func TestTurnsGoAround(t *testing.T) {
	t.Parallel()
	turns := turn.New(turn.Limits{Plugin: 8, Site: 8}, time.Now)
	for _, c := range []string{"flood", "small", "flood", "other", "flood"} {
		turns.Add(c)
	}
	var order []string
	for range 6 {
		company, err := turns.Next(t.Context())
		require.NoError(t, err)
		order = append(order, company)
		turns.Done(company, turn.Left{More: true})
	}
	require.Equal(t, []string{"flood", "small", "other", "flood", "small", "other"}, order)
}

func TestWorkThatComesDuringATurnIsNotLost(t *testing.T) {
	t.Parallel()
	turns := turn.New(turn.Limits{Plugin: 8, Site: 8}, time.Now)
	turns.Add("a")
	_, err := turns.Next(t.Context())
	require.NoError(t, err)
	turns.Add("a")
	turns.Done("a", turn.Left{})
	company, err := turns.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, "a", company)
}

func TestBlockedWaitsForRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := turn.New(turn.Limits{Plugin: 1, Site: 1}, time.Now)
		require.True(t, turns.Take(room))
		turns.Add("a")
		company, err := turns.Next(t.Context())
		require.NoError(t, err)
		require.False(t, turns.Take(room))
		turns.Done(company, turn.Left{Blocked: true, Room: room})

		limited, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err = turns.Next(limited)
		require.ErrorIs(t, err, context.DeadlineExceeded, "nobody's turn comes while there is no room")
		turns.Give(room)
		company, err = turns.Next(t.Context())
		require.NoError(t, err)
		require.Equal(t, "a", company)
	})
}

func TestRoomGivenBackBeforeTheTurnEnds(t *testing.T) {
	t.Parallel()
	turns := turn.New(turn.Limits{Plugin: 1, Site: 1}, time.Now)
	require.True(t, turns.Take(room))
	turns.Add("a")
	_, err := turns.Next(t.Context())
	require.NoError(t, err)
	require.False(t, turns.Take(room))
	turns.Give(room)
	turns.Done("a", turn.Left{Blocked: true, Room: room})
	company, err := turns.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, "a", company)
}

func TestRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := turn.New(turn.Limits{Plugin: 100, Site: 100, SiteRate: 2}, time.Now)
		turns.Add("a")
		began := time.Now()
		for taken := 0; taken < 12; {
			company, err := turns.Next(t.Context())
			require.NoError(t, err)
			if turns.Take(room) {
				taken++
				turns.Done(company, turn.Left{More: true})
			} else {
				turns.Done(company, turn.Left{Blocked: true, Room: room})
			}
		}
		// Two at once, and then two in each second.
		require.InDelta(t, 5, time.Since(began).Seconds(), 0.6)
	})
}
