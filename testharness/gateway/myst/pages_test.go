package myst_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// What a new integrator does first: a stored reference by the Virtual Terminal,
// which then is charged.
func TestVirtualTerminal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := browse(t)
	p.open(b.server.AdminURL())
	p.at("/myst/")
	p.sees("Nothing here.")
	p.click("Virtual Terminal")
	p.at("/myst/terminal")
	p.fill("amount", "12.5")
	p.fill("order", "VT1")
	p.choose("settlestatus", "2")
	p.click("Take the payment")
	p.until("document.querySelector('#actions')")
	found, more := b.g.Search(gateway.Search{})
	require.Len(t, found, 1)
	require.False(t, more)
	e := found[0]
	require.Equal(t, []any{int64(1250), "GBP", "VT1", 2, gateway.Staff}, []any{e.Amount, e.Currency, e.OrderReference, e.SettleStatus, e.User})
	p.at("/myst/transactions/" + e.TransactionReference)
	require.Contains(t, p.text("#shown"), "credentialsonfile 1")
	require.Contains(t, p.text("#shown"), "maskedpan 411111######1111")

	p.click("Release")
	p.sees("Released.")
	p.click("Suspend")
	p.sees("Suspended.")
	p.click("Cancel")
	p.sees("Cancelled.")
	require.Equal(t, 3, b.entry(e.TransactionReference).SettleStatus)
	p.until("!document.querySelector('#actions')")
	child := b.charge(e.TransactionReference, "K1-a1")
	p.open(b.page("transactions/" + e.TransactionReference))
	require.Contains(t, p.text("#family"), child)

	// What is wrong is said, and the form stays.
	p.open(b.page("terminal"))
	p.fill("other", "4012888888881881")
	p.fill("order", "VT2")
	p.click("Take the payment")
	p.sees("only test cards are taken")
	p.until(`document.querySelector('[name=order]').value === 'VT2' && !document.body.outerHTML.includes('4012888888881881')`)
}

// From the search to the details without a mouse.
func TestTransactions_FilteredByKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	card := b.card()
	for range 60 {
		b.charge(card, "many")
	}
	one := b.charge(card, "K1001-a1")
	p := browse(t)
	p.open(b.page(""))
	p.until("document.querySelectorAll('#found tbody tr').length === 50")
	p.do(chromedp.KeyEvent("/"))
	p.until("document.activeElement.name === 'q'")
	p.fill("q", "K1001*")
	p.do(chromedp.KeyEvent(kb.Enter))
	p.until("location.search.includes('q=K1001') && document.querySelectorAll('#found tbody tr').length === 1")
	p.do(chromedp.KeyEvent(kb.ArrowDown))
	p.until("document.activeElement.className === 'row'")
	p.do(chromedp.KeyEvent(kb.Enter))
	p.at("/myst/transactions/" + one)
	require.Contains(t, p.text("#family"), card)

	p.open(b.page("?q=many"))
	p.click("Older")
	p.until("document.querySelectorAll('#found tbody tr').length === 10")
	p.click("Newest")
	p.until("document.querySelectorAll('#found tbody tr').length === 50")
	p.choose("type", "ACCOUNTCHECK")
	p.click("Filter")
	p.sees("Nothing here.")
}

