package trustpayments_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/testharness/gateway"
)

// told is what the plugin makes of one story.
type told struct {
	outcome payment.Outcome
	fault   payment.Fault
	// found is what queries find right after the charge, once nothing disturbs
	// them; later the same two hours on, if that differs.
	found, later []payment.Outcome
	settle       payment.SettleMode // recorded if empty
	patience     time.Duration      // for the answer; a minute if zero
}

// brief is how long a charge waits for an answer that will not come. It is long
// enough for the gateway to have got the request, however busy the machine.
const brief = 5 * time.Second

// tellings are the stories of one charge. Those of queries and releases have
// tests of their own below.
func tellings() map[string]told {
	type list = []payment.Outcome
	const (
		approved, declined = payment.OutcomeApproved, payment.OutcomeDeclined
		unknown, rejected  = payment.OutcomeUnknown, payment.OutcomeRejected
	)
	fine := told{outcome: approved, found: list{approved}}
	lost := told{outcome: unknown, found: list{approved}}
	silent := told{outcome: unknown, found: list{approved}, patience: brief}
	refused := told{outcome: declined, found: list{declined}}
	return map[string]told{
		"answer-lost":                        lost,
		"answer-lost-and-found-late":         {outcome: unknown, later: list{approved}},
		"answer-cut-in-half":                 lost,
		"answer-cut-on-the-line":             lost,
		"answer-stalls":                      silent,
		"answer-trickles":                    fine,
		"answer-after-the-deadline":          silent,
		"answer-of-another-request":          lost,
		"answer-with-too-much":               lost,
		"answer-as-client-libraries-show-it": fine,
		"amount-answered-wrongly":            lost,
		"approved-and-cancelled-in-one":      lost,
		"bank-system-error-then-paid":        {outcome: unknown, found: list{unknown}, later: list{approved}},
		"bank-system-error-then-declined":    {outcome: unknown, found: list{unknown}, later: list{declined}},
		"bank-system-error-for-good":         {outcome: unknown, found: list{unknown}},
		"bank-transfer-agreed":               fine,
		"card-declined":                      refused,
		"card-reported-lost":                 refused,
		"customer-must-confirm":              refused,
		"charge-above-the-limit":             {outcome: rejected, fault: payment.FaultOrder},
		"stored-card-gone":                   {outcome: rejected, fault: payment.FaultStoredReference},
		"account-missing":                    {outcome: rejected, fault: payment.FaultSite},
		"credentials-refused":                {outcome: rejected, fault: payment.FaultSite},
		"error-without-a-trace":              lost,
		"socket-error-without-a-trace":       lost,
		"held-by-duplicate-check":            {outcome: payment.OutcomeHeld, found: list{payment.OutcomeHeld}, settle: payment.SettleAtOnce},
		"web-server-down":                    {outcome: unknown, fault: payment.FaultGateway},
		"web-server-down-but-charged":        lost,
		"gateway-out-of-reach":               {outcome: payment.OutcomeNotSent, fault: payment.FaultGateway},
		"connections-reset":                  {outcome: payment.OutcomeNotSent, fault: payment.FaultGateway},
		"handshake-stalls":                   {outcome: payment.OutcomeNotSent, patience: brief},
		"request-lost":                       {outcome: unknown},
		"kept-connection-closed":             {outcome: unknown},
		"line-dead":                          silent,
		"slow-bank":                          fine,
		"slow-day":                           fine,
		"notification-forged":                fine,
		"notifications-out-of-order":         fine,
		"notifications-twice-and-late":       fine,
	}
}

// others are the stories that are told below.
var others = []string{
	"bad-afternoon", "query-lies-empty", "query-in-part", "query-refused", "release-refused-but-done", "release-lost", "release-shown-late",
}

// tell gives the scene a story.
func (s *scene) tell(t *testing.T, name string) {
	t.Helper()
	story, err := gateway.FindStory(name)
	require.NoError(t, err)
	faults, err := gateway.ParseFaults([]byte(story.Script))
	require.NoError(t, err)
	_, err = s.sim.AddFaults(faults...)
	require.NoError(t, err)
}

