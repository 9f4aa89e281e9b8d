package gateway_test

import (
	"context"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/gateway/notify"
)

// told is a real HTTPS server that notifications come to.
type told struct {
	server *httptest.Server
	ca     string
	mu     sync.Mutex
	got    []map[string]string
	status int
}

func listen(t testing.TB) *told {
	t.Helper()
	l := &told{status: http.StatusOK}
	l.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, err := io.ReadAll(r.Body)
		var fields map[string]string
		if err == nil {
			fields, err = notify.Parse(string(content))
		}
		if err != nil {
			fields = map[string]string{"error": err.Error()}
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.got = append(l.got, fields)
		w.WriteHeader(l.status)
	}))
	l.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	l.server.StartTLS()
	t.Cleanup(l.server.Close)
	l.ca = filepath.Join(t.TempDir(), "receiver.pem")
	content := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: l.server.Certificate().Raw})
	require.NoError(t, os.WriteFile(l.ca, content, 0o600))
	return l
}

func (l *told) rule(change ...func(*notify.Rule)) func(*gateway.Config) {
	r := notify.Rule{Site: gateway.DefaultSite, URL: l.server.URL, CAFile: l.ca, Password: "s3cret"}
	for _, c := range change {
		c(&r)
	}
	return func(cfg *gateway.Config) { cfg.NotificationRules = append(cfg.NotificationRules, r) }
}

func on(kind string) func(*notify.Rule) { return func(r *notify.Rule) { r.On = []string{kind} } }

func inMode(m notify.Mode) func(*notify.Rule) { return func(r *notify.Rule) { r.Mode = m } }

func (l *told) answer(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status = status
}

func (l *told) all() []map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]map[string]string(nil), l.got...)
}

// about lists the settle statuses that were told of a transaction.
func (l *told) about(ref string) (statuses []string) {
	for _, fields := range l.all() {
		if fields["transactionreference"] == ref {
			statuses = append(statuses, fields["settlestatus"])
		}
	}
	return statuses
}

// idle waits until everything due was sent.
func (b *bench) idle() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	require.NoError(b.t, b.g.AwaitNotifications(ctx))
}

func TestNotificationOfAnAuth(t *testing.T) {
	t.Parallel()
	l := listen(t)
	b := setup(t, l.rule(inMode(notify.Online))).serve()
	ref := b.charge(fields{"orderreference": "K7"})
	b.idle() // the stored card was entered in the Virtual Terminal, where nobody waits
	require.Len(t, l.all(), 2)
	var got map[string]string
	for _, one := range l.all() {
		require.NoError(t, notify.Verify(one, "s3cret"))
		if one["transactionreference"] == ref {
			got = one
		}
	}
	e := b.entry(ref)
	require.Equal(t, map[string]string{
		"requesttypedescription": "AUTH", "errorcode": "0", "settlestatus": "0", "transactionreference": ref, "orderreference": "K7",
		"parenttransactionreference": e.Parent, "baseamount": "1050", "currencyiso3a": "GBP", "sitereference": gateway.DefaultSite,
		"paymenttypedescription": "VISA", "maskedpan": "411111######1111", "livestatus": "0", "accounttypedescription": "ECOM",
		"acquirerresponsecode": "00", "issuer": "SecureTrading Test Issuer1", "transactionstartedtimestamp": "2026-03-04 10:00:00",
		"securityresponseaddress": "0", "securityresponsepostcode": "0", "securityresponsesecuritycode": "0",
		"authcode": got["authcode"], "notificationreference": got["notificationreference"], "responsesitesecurity": got["responsesitesecurity"],
	}, got)
	require.Regexp(t, `^TEST\d\d$`, got["authcode"])
	require.Regexp(t, `^55-A\d+$`, got["notificationreference"])
}

// What callers of online rules wait for has been answered when they are.
func TestOnlineNotificationComesBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	l := listen(t)
	b := setup(t, l.rule(inMode(notify.Online))).serve()
	parent := b.mint()
	for range 10 {
		ref := b.ask1(auth(parent))["transactionreference"].(string)
		require.Equal(t, []string{"0"}, l.about(ref))
		require.Equal(t, "0", b.ask1(update(ref, "2"))["errorcode"])
		require.Equal(t, []string{"0", "2"}, l.about(ref))
	}
}

func TestDeclinesAreToldOf(t *testing.T) {
	t.Parallel()
	l := listen(t)
	b := setup(t, l.rule()).serve()
	ref := b.ask1(auth(b.mint()).with(fields{"baseamount": "70000"}))["transactionreference"].(string)
	b.idle()
	require.Equal(t, []string{"3"}, l.about(ref))
}

