package myst_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// browserLimit bounds everything that is waited for, on however busy a machine.
const browserLimit = time.Minute

// chromium is the one browser that all tests of this package share, each in a
// tab of its own: the pages keep nothing in it. It is started by the first that
// needs it.
var chromium struct {
	once sync.Once
	err  error
	// tab opens a tab, quit closes the browser and waits until it is gone.
	tab  func() (context.Context, context.CancelFunc)
	quit func() error
}

func TestMain(m *testing.M) {
	chromium.quit = func() error { return nil }
	code := m.Run()
	if err := errors.Join(chromium.quit(), goleak.Find()); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func startChromium() {
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.IgnoreCertErrors, chromedp.DisableGPU, chromedp.Flag("process-per-site", true), chromedp.WindowSize(1280, 1000))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(allocator)
	if chromium.err = chromedp.Do(ctx); chromium.err != nil {
		cancel()
		stop()
		return
	}
	chromium.tab = func() (context.Context, context.CancelFunc) {
		return chromedp.NewContext(ctx)
	}
	chromium.quit = func() error {
		limited, done := context.WithTimeout(ctx, browserLimit)
		defer done()
		err := chromedp.Cancel(limited)
		cancel()
		stop()
		return err
	}
}

func hasChromium() bool {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome", "headless-shell"} {
		if _, err := exec.LookPath(name); err == nil {
			return true
		}
	}
	return false
}

// tab is a page in the browser.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// browse opens a tab.
func browse(t *testing.T) *tab {
	t.Helper()
	if !hasChromium() {
		if os.Getenv("CI") == "true" || os.Getenv("CHARGEHAND_REQUIRE_BROWSER") == "1" {
			require.Fail(t, "Chromium is not installed, and this run insists on it")
		}
		t.Skip("NOT TESTED: pages in a browser, as Chromium is not installed (Debian: apt-get install chromium)")
	}
	chromium.once.Do(startChromium)
	require.NoError(t, chromium.err)
	ctx, closeTab := chromium.tab()
	ctx, cancel := context.WithTimeout(ctx, 2*browserLimit)
	t.Cleanup(func() {
		cancel()
		closeTab()
	})
	return &tab{t: t, ctx: ctx}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, actions...))
}

// open goes to an address.
func (b *tab) open(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url))
}

// until waits until something holds on the page that is there then.
func (b *tab) until(js string) {
	b.t.Helper()
	var last error
	holds := func() bool {
		ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("document.readyState === 'complete' && !!("+js+")"))
		last = err // while one page goes and another comes, none answers
		return err == nil && ok
	}
	if !eventually(holds) {
		text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText"))
		require.Fail(b.t, "never true: "+js, "%v %v\n%s", last, err, text)
	}
}

// eventually asks every few milliseconds for as long as browserLimit.
func eventually(holds func() bool) bool {
	limit := time.NewTimer(browserLimit)
	defer limit.Stop()
	again := time.NewTicker(25 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-limit.C:
			return false
		case <-again.C:
		}
	}
	return true
}

// sees waits for a text on the page.
func (b *tab) sees(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		b.until(fmt.Sprintf("document.body.innerText.includes(%q)", text))
	}
}

// at waits until the page is the one at a path.
func (b *tab) at(path string) {
	b.t.Helper()
	b.until(fmt.Sprintf("location.pathname === %q", path))
}

// click clicks the button or link with that text.
func (b *tab) click(text string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.Search(fmt.Sprintf(`//*[self::button or self::a][normalize-space()=%q]`, text)), chromedp.NodeVisible))
}

// fill types into a field, over what is there.
func (b *tab) fill(name, value string) {
	b.t.Helper()
	field := fmt.Sprintf(`document.querySelector('[name=%s]')`, name)
	b.until(fmt.Sprintf(`%[1]s && (%[1]s.focus(), %[1]s.select(), document.activeElement === %[1]s)`, field))
	b.do(chromedp.KeyEvent(value))
	b.until(fmt.Sprintf(`%s.value === %q`, field, value))
}

// choose chooses an entry of a list.
func (b *tab) choose(name, value string) {
	b.t.Helper()
	b.do(chromedp.SetValue(chromedp.CSS(fmt.Sprintf(`select[name=%q]`, name)), value))
}

// text is what stands in an element.
func (b *tab) text(selector string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS(selector), chromedp.NodeVisible))
	require.NoError(b.t, err)
	return strings.Join(strings.Fields(text), " ")
}