func (s *scene) outcomes(t *testing.T, r payment.ChargeRequest) []payment.Outcome {
	t.Helper()
	var found []payment.Outcome
	for _, transaction := range s.found(t, r) {
		found = append(found, transaction.Outcome)
	}
	return found
}

func TestStories_AllAreTold(t *testing.T) {
	t.Parallel()
	all := tellings()
	for _, story := range gateway.Stories() {
		require.Regexp(t, `^[A-Z][^\n]+\.$`, story.About, story.Name)
		faults, err := gateway.ParseFaults([]byte(story.Script))
		require.NoError(t, err, story.Name)
		require.NotEmpty(t, faults, story.Name)
		if _, ok := all[story.Name]; !ok {
			require.Contains(t, others, story.Name)
		}
	}
	require.Len(t, gateway.Stories(), len(all)+len(others))
	require.GreaterOrEqual(t, len(all), 30)
}

func TestStories_Charge(t *testing.T) {
	t.Parallel()
	for name, want := range tellings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			if name == "kept-connection-closed" { // there has to be one
				require.Empty(t, s.found(t, s.request(payment.SettleRecorded)))
			}
			s.tell(t, name)
			r := s.request(payment.SettleRecorded)
			r.AnswerWithin = payment.AnswerLimit
			if want.settle != "" {
				r.Settle = want.settle
			}
			if want.patience > 0 {
				r.AnswerWithin, r.SendBefore = want.patience, time.Now().Add(want.patience)
			}
			got, err := s.Charge(t.Context(), r)
			require.NoError(t, err)
			require.Equal(t, []string{string(want.outcome), string(want.fault)}, []string{string(got.Outcome), string(got.Fault)}, got.Reason)
			s.sim.ClearFaults()
			require.Equal(t, want.found, s.outcomes(t, r))
			_, err = s.sim.Tick(2 * time.Hour)
			require.NoError(t, err)
			later := want.later
			if later == nil {
				later = want.found
			}
			require.Equal(t, later, s.outcomes(t, r))
		})
	}
}

// charged is a charge that went well, or as a story has it.
func (s *scene) charged(t *testing.T, want payment.Outcome) (payment.ChargeRequest, payment.ChargeResult) {
	t.Helper()
	r := s.request(payment.SettleRecorded)
	r.AnswerWithin = payment.AnswerLimit
	got, err := s.Charge(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, want, got.Outcome, got.Reason)
	return r, got
}

func TestStories_Queries(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.tell(t, "query-lies-empty")
	r, _ := s.charged(t, payment.OutcomeUnknown)
	require.Empty(t, s.found(t, r))
	require.Empty(t, s.found(t, r))
	require.Equal(t, []payment.Outcome{payment.OutcomeApproved}, s.outcomes(t, r))

	s = newScene(t)
	s.tell(t, "query-refused")
	r, _ = s.charged(t, payment.OutcomeApproved)
	for range 3 {
		_, err := s.Query(t.Context(), payment.QueryRequest{Access: s.access, Lookups: []payment.Lookup{{Reference: r.Reference, Asked: r.Settle}}})
		var refused *payment.Error
		require.ErrorAs(t, err, &refused, "no answer is no absence")
		require.Equal(t, payment.ErrorUnavailable, refused.Kind)
	}
	require.Len(t, s.found(t, r), 1)

	s = newScene(t)
	s.tell(t, "query-in-part")
	r, _ = s.charged(t, payment.OutcomeApproved)
	seen := map[int]int{}
	for range 20 {
		seen[len(s.found(t, r))]++
	}
	require.Positive(t, seen[0], "half of one record is none")
	require.Positive(t, seen[1])
}

