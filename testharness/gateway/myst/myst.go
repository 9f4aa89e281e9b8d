package myst

import (
	"embed"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/gateway/page"
)

//go:embed pages
var files embed.FS

var pages = page.Parse(files, funcs, "pages/*.html")

var funcs = template.FuncMap{"status": statusName, "join": strings.Join, "fault": faultText, "moves": movesMoney}

// maxForm bounds what is posted: a script of faults is the longest.
const maxForm = 1 << 20

// portal serves the pages of one gateway.
type portal struct{ g *gateway.Gateway }

// New serves a gateway's portal at /myst/.
func New(g *gateway.Gateway) http.Handler {
	p := &portal{g: g}
	mux := http.NewServeMux()
	for _, name := range []string{"style.css", "keys.js", "icon.svg"} {
		mux.Handle("GET /myst/"+name, page.Assets())
	}
	mux.HandleFunc("GET /myst/{$}", p.list)
	mux.HandleFunc("GET /myst/transactions/{ref}", p.details)
	mux.HandleFunc("POST /myst/transactions/{ref}", p.act)
	mux.HandleFunc("GET /myst/terminal", p.terminal)
	mux.HandleFunc("POST /myst/terminal", p.enter)
	mux.HandleFunc("GET /myst/users", p.users)
	mux.HandleFunc("GET /myst/user", p.user)
	mux.HandleFunc("POST /myst/user", p.saveUser)
	mux.HandleFunc("GET /myst/sites", p.sites)
	mux.HandleFunc("GET /myst/site", p.site)
	mux.HandleFunc("POST /myst/site", p.saveSite)
	mux.HandleFunc("POST /myst/switches", p.saveSwitches)
	mux.HandleFunc("GET /myst/rules", p.rules)
	mux.HandleFunc("POST /myst/rules", p.addRule)
	mux.HandleFunc("POST /myst/rules/delete", p.deleteRule)
	mux.HandleFunc("GET /myst/notifications", p.notifications)
	mux.HandleFunc("POST /myst/notifications", p.resend)
	mux.HandleFunc("GET /myst/clock", p.clock)
	mux.HandleFunc("POST /myst/clock", p.tick)
	mux.HandleFunc("GET /myst/faults", p.faults)
	mux.HandleFunc("POST /myst/faults", p.addFaults)
	mux.HandleFunc("POST /myst/faults/delete", p.deleteFault)
	mux.HandleFunc("/", p.nothing)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		mux.ServeHTTP(w, r)
	})
}

// frame is what is around every page.
type frame struct {
	Title, Tab string
	Now        time.Time
	// Said is what was done, Wrong why it was not.
	Said, Wrong string
}

// said are the things that a redirect can say was done: the address of a page
// must not put words into it.
var said = map[string]string{
	"suspended": "Suspended. It settles once it is released.",
	"released":  "Released. It settles with the next batch.",
	"cancelled": "Cancelled. It will not settle.",
	"refunded":  "Refunded, by the transaction below.",
	"agreed":    "The customer has agreed. The money moves with the next batch.",
	"declined":  "The customer has declined.",
	"user":      "The user is saved.",
	"site":      "The site is saved.",
	"switches":  "The switches are set.",
	"rule":      "The rule is added.",
	"unruled":   "The rule is deleted. What it queued is still sent.",
	"resent":    "Sent once more, as the notification on top.",
	"added":     "Added to the faults.",
	"deleted":   "Deleted.",
	"cleared":   "All faults are deleted.",
}

func (p *portal) frame(r *http.Request, tab, title string) frame {
	return frame{Title: title, Tab: tab, Now: p.g.Now(), Said: said[r.URL.Query().Get("done")]}
}

// show answers a page.
func show(w http.ResponseWriter, name string, data any) {
	page.Write(w, http.StatusOK, pages, name, data)
}

// refuse answers a page with what is wrong with the form on it.
func refuse(w http.ResponseWriter, name string, data any) {
	page.Write(w, http.StatusUnprocessableEntity, pages, name, data)
}

// gone is a page about something that is not there.
func (p *portal) gone(w http.ResponseWriter, r *http.Request, what string) {
	f := p.frame(r, "", "Not found")
	f.Wrong = what
	page.Write(w, http.StatusNotFound, pages, "gone", f)
}

func (p *portal) nothing(w http.ResponseWriter, r *http.Request) {
	p.gone(w, r, "There is no such page.")
}

// leave goes on to another page after something was done.
func leave(w http.ResponseWriter, r *http.Request, to string) {
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // to begins with a path of these pages
}
