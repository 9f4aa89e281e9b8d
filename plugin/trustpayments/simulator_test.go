package trustpayments_test

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/plugin/trustpayments"
	"github.com/chargehand/chargehand/plugin/trustpayments/webservices"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymenttest"
	"github.com/chargehand/chargehand/testharness/gateway"
)

// noon is when a scene begins, by the gateway's clock.
var noon = time.Date(2026, time.March, 10, 12, 0, 0, 0, time.UTC)

// scene is the plugin in front of a simulated gateway with a stored card.
type scene struct {
	*trustpayments.Gateway
	config trustpayments.Config
	sim    *gateway.Gateway
	stored payment.TransactionID
	access payment.Access
}

// newScene begins at noon, so that no test meets the batch of midnight.
func newScene(t *testing.T) *scene {
	t.Helper()
	begin := time.Now()
	return newSceneAt(t, func() time.Time { return noon.Add(time.Since(begin)) })
}

// newSceneAt is a scene with a clock.
func newSceneAt(t *testing.T, now func() time.Time) *scene {
	t.Helper()
	sim, err := gateway.New(gateway.Config{Seed: 1, Now: now})
	require.NoError(t, err)
	dir := t.TempDir()
	server, err := sim.Start(t.Context(), gateway.Listen{Dir: dir})
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	config := trustpayments.Config{Webservices: webservices.Config{
		URLEU: server.JSONURL(), CAFile: filepath.Join(dir, "ca.pem"),
		Proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
	}}
	plugin, err := trustpayments.New(config)
	require.NoError(t, err)
	t.Cleanup(plugin.Close)
	s := &scene{Gateway: plugin, config: config, sim: sim}
	s.stored = s.enter(t, gateway.Entered{Card: "4111111111111111"})
	settings := payment.Settings{
		"sitereference": gateway.DefaultSite, "username": gateway.DefaultUser, "password": gateway.DefaultPassword,
		"storedreference": string(s.stored), "format": trustpayments.TestFormat,
	}
	s.access = payment.Access{Company: "c1", Settings: settings, Endpoint: "EU", Site: gateway.DefaultSite}
	return s
}

// enter stores a card in the Virtual Terminal.
func (s *scene) enter(t *testing.T, e gateway.Entered) payment.TransactionID {
	t.Helper()
	e.Site, e.Currency, e.CredentialsOnFile = gateway.DefaultSite, "GBP", "1"
	if e.Amount == 0 && e.Type == "" {
		e.Amount = 1
	}
	entry, err := s.sim.Enter(e)
	require.NoError(t, err)
	return payment.TransactionID(entry.TransactionReference)
}

func (s *scene) fault(t *testing.T, f gateway.Fault) {
	t.Helper()
	_, err := s.sim.AddFaults(f)
	require.NoError(t, err)
}

func (s *scene) request(settle payment.SettleMode) payment.ChargeRequest {
	return payment.ChargeRequest{
		Access: s.access, Reference: paymenttest.NewReference(), Amount: payment.Amount{Minor: 1050, Currency: "GBP"}, Stored: s.stored,
		Settle: settle, Mode: payment.ModeTest, Sequence: 2, SendBefore: time.Now().Add(time.Minute), AnswerWithin: 10 * time.Second,
	}
}

// found looks a charge up.
func (s *scene) found(t *testing.T, r payment.ChargeRequest) []payment.Transaction {
	t.Helper()
	got, err := s.Query(t.Context(), payment.QueryRequest{Access: s.access, Lookups: []payment.Lookup{{Reference: r.Reference, Asked: r.Settle}}})
	require.NoError(t, err)
	return got.Transactions
}

func TestSimulator_Suite(t *testing.T) {
	t.Parallel()
	paymenttest.Run(t, func(t *testing.T) paymenttest.Harness {
		t.Helper()
		s := newScene(t)
		// The suite compares one sight of a transaction with the next, so nothing
		// optional may be left out at random.
		require.NoError(t, s.sim.SetSwitches(t.Context(), gateway.Switches{Plain: true}))
		bad := s.access
		bad.Settings = maps.Clone(bad.Settings)
		bad.Settings["password"] = "Wrong-password-1"
		wrong := maps.Clone(s.access.Settings)
		wrong["storedreference"] = "4111111111111111"
		return paymenttest.Harness{
			Gateway: s, Access: s.access, BadAccess: bad, Stored: s.stored, MissingStored: "1-2-3456789",
			Amount: payment.Amount{Minor: 1050, Currency: "GBP"}, Mode: payment.ModeTest,
			Declined:   payment.Amount{Minor: 70000, Currency: "GBP"},
			WindowPage: 499,
			Pass: func(t *testing.T, d time.Duration) {
				t.Helper()
				_, err := s.sim.Tick(d)
				require.NoError(t, err)
			},
			Wrong:   []paymenttest.Wrong{{Name: "card number", Settings: wrong, Field: "storedreference"}},
			Secrets: []string{gateway.DefaultPassword, "Wrong-password-1"},
			LoseAnswer: func(r payment.ChargeRequest, processed bool) payment.ChargeRequest {
				f := gateway.Fault{Effect: gateway.EffectReset, OrderReference: string(r.Reference), Times: 1}
				if processed {
					f.Effect = gateway.EffectProcessThenDrop
				}
				s.fault(t, f)
				return r
			},
		}
	})
}

