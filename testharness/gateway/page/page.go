package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/chargehand/chargehand/shared/currency"
	"github.com/chargehand/chargehand/shared/payment"
)

//go:embed style.css keys.js icon.svg
var assets embed.FS

// Assets serves style.css, keys.js and icon.svg at the last part of any path.
func Assets() http.Handler {
	files := http.FileServerFS(assets)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/'):]
		at := *r
		at.URL = &url.URL{Path: name}
		files.ServeHTTP(w, &at)
	})
}

// Parse reads templates. Beside the functions given, which may be nil, they have
// money (minor units, currency), time and day.
func Parse(files fs.FS, funcs template.FuncMap, patterns ...string) *template.Template {
	return template.Must(template.New("").Funcs(funcs).Funcs(template.FuncMap{
		"money": func(minor int64, code string) string {
			if code == "" {
				return "" // there is none
			}
			return currency.Format(payment.Amount{Minor: minor, Currency: code})
		},
		"time": func(at time.Time) string { return at.UTC().Format(time.DateTime) },
		"day":  func(at time.Time) string { return at.UTC().Format(time.DateOnly) },
	}).ParseFS(files, patterns...))
}

// Write answers a page whole, or 500. Its forms may post to itself, and be sent
// on from there to the origins of the addresses in leadTo.
func Write(w http.ResponseWriter, status int, pages *template.Template, name string, data any, leadTo ...string) {
	var body bytes.Buffer
	if err := pages.ExecuteTemplate(&body, name, data); err != nil {
		http.Error(w, fmt.Sprintf("The page could not be made: %v", err), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; "+
		"frame-ancestors 'none'; form-action 'self'"+sources(leadTo))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a reader that has left can't be told
}

var plainHost = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]+)?$`)

// sources are the origins of addresses as a policy writes them. A host that it
// can't write lets its whole scheme in.
func sources(addresses []string) string {
	var out strings.Builder
	for _, address := range addresses {
		u, err := url.Parse(address)
		switch {
		case err != nil || u.Scheme != "https" && u.Scheme != "http":
		case plainHost.MatchString(u.Host):
			out.WriteString(" " + u.Scheme + "://" + u.Host)
		default:
			out.WriteString(" " + u.Scheme + ":")
		}
	}
	return out.String()
}
