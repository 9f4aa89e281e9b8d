package notify_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway/notify"
)

// What arrives is the documented form, over real HTTPS, with a hash that fits.
func TestOfflineArrives(t *testing.T) {
	t.Parallel()
	r := listen(t, false)
	b := setup(t, nil, r.rule(func(r *notify.Rule) {
		r.Fields = []string{"orderreference", "merchantname", "errorcode", "baseamount", "authcode"}
	}))
	b.tell("K1")
	b.idle()
	require.Len(t, r.all(), 1)
	one := r.all()[0]
	require.NoError(t, one.err)
	require.Equal(t, []string{"application/x-www-form-urlencoded; charset=UTF-8"}, one.header["Content-Type"])
	require.Equal(t, map[string]string{
		"orderreference": "K1", "merchantname": "Ångström & Co+1", "errorcode": "0", "baseamount": "2499",
		"notificationreference": "55-A1", "responsesitesecurity": notify.Hash(map[string]string{
			"orderreference": "K1", "merchantname": "Ångström & Co+1", "errorcode": "0", "baseamount": "2499",
		}, password),
	}, one.fields, "what has no value is left out")
	n := b.only()
	require.Equal(t, notify.Sent, n.State)
	require.Equal(t, 1, n.Tried)
	require.Equal(t, 200, n.Tries[0].Status)
	require.Equal(t, begin, n.Tries[0].At)
	require.Equal(t, one.body, n.Body)
	require.Equal(t, "55-9-K1", n.Transaction)
	require.Len(t, b.s.Log("55-9-K1"), 1)
	require.Empty(t, b.s.Log("55-9-K2"))
}

func TestUsualFields(t *testing.T) {
	t.Parallel()
	r := listen(t, true)
	b := setup(t, nil, r.rule(func(r *notify.Rule) { r.Password = "" }))
	b.tell("K1")
	e := b.event("K1")
	e.Kind, e.Fields["settlestatus"] = notify.Settlement, "100"
	b.s.Tell(e)
	b.idle()
	require.Len(t, r.all(), 2)
	require.Equal(t, "VISA", r.all()[0].fields["paymenttypedescription"])
	require.NotContains(t, r.all()[0].fields, "responsesitesecurity", "no password, no hash")
	require.Equal(t, map[string]string{
		"settlestatus": "100", "sitereference": site, "transactionreference": "55-9-K1", "notificationreference": "55-A2",
	}, r.all()[1].fields)
}

// The caller of an online one waits for its answer, once.
func TestOnlineIsWaitedFor(t *testing.T) {
	t.Parallel()
	r := listen(t, false)
	here, gone := make(chan struct{}), make(chan struct{})
	r.answer = func(_ int, w http.ResponseWriter) {
		close(here)
		<-gone
		w.WriteHeader(http.StatusInternalServerError)
	}
	b := setup(t, nil, r.rule(mode(notify.Online)))
	b.tell("K1")
	<-here
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.s.Wait(ctx, "55-9-K1") // as a caller that has left
	require.Equal(t, notify.Queued, b.only().State)
	b.s.Wait(t.Context(), "55-9-other")
	require.Equal(t, notify.Queued, b.only().State, "of another transaction")
	close(gone)
	b.s.Wait(t.Context(), "55-9-other", "55-9-K1")
	require.Equal(t, notify.Failed, b.only().State)
	require.Equal(t, 500, b.only().Tries[0].Status)
	b.tick(47 * time.Hour)
	require.Len(t, r.all(), 1, "not tried again")
}

