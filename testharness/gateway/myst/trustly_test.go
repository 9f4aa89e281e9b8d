package myst_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// A payment's whole way: AUTH, redirect, a bank, agreed, back at the shop,
// settled by the clock, and all of it seen by staff.
func TestTrustly_AgreedAndSettled(t *testing.T) {
	t.Parallel()
	b, shop := setup(t), shop(t)
	ref, redirect := b.transfer(shop, "K1001-a1")

	p := browse(t)
	p.open(redirect)
	p.sees("Merchant "+gateway.DefaultSite, "10.50 EUR", "K1001-a1", ref, "Åsa Öberg, SE")
	p.click("Second test bank")
	p.sees("your account at Second test bank", "10.50 EUR")
	require.Equal(t, 10, b.entry(ref).SettleStatus)
	require.Empty(t, decision(t, b, ref), "to look is not to decide")
	p.click("Agree and pay")
	p.sees("Thank you")
	p.until("location.href === '" + shop + "/thanks'")
	require.Equal(t, gateway.BankAgree, decision(t, b, ref))
	require.Equal(t, 10, b.entry(ref).SettleStatus, "the way back proves nothing")

	p.open(redirect)
	p.sees("You have agreed to this payment")
	p.until("document.forms.length === 0")

	p.open(b.page("clock"))
	p.click("24 hours")
	p.sees("What became due")
	require.Equal(t, "10 settling → 100 settled 1", p.text("#due"))
	p.click(ref)
	p.at("/myst/transactions/" + ref)
	require.Contains(t, p.text("h1 + p"), "10.50 EUR 100 settled order K1001-a1")
	require.Contains(t, p.text("#history"), "10 settling → 100 settled batch")
	require.Contains(t, p.text("#shown"), "acquirerresponsemessage AUTHORISED")
	require.Equal(t, 100, b.entry(ref).SettleStatus)
}

func decision(t *testing.T, b *bench, ref string) gateway.BankDecision {
	t.Helper()
	s, err := b.g.BankSession(ref)
	require.NoError(t, err)
	return s.Decision
}

// Declined is 3 at once. Money that comes late all the same makes it 100.
func TestTrustly_Declined(t *testing.T) {
	t.Parallel()
	b, shop := setup(t), shop(t)
	ref, redirect := b.transfer(shop, "K1002-a1")
	p := browse(t)
	p.open(redirect + "?bank=first")
	// By keys alone: tab to the second button, and press it.
	p.until("document.querySelector('button.main')")
	p.do(chromedp.KeyEvent(kb.Tab+kb.Tab), chromedp.KeyEvent(kb.Enter))
	p.sees("Try again")
	require.Equal(t, 3, b.entry(ref).SettleStatus)

	p.open(b.page("transactions/" + ref))
	require.Contains(t, p.text("#history"), "10 settling → 3 cancelled bank")
	p.click("Customer agrees")
	p.sees("The customer has agreed.")
	_, err := b.g.Tick(24 * time.Hour)
	require.NoError(t, err)
	p.open(b.page("transactions/" + ref))
	require.Contains(t, p.text("#history"), "3 cancelled → 100 settled batch")
}

// A page of somebody else can't decide for a customer, nor move the clock.
func TestTrustly_NotFromElsewhere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref, redirect := b.transfer("https://shop.example.com", "K1004-a1")
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!doctype html><form method="post" action="`+redirect+`"><button name="decision" value="decline">Win</button></form>
<form method="post" action="`+b.page("clock")+`"><button name="by" value="24h">Win more</button></form>`)
	}))
	t.Cleanup(evil.Close)
	p := browse(t)
	before := b.g.Now()
	for _, button := range []string{"Win", "Win more"} {
		p.open(evil.URL)
		p.click(button)
		p.sees("cross-origin request")
	}
	require.Empty(t, decision(t, b, ref))
	require.WithinDuration(t, before, b.g.Now(), 2*browserLimit)
}

func TestTrustly_WalkedAway(t *testing.T) {
	t.Parallel()
	b, shop := setup(t), shop(t)
	ref, redirect := b.transfer(shop, "K1003-a1")
	p := browse(t)
	p.open(redirect)
	p.click("Walk away")
	p.sees("You have walked away", "still pending")
	require.Equal(t, gateway.BankLeave, decision(t, b, ref))

	p.open(b.page("clock"))
	p.click("7 days")
	p.sees("What became due")
	require.Equal(t, "Nothing.", p.text("#due"))
	require.Equal(t, 10, b.entry(ref).SettleStatus)

	p.open(redirect[:len(redirect)-1] + "-")
	p.sees("There is no such payment")
}