func TestSettlementIsToldOf(t *testing.T) {
	t.Parallel()
	l := listen(t)
	b := setup(t, l.rule(on(notify.Settlement))).serve()
	parent := b.mint()
	paid := b.ask1(auth(parent))["transactionreference"].(string)
	held := b.ask1(auth(parent).with(fields{"settlestatus": "2"}))["transactionreference"].(string)
	cancelled := b.ask1(auth(parent))["transactionreference"].(string)
	b.ask1(update(cancelled, "3"))
	b.idle()
	require.Empty(t, l.about(paid))
	b.tick(24 * time.Hour)
	b.idle()
	require.Equal(t, []string{"10"}, l.about(paid))
	b.tick(8 * 24 * time.Hour)
	b.idle()
	require.Equal(t, []string{"10", "100"}, l.about(paid))
	require.Equal(t, []string{"3"}, l.about(held), "lapsed")
	require.Equal(t, []string{"3"}, l.about(cancelled))
	for _, one := range l.all() {
		require.Len(t, one, 5, "status, site, reference, and the two that are always there: %v", one)
		require.NoError(t, notify.Verify(one, "s3cret"))
	}
	for _, n := range b.g.Notifications(paid) {
		require.Equal(t, notify.Sent, n.State)
	}
	require.Equal(t, begin.Truncate(24*time.Hour).Add(24*time.Hour), b.g.Notifications(paid)[0].Created, "made at the batch")
}

// A midnight that passes by itself is noticed without any call.
func TestSettlementIsToldOfUnasked(t *testing.T) {
	t.Parallel()
	l := listen(t)
	b := setup(t, l.rule(on(notify.Settlement))).serve()
	ref := b.mint()
	b.clock.move(24 * time.Hour)
	require.Eventually(t, func() bool { return len(l.about(ref)) == 1 }, time.Minute, 10*time.Millisecond)
}

func TestBankTransfersAreToldOf(t *testing.T) {
	t.Parallel()
	l := listen(t)
	b := setup(t, l.rule()).serve()
	agreed := b.transfer(nil)
	declined := b.transfer(nil)
	regretted := b.transfer(nil)
	for ref, decisions := range map[string][]gateway.BankDecision{
		agreed: {gateway.BankAgree}, declined: {gateway.BankDecline}, regretted: {gateway.BankDecline, gateway.BankAgree},
	} {
		for _, decision := range decisions {
			b.decide(ref, decision)
		}
	}
	b.idle()
	b.tick(48 * time.Hour)
	b.idle()
	require.Equal(t, []string{"10", "100"}, l.about(agreed))
	require.Equal(t, []string{"10", "3"}, l.about(declined))
	require.Equal(t, []string{"10", "3", "100"}, l.about(regretted))
}

// While a bank error is in doubt, a notification tells no more than a query.
func TestDoubtIsNotGivenAway(t *testing.T) {
	t.Parallel()
	l := listen(t)
	b := setup(t, l.rule(func(r *notify.Rule) {
		r.Fields = []string{"errorcode", "settlestatus", "authcode", "transactionreference"}
	})).serve()
	parent := b.mint()
	_, err := b.g.AddFaults(gateway.Fault{Effect: gateway.EffectBankErrorThenPaid, Delay: gateway.Duration(30 * time.Hour)})
	require.NoError(t, err)
	ref := b.ask1(auth(parent))["transactionreference"].(string)
	b.idle()
	b.tick(24 * time.Hour)
	b.idle()
	require.Equal(t, []string{"3"}, l.about(ref), "10 is not told of")
	for _, one := range l.all() {
		if one["transactionreference"] == ref {
			require.Equal(t, "60010", one["errorcode"])
			require.NotContains(t, one, "authcode")
		}
	}
	b.tick(24 * time.Hour)
	b.idle()
	require.Equal(t, []string{"3", "100"}, l.about(ref))
}

// Rules and what is queued outlive a kill; what was taken is not sent again.
func TestJournalKeepsNotifications(t *testing.T) {
	t.Parallel()
	l := listen(t)
	path := filepath.Join(t.TempDir(), "journal")
	journal := func(cfg *gateway.Config) { cfg.Journal = path }
	b := setup(t, journal).serve()
	rules, err := b.g.AddNotificationRules(
		notify.Rule{Site: gateway.DefaultSite, URL: l.server.URL, CAFile: l.ca, Password: "s3cret"},
		notify.Rule{Site: gateway.DefaultSite, URL: l.server.URL + "/gone", CAFile: l.ca})
	require.NoError(t, err)
	require.NoError(t, b.g.DeleteNotificationRule(rules[1].ID))
	taken := b.mint()
	b.idle()
	l.answer(http.StatusServiceUnavailable)
	waiting := b.mint()
	b.idle()
	require.Equal(t, []string{"0"}, l.about(waiting))
	before := b.g.Notifications(waiting)[0]
	require.Equal(t, notify.Queued, before.State)
	require.Equal(t, 1, before.Tried)
	l.answer(http.StatusOK)
	// As after a kill: nothing is closed before the next one reads.
	again := setup(t, journal)
	require.Equal(t, rules[:1], again.g.NotificationRules())
	require.Equal(t, []notify.Notification{before}, again.g.Notifications(""))
	again.serve()
	again.tick(time.Minute)
	again.idle()
	require.Equal(t, []string{"0", "0"}, l.about(waiting))
	require.Equal(t, []string{"0"}, l.about(taken))
	require.NoError(t, again.g.Reset(t.Context()))
	last := setup(t, journal)
	require.Empty(t, last.g.NotificationRules())
	require.Empty(t, last.g.Notifications(""))
}