// Only the first online rule runs. The first failover one is online, too; the
// others are queued, as are all offline ones.
func TestFirstOfEachMode(t *testing.T) {
	t.Parallel()
	r := listen(t, true)
	var rules []notify.Rule
	for _, m := range []notify.Mode{notify.Online, notify.Online, notify.Failover, notify.Failover, notify.Offline, notify.Offline} {
		rules = append(rules, r.rule(mode(m)))
	}
	b := stopped(t, nil, rules...)
	b.tell("K1")
	// Without Start what is online fails at once, which shows what was.
	log := b.s.Log("")
	require.Len(t, log, 5)
	var failed, queued []string
	for _, n := range log {
		if n.Tried == 1 {
			require.Contains(t, n.Tries[0].Error, "not serving")
			failed = append(failed, n.Rule)
		} else {
			queued = append(queued, n.Rule)
		}
	}
	require.Equal(t, []string{"n1", "n3"}, failed)
	require.Equal(t, []string{"n4", "n5", "n6"}, queued)
	require.ErrorIs(t, b.s.Idle(t.Context()), notify.ErrClosed)
	b.s.Start(t.Context())
	b.tick(time.Minute)
	require.Len(t, r.all(), 4, "all but the online one")
}

func TestFailoverIsQueuedAfterwards(t *testing.T) {
	t.Parallel()
	r := listen(t, false)
	r.answer = func(n int, w http.ResponseWriter) {
		if n == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}
	b := setup(t, nil, r.rule(mode(notify.Failover)))
	b.tell("K1")
	b.s.Wait(t.Context(), "55-9-K1")
	require.Equal(t, notify.Queued, b.only().State)
	require.Equal(t, 1, b.only().Tried)
	b.tick(59 * time.Second)
	require.Len(t, r.all(), 1)
	b.tick(time.Second)
	require.Len(t, r.all(), 2)
	require.Equal(t, notify.Sent, b.only().State)
	require.Equal(t, r.all()[0].body, r.all()[1].body)
}

// What is not taken is tried again for 48 hours of the clock, at the times that
// the rule says.
func TestRetriesFor48Hours(t *testing.T) {
	t.Parallel()
	r := listen(t, true)
	r.answer = status(http.StatusAccepted)
	b := setup(t, nil, r.rule(func(r *notify.Rule) { r.Retry = notify.Spacing{time.Minute, time.Hour, 10 * time.Hour} }))
	b.tell("K1")
	b.idle()
	for i, step := range []time.Duration{time.Minute, time.Hour, 10 * time.Hour, 10 * time.Hour, 10 * time.Hour, 10 * time.Hour} {
		require.Equal(t, notify.Queued, b.only().State)
		b.tick(step - time.Second)
		require.Len(t, r.all(), i+1, "not before its time")
		b.tick(time.Second)
		require.Len(t, r.all(), i+2)
	}
	require.Equal(t, notify.GivenUp, b.only().State, "41:01 and 10 hours more are too late")
	require.Equal(t, 202, b.only().Tries[6].Status, "200 is the only answer that counts")
	b.tick(100 * time.Hour)
	require.Len(t, r.all(), 7)
}

// A clock that jumps makes the tries that fell into the jump, at once.
func TestJumpOfTheClock(t *testing.T) {
	t.Parallel()
	r := listen(t, true)
	r.answer = status(http.StatusInternalServerError)
	b := setup(t, nil,
		r.rule(func(r *notify.Rule) { r.Retry = notify.Spacing{10 * time.Hour} }),
		r.rule(func(r *notify.Rule) { r.Retry = notify.Spacing{time.Minute} }))
	b.tell("K1")
	b.idle()
	require.Len(t, r.all(), 2)
	b.tick(47 * time.Hour)
	log := b.s.Log("")
	require.Equal(t, 5, log[0].Tried, "after 10, 20, 30, 40 hours")
	require.Equal(t, notify.GivenUp, log[0].State, "50 hours are too late")
	require.Equal(t, 52, log[1].Tried, "51 of the 2820 that fell into the jump; the others are passed over")
	require.Len(t, log[1].Tries, 20, "the newest")
	require.Equal(t, notify.Queued, log[1].State)
	require.Equal(t, begin.Add(47*time.Hour+time.Minute), log[1].Due)
}