func TestUsers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	card := b.card()
	p := browse(t)
	p.open(b.page("users"))
	p.click(gateway.DefaultUser)
	p.at("/myst/user")
	p.until("document.querySelector('[name=password]').value === '' && !document.documentElement.outerHTML.includes('Password1')")
	p.fill("password", "Another1^")
	p.click("Save")
	p.sees("The user is saved.")
	status, _ := b.call(auth(card, "K1"))
	require.Equal(t, http.StatusUnauthorized, status)
	b.password = "Another1^"
	b.charge(card, "K2")

	// An address that is not ours: nobody gets in. What is left out stays.
	p.click(gateway.DefaultUser)
	p.at("/myst/user")
	p.fill("addresses", "10.0.0.0/8; 192.0.2.1")
	p.click("Save")
	p.sees("The user is saved.", "10.0.0.0/8, 192.0.2.1")
	status, _ = b.call(auth(card, "K3"))
	require.Equal(t, http.StatusUnauthorized, status)

	p.open(b.page("user"))
	p.fill("name", "second@example.com")
	p.fill("password", "Second1^")
	p.fill("addresses", "here")
	p.click("Save")
	p.sees(`"here" is neither an address`)
	p.fill("addresses", "127.0.0.1")
	p.fill("password", "Second1^")
	p.do(chromedp.Click(chromedp.CSS(`[name=sites]`)), chromedp.Click(chromedp.CSS(`[name=locked]`)))
	p.click("Save")
	p.at("/myst/users")
	p.sees("locked")
	u, known := b.g.User("second@example.com")
	require.True(t, known)
	require.Equal(t, gateway.User{
		Name: "second@example.com", Password: "Second1^", Addresses: []string{"127.0.0.1"}, Sites: []string{gateway.DefaultSite}, Locked: true,
	}, u)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	b := setup(t)
	card := b.card()
	p := browse(t)
	p.open(b.page("faults"))
	p.sees("Nothing goes wrong.")
	p.fill("script", `{"effect":"held"`)
	p.click("Add")
	p.until("document.querySelector('#wrong') && document.querySelector('#script').value.includes('held')")
	p.fill("script", `[{effect: held, type: AUTH, times: 1}, {effect: query_empty}]`)
	p.click("Add")
	p.sees("Added to the faults.")
	ref := b.charge(card, "K1")
	require.Equal(t, 2, b.entry(ref).SettleStatus)
	require.Equal(t, 0, b.entry(b.charge(card, "K2")).SettleStatus)
	p.open(b.page("faults"))
	p.sees(`"effect":"held"`)
	require.Regexp(t, `^f1 \{.*\} 2 1 Delete$`, p.text("#faults tbody tr"))
	p.do(chromedp.Click(chromedp.CSS(`[aria-label="Delete f1"]`)))
	p.until("location.search === '?done=deleted' && document.querySelectorAll('#faults tbody tr').length === 1")
	p.choose("story", "answer-lost")
	p.click("Add the story")
	p.sees(`"effect":"process_then_drop"`)
	p.click("Delete all")
	p.sees("Nothing goes wrong.")
	require.Empty(t, b.g.Faults())
}

func TestClock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	card := b.card()
	ref := b.charge(card, "K1")
	p := browse(t)
	p.open(b.page("clock"))
	before := b.g.Now()
	p.fill("duration", "soon")
	p.click("Tick")
	p.sees("write how far as 90m, 24h or 168h")
	p.fill("duration", "48h")
	p.click("Tick")
	p.sees("What became due")
	require.Equal(t, "0 pending → 10 settling 2 10 settling → 100 settled 2", p.text("#due"))
	require.Contains(t, p.text("#moves"), ref)
	require.Equal(t, "100 settled 2", p.text("#standing"))
	require.Equal(t, 100, b.entry(ref).SettleStatus)
	require.WithinDuration(t, before.Add(48*time.Hour), b.g.Now(), 2*browserLimit)
}

func TestRules(t *testing.T) {
	t.Parallel()
	b := setup(t)
	card := b.card()
	got := make(chan string, 10)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- string(body)
	}))
	t.Cleanup(s.Close)
	arrived := func() string {
		select {
		case body := <-got:
			return body
		case <-time.After(browserLimit):
			require.Fail(t, "no notification came")
			return ""
		}
	}

	p := browse(t)
	p.open(b.page("rules"))
	p.fill("url", "http://shop.example.com/notify")
	p.click("Add the rule")
	p.until("document.querySelector('#wrong')")
	p.fill("url", s.URL+"/notify")
	p.fill("password", "s3cret^word")
	p.do(chromedp.Click(chromedp.CSS(`[name=on][value=authorisation]`)))
	p.click("Add the rule")
	p.sees("The rule is added.", s.URL+"/notify")
	p.until("!document.documentElement.outerHTML.includes('s3cret^word')")
	ref := b.charge(card, "K1001-a1")
	first := arrived()
	require.Contains(t, first, "orderreference=K1001-a1")
	require.Contains(t, first, "responsesitesecurity=")

	require.Eventually(t, func() bool {
		log := b.g.Notifications(ref)
		return len(log) == 1 && log[0].State == "sent"
	}, browserLimit, 10*time.Millisecond)
	p.open(b.page("transactions/" + ref))
	require.Contains(t, p.text("#notifications"), "authorisation "+s.URL+"/notify sent")
	p.open(b.page("notifications"))
	p.click("Resend")
	p.sees("Sent once more")
	require.Equal(t, first, arrived())

	p.open(b.page("rules"))
	p.click("Delete")
	p.sees("No rules")
	require.Empty(t, b.g.NotificationRules())
}

// Whoever runs no scripts can do the same.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := browse(t)
	_, err := chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(t, err)
	p.open(b.page("terminal"))
	p.click("Take the payment")
	p.until("document.querySelector('#actions')")
	p.click("Cancel")
	p.sees("Cancelled.")
	p.click("Clock")
	p.click("24 hours")
	p.sees("What became due")
	p.click("Transactions")
	p.sees("3 cancelled")
}