func TestSimulator_Faults(t *testing.T) {
	t.Parallel()
	type want struct {
		outcome payment.Outcome
		found   []payment.Outcome // by a query afterwards
	}
	const (
		unknown, approved = payment.OutcomeUnknown, payment.OutcomeApproved
	)
	for _, tc := range []struct {
		name  string
		fault gateway.Fault
		want  want
	}{
		{"processed, then dropped", gateway.Fault{Effect: gateway.EffectProcessThenDrop}, want{unknown, []payment.Outcome{approved}}},
		{"reset before processing", gateway.Fault{Effect: gateway.EffectReset}, want{unknown, nil}},
		{"broken answer", gateway.Fault{Effect: gateway.EffectBrokenJSON}, want{unknown, []payment.Outcome{approved}}},
		{"wrong reference", gateway.Fault{Effect: gateway.EffectWrongReference}, want{unknown, []payment.Outcome{approved}}},
		{"extra element", gateway.Fault{Effect: gateway.EffectExtraElement}, want{unknown, []payment.Outcome{approved}}},
		{"wrong amount", gateway.Fault{Effect: gateway.EffectWrongAmount, Type: "AUTH"}, want{unknown, []payment.Outcome{approved}}},
		{"responses", gateway.Fault{Effect: gateway.EffectResponsesKey}, want{approved, []payment.Outcome{approved}}},
		{"bank error", gateway.Fault{Effect: gateway.EffectBankErrorStays}, want{unknown, []payment.Outcome{unknown}}},
		{"lost in an error", gateway.Fault{Effect: gateway.EffectLostError}, want{unknown, []payment.Outcome{approved}}},
		{"500", gateway.Fault{Effect: gateway.EffectServerError}, want{unknown, nil}},
		{"401", gateway.Fault{Effect: gateway.EffectUnauthorized}, want{payment.OutcomeRejected, nil}},
		{"down", gateway.Fault{Effect: gateway.EffectDown}, want{payment.OutcomeNotSent, nil}},
		{"soft decline", gateway.Fault{Effect: gateway.EffectCode, Code: "71000"}, want{payment.OutcomeDeclined, []payment.Outcome{payment.OutcomeDeclined}}},
		{"repeat too great", gateway.Fault{Effect: gateway.EffectCode, Code: "20009", Unrecorded: true}, want{payment.OutcomeRejected, nil}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			tc.fault.Times = 1
			s.fault(t, tc.fault)
			r := s.request(payment.SettleRecorded)
			got, err := s.Charge(t.Context(), r)
			require.NoError(t, err)
			require.Equal(t, tc.want.outcome, got.Outcome, got.Reason)
			var found []payment.Outcome
			for _, transaction := range s.found(t, r) {
				found = append(found, transaction.Outcome)
			}
			require.Equal(t, tc.want.found, found)
		})
	}
}

func TestSimulator_AnswersTooLate(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.fault(t, gateway.Fault{Effect: gateway.EffectProcessThenDelay, Delay: gateway.Duration(time.Minute), Times: 1})
	r := s.request(payment.SettleRecorded)
	r.AnswerWithin = 100 * time.Millisecond
	got, err := s.Charge(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, payment.OutcomeUnknown, got.Outcome)
	require.Len(t, s.found(t, r), 1)
}

// The gateway was down and is back: what was not sent left no trace.
func TestSimulator_Down(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	require.NoError(t, s.sim.SetSwitches(t.Context(), gateway.Switches{Down: true}))
	r := s.request(payment.SettleRecorded)
	got, err := s.Charge(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, payment.OutcomeNotSent, got.Outcome)
	require.Equal(t, payment.FaultGateway, got.Fault)
	require.NoError(t, s.sim.SetSwitches(t.Context(), gateway.Switches{}))
	require.Empty(t, s.found(t, r))
}

func TestSimulator_HeldByTheGateway(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.fault(t, gateway.Fault{Effect: gateway.EffectHeld, Times: 1})
	r := s.request(payment.SettleAtOnce)
	got, err := s.Charge(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, payment.OutcomeHeld, got.Outcome)
	require.Equal(t, payment.OutcomeHeld, s.found(t, r)[0].Outcome)
}