func TestAnswerWithinTheLimit(t *testing.T) {
	t.Parallel()
	r := listen(t, false)
	gone := make(chan struct{})
	r.answer = func(int, http.ResponseWriter) { <-gone }
	b := setup(t, func(c *notify.Config) { c.Limit = 50 * time.Millisecond }, r.rule(mode(notify.Online)))
	b.tell("K1")
	b.s.Wait(t.Context(), "55-9-K1")
	close(gone)
	require.Equal(t, notify.Failed, b.only().State)
	require.Equal(t, "no answer within 50ms", b.only().Tries[0].Error)
	require.Zero(t, b.only().Tries[0].Status)
}

func TestNobodyIsTrustedBlindly(t *testing.T) {
	t.Parallel()
	r := listen(t, false)
	b := setup(t, nil, r.rule(mode(notify.Online), func(r *notify.Rule) { r.CAFile = "" }))
	b.tell("K1")
	b.idle()
	require.Equal(t, notify.Failed, b.only().State)
	require.Contains(t, b.only().Tries[0].Error, "certificate")
	require.Empty(t, r.all())
}

func TestCAFileThatIsGone(t *testing.T) {
	t.Parallel()
	r := listen(t, false)
	b := setup(t, nil, r.rule(mode(notify.Online)))
	require.NoError(t, os.Remove(r.ca))
	b.tell("K1")
	b.idle()
	require.Contains(t, b.only().Tries[0].Error, "ca_file")
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	r := listen(t, true)
	r.answer = func(_ int, w http.ResponseWriter) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
	b := setup(t, nil, r.rule(mode(notify.Online)))
	b.tell("K1")
	b.idle()
	require.Len(t, r.all(), 1)
	require.Equal(t, 307, b.only().Tries[0].Status)
}

// One URL that hangs keeps its own places only, and nothing of one transaction
// overtakes.
func TestSlowURL(t *testing.T) {
	t.Parallel()
	slow, quick := listen(t, true), listen(t, true)
	gone := make(chan struct{})
	slow.answer = func(int, http.ResponseWriter) { <-gone }
	b := setup(t, nil, slow.rule(), quick.rule(func(r *notify.Rule) { r.Site = "test_quick" }))
	b.tell("K1", "K1", "K2", "K3", "K4", "K5", "K6")
	for range 20 {
		e := b.event("Q")
		e.Fields["sitereference"] = "test_quick"
		b.s.Tell(e)
	}
	require.Eventually(t, func() bool { return len(quick.all()) == 20 && len(slow.all()) == 4 }, time.Minute, time.Millisecond)
	require.ElementsMatch(t, []string{"K1", "K2", "K3", "K4"}, slow.orders())
	close(gone)
	b.idle()
	require.Len(t, slow.all(), 7)
}

func TestOneTransactionStaysInOrder(t *testing.T) {
	t.Parallel()
	r := listen(t, true)
	b := setup(t, nil, r.rule())
	for range 30 {
		b.tell("K1", "K2")
	}
	b.idle()
	last := map[string]int{}
	references := map[string]int{}
	for i, n := range b.s.Log("") {
		references[n.Reference] = i
	}
	require.Len(t, r.all(), 60)
	for _, one := range r.all() {
		order, at := one.fields["orderreference"], references[one.fields["notificationreference"]]
		require.GreaterOrEqual(t, at, last[order])
		last[order] = at
	}
}

func TestQueueAndLogAreBounded(t *testing.T) {
	t.Parallel()
	r := listen(t, true)
	b := stopped(t, func(c *notify.Config) { c.Queue, c.Log = 3, 4 }, r.rule())
	b.tell("K1", "K2", "K3", "K4", "K5")
	log := b.s.Log("")
	require.Len(t, log, 4)
	require.Equal(t, "55-9-K2", log[0].Transaction, "the oldest is forgotten")
	require.Equal(t, []notify.State{notify.Queued, notify.Queued, notify.Dropped, notify.Dropped},
		[]notify.State{log[0].State, log[1].State, log[2].State, log[3].State})
	b.s.Start(t.Context())
	b.idle()
	require.ElementsMatch(t, []string{"K1", "K2", "K3"}, r.orders())
	b.tell("K6")
	b.idle()
	require.Len(t, r.all(), 4, "there is room again")
}