func TestStories_Releases(t *testing.T) {
	t.Parallel()
	release := func(name string) (*scene, payment.ChargeRequest, payment.AdjustResult, error) {
		s := newScene(t)
		s.tell(t, name)
		r, got := s.charged(t, payment.OutcomeApproved)
		adjusted, err := s.Adjust(t.Context(), payment.AdjustRequest{Access: s.access, Adjustments: []payment.Adjustment{
			{ID: got.Transaction.ID, Action: payment.ActionRelease},
		}})
		return s, r, adjusted, err
	}
	s, r, adjusted, err := release("release-refused-but-done")
	require.NoError(t, err)
	require.False(t, adjusted.Adjusted[0].Accepted)
	require.Equal(t, "60017", adjusted.Adjusted[0].Code)
	require.Equal(t, payment.StatusDue, s.found(t, r)[0].Status, "the code decides nothing")

	s, r, _, err = release("release-lost")
	var unknown *payment.Error
	require.ErrorAs(t, err, &unknown)
	require.Equal(t, payment.ErrorUnknown, unknown.Kind)
	require.Equal(t, payment.StatusSuspended, s.found(t, r)[0].Status)

	s, r, adjusted, err = release("release-shown-late")
	require.NoError(t, err)
	require.True(t, adjusted.Adjusted[0].Accepted)
	require.Equal(t, payment.StatusSuspended, s.found(t, r)[0].Status, "stale")
	_, err = s.sim.Tick(2 * time.Minute)
	require.NoError(t, err)
	require.Equal(t, payment.StatusDue, s.found(t, r)[0].Status)
}

// Of many charges on a bad afternoon, some are in doubt and most go well; and
// whatever was said, the books know of every charge that was approved.
func TestStories_BadAfternoon(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.tell(t, "bad-afternoon")
	var mu sync.Mutex
	var calls sync.WaitGroup
	outcomes := map[payment.Outcome]int{}
	var approved []payment.Reference
	for range 80 {
		r := s.request(payment.SettleRecorded)
		r.AnswerWithin = brief
		calls.Go(func() {
			got, err := s.Charge(t.Context(), r)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				outcomes["failed"]++
				return
			}
			outcomes[got.Outcome]++
			if got.Outcome == payment.OutcomeApproved {
				approved = append(approved, r.Reference)
			}
		})
	}
	calls.Wait()
	require.Positive(t, outcomes[payment.OutcomeUnknown], outcomes)
	require.Positive(t, outcomes[payment.OutcomeApproved], outcomes)
	require.Equal(t, 80, outcomes[payment.OutcomeUnknown]+outcomes[payment.OutcomeApproved], outcomes)
	booked := map[string]int{}
	for _, entry := range s.sim.Ledger() {
		booked[entry.OrderReference]++
	}
	for _, reference := range approved {
		require.Equal(t, 1, booked[string(reference)])
	}
}

// Whatever a test bank can't be made to do has a story that does it. Those of
// notifications are proven beside the simulator.
func TestStories_CoverEveryFaultMode(t *testing.T) {
	t.Parallel()
	for mode, names := range map[string][]string{
		"processed, then the connection is dropped":          {"answer-lost"},
		"processed, answered after the client's time-out":    {"answer-after-the-deadline"},
		"reset before processing":                            {"request-lost"},
		"60010 that turns into success, failure, or neither": {"bank-system-error-then-paid", "bank-system-error-then-declined", "bank-system-error-for-good"},
		"99999 or 50000 without a reference, though charged": {"error-without-a-trace", "socket-error-without-a-trace"},
		"71000":                                     {"customer-must-confirm"},
		"70000 with various codes of the bank":      {"card-declined", "card-reported-lost"},
		"20009":                                     {"charge-above-the-limit"},
		"40000":                                     {"account-missing"},
		"401 as HTML":                               {"credentials-refused"},
		"500 and 502 as HTML":                       {"web-server-down", "web-server-down-but-charged"},
		"JSON cut short":                            {"answer-cut-in-half", "answer-cut-on-the-line"},
		"responses instead of response":             {"answer-as-client-libraries-show-it"},
		"another request's reference":               {"answer-of-another-request"},
		"an element too many":                       {"answer-with-too-much"},
		"Ok with settle status 2 or 3":              {"held-by-duplicate-check", "approved-and-cancelled-in-one"},
		"another amount echoed":                     {"amount-answered-wrongly"},
		"queries lag behind":                        {"answer-lost-and-found-late", "release-shown-late"},
		"found 0, then found 1":                     {"query-lies-empty"},
		"notifications duplicated, late and forged": {"notifications-twice-and-late", "notification-forged"},
		"notifications out of order":                {"notifications-out-of-order"},
	} {
		for _, name := range names {
			_, err := gateway.FindStory(name)
			require.NoError(t, err, mode)
		}
	}
}