func TestSimulator_ReleasedAndSettled(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	r := s.request(payment.SettleRecorded)
	got, err := s.Charge(t.Context(), r)
	require.NoError(t, err)
	adjusted, err := s.Adjust(t.Context(), payment.AdjustRequest{Access: s.access, Adjustments: []payment.Adjustment{
		{ID: got.Transaction.ID, Action: payment.ActionRelease},
	}})
	require.NoError(t, err)
	require.True(t, adjusted.Adjusted[0].Accepted)
	require.Equal(t, payment.StatusDue, s.found(t, r)[0].Status)
	_, err = s.sim.Tick(48 * time.Hour)
	require.NoError(t, err)
	require.Equal(t, payment.StatusSettled, s.found(t, r)[0].Status)
	adjusted, err = s.Adjust(t.Context(), payment.AdjustRequest{Access: s.access, Adjustments: []payment.Adjustment{
		{ID: got.Transaction.ID, Action: payment.ActionCancel},
	}})
	require.NoError(t, err)
	require.Equal(t, payment.Adjusted{ID: got.Transaction.ID, Code: "60017", Message: "Transaction not updatable"}, adjusted.Adjusted[0])
}

func TestSimulator_Recurring(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.access.Settings["accounttype"] = "RECUR"
	got, err := s.Charge(t.Context(), s.request(payment.SettleRecorded))
	require.NoError(t, err)
	require.Equal(t, payment.OutcomeApproved, got.Outcome)

	site, _ := s.sim.Site(gateway.DefaultSite)
	site.Accounts = []string{"ECOM", "MOTO"}
	require.NoError(t, s.sim.SetSite(site))
	got, err = s.Charge(t.Context(), s.request(payment.SettleRecorded))
	require.NoError(t, err)
	require.Equal(t, []string{"40000", string(payment.OutcomeRejected), string(payment.FaultSite)}, []string{got.Code, string(got.Outcome), string(got.Fault)})
}

func TestSimulator_Preflight(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	check := func(stored payment.TransactionID) payment.PreflightReport {
		t.Helper()
		report, err := s.Preflight(context.Background(), payment.PreflightRequest{Access: s.access, Stored: stored})
		require.NoError(t, err)
		return report
	}
	require.True(t, check("").Passed())
	good := check(s.stored)
	require.True(t, good.Passed(), "%+v", good.Findings)
	require.Equal(t, "411111######1111", good.Card)
	require.Equal(t, "GBP", good.Currency)
	require.True(t, check(s.enter(t, gateway.Entered{Card: "5100000000000511", Type: "ACCOUNTCHECK"})).Passed())
	require.False(t, check(s.enter(t, gateway.Entered{Card: "4000000000000812"})).Passed(), "declined")
	require.False(t, check(s.enter(t, gateway.Entered{Card: "4111111111111111", Expiry: "01/2020"})).Passed(), "expired")
	require.False(t, check("1-2-3456789").Passed(), "not there")

	before := len(s.sim.Ledger())
	user, _ := s.sim.User(gateway.DefaultUser)
	user.NoGatewayRight = true
	require.NoError(t, s.sim.SetUser(user))
	require.Equal(t, "21041", check(s.stored).Findings[0].Code)
	user.NoGatewayRight, user.Addresses = false, []string{"192.0.2.1"}
	require.NoError(t, s.sim.SetUser(user))
	require.Equal(t, "401", check(s.stored).Findings[0].Code)
	require.Len(t, s.sim.Ledger(), before, "a preflight makes no transaction")
}

func BenchmarkCharge(b *testing.B) {
	sim, err := gateway.New(gateway.Config{Seed: 1})
	require.NoError(b, err)
	dir := b.TempDir()
	server, err := sim.Start(b.Context(), gateway.Listen{Dir: dir})
	require.NoError(b, err)
	b.Cleanup(func() { _ = server.Close() })
	plugin, err := trustpayments.New(trustpayments.Config{Webservices: webservices.Config{URLEU: server.JSONURL(), CAFile: filepath.Join(dir, "ca.pem")}})
	require.NoError(b, err)
	b.Cleanup(plugin.Close)
	entry, err := sim.Enter(gateway.Entered{Site: gateway.DefaultSite, Card: "4111111111111111", Amount: 1, Currency: "GBP"})
	require.NoError(b, err)
	access := payment.Access{Company: "c1", Endpoint: "EU", Site: gateway.DefaultSite, Settings: payment.Settings{
		"sitereference": gateway.DefaultSite, "username": gateway.DefaultUser, "password": gateway.DefaultPassword,
		"format": trustpayments.TestFormat,
	}}
	b.ReportAllocs()
	for b.Loop() {
		got, err := plugin.Charge(b.Context(), payment.ChargeRequest{
			Access: access, Reference: paymenttest.NewReference(), Amount: payment.Amount{Minor: 1050, Currency: "GBP"},
			Stored: payment.TransactionID(entry.TransactionReference), Settle: payment.SettleRecorded, Mode: payment.ModeTest,
			SendBefore: time.Now().Add(time.Minute),
		})
		require.NoError(b, err)
		require.Equal(b, payment.OutcomeApproved, got.Outcome)
	}
}