// Close ends what is on its way, which counts as not tried.
func TestCloseAndRestore(t *testing.T) {
	t.Parallel()
	r := listen(t, false)
	here, gone := make(chan struct{}, 2), make(chan struct{})
	r.answer = func(int, http.ResponseWriter) {
		here <- struct{}{}
		<-gone
	}
	b := setup(t, nil, r.rule(), r.rule(mode(notify.Online)))
	ids := b.s.Tell(b.event("K1"))
	require.Equal(t, []int64{1}, ids, "online ones are not kept")
	<-here
	<-here
	b.s.Close()
	b.s.Close()
	b.s.Wait(t.Context(), "55-9-K1") // doesn't
	require.Empty(t, b.changes)
	kept, ok := b.s.Queued(1)
	require.True(t, ok)
	require.Zero(t, kept.Tried)
	b.tell("K2")
	require.Len(t, b.s.Log("55-9-K2"), 2)
	require.ErrorIs(t, b.s.Idle(t.Context()), notify.ErrClosed)
	close(gone)

	again := stopped(t, nil)
	again.s.RestoreRule(b.s.Rules()[0])
	again.s.Restore([]notify.Notification{kept}, 7)
	again.s.Start(t.Context())
	again.idle()
	<-here
	require.Equal(t, "K1", r.orders()[2])
	require.Equal(t, notify.Sent, again.only().State)
	require.Equal(t, []int64{1}, again.changes)
	_, queued := again.s.Queued(1)
	require.False(t, queued)
	again.tell("K3")
	again.idle()
	<-here
	require.Equal(t, "55-A8", again.s.Log("55-9-K3")[0].Reference, "numbers go on")
	added, err := again.s.AddRules(r.rule())
	require.NoError(t, err)
	require.Equal(t, "n2", added[0].ID)
}

func TestResetForgets(t *testing.T) {
	t.Parallel()
	r := listen(t, true)
	here, gone := make(chan struct{}, 1), make(chan struct{})
	r.answer = func(int, http.ResponseWriter) {
		here <- struct{}{}
		<-gone
	}
	b := setup(t, nil, r.rule())
	b.tell("K1", "K1")
	<-here
	b.s.Reset()
	close(gone)
	b.idle()
	require.Empty(t, b.s.Log(""))
	require.Empty(t, b.s.Rules())
	require.Len(t, r.all(), 1, "what was queued is not sent")
	b.tell("K2")
	require.Empty(t, b.s.Log(""))
}

func TestDeletedRuleStillSendsWhatItQueued(t *testing.T) {
	t.Parallel()
	r := listen(t, true)
	b := stopped(t, nil, r.rule())
	b.tell("K1")
	require.NoError(t, b.s.DeleteRule("n1"))
	b.tell("K2")
	b.s.Start(t.Context())
	b.idle()
	require.Equal(t, []string{"K1"}, r.orders())
}

func TestResend(t *testing.T) {
	t.Parallel()
	r := listen(t, true)
	b := setup(t, nil, r.rule(mode(notify.Offline)))
	b.tell("K1")
	b.idle()
	id, err := b.s.Resend(1)
	require.NoError(t, err)
	require.EqualValues(t, 2, id)
	b.idle()
	require.Len(t, r.all(), 2)
	require.Equal(t, r.all()[0].body, r.all()[1].body)
	_, err = b.s.Resend(9)
	require.ErrorIs(t, err, notify.ErrNotFound)
}

func TestNewErrNoClock(t *testing.T) {
	t.Parallel()
	_, err := notify.New(notify.Config{})
	require.ErrorContains(t, err, "no clock")
}

func TestTooManyRules(t *testing.T) {
	t.Parallel()
	b := stopped(t, nil)
	rules := make([]notify.Rule, 101)
	for i := range rules {
		rules[i] = notify.Rule{Site: site, URL: "https://example.com/" + strings.Repeat("x", i)}
	}
	_, err := b.s.AddRules(rules...)
	require.ErrorContains(t, err, "at most 100")
	_, err = b.s.AddRules(rules[:100]...)
	require.NoError(t, err)
	require.Equal(t, "n100", b.s.Rules()[99].ID)
}
