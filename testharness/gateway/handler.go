package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// maxBody bounds the body of a request.
const maxBody = 1 << 20

// Handler serves the service in JSON at /json/ and in XML at /xml/, and the
// pages that a redirecturl leads to.
func (g *Gateway) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/json/{$}", func(w http.ResponseWriter, r *http.Request) { g.serve(w, r, &formatJSON) })
	mux.HandleFunc("/xml/{$}", func(w http.ResponseWriter, r *http.Request) { g.serve(w, r, &formatXML) })
	g.customers(mux, "/trustly/")
	g.customers(mux, "/sofort/")
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { html(w, http.StatusNotFound) })
	return mux
}

func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, f *format) {
	g.life.RLock()
	defer g.life.RUnlock()
	if g.closed {
		g.cut(w, false)
		return
	}
	g.stats.change(func(s *Stats) { s.Calls++; s.InFlight++ })
	defer g.stats.change(func(s *Stats) { s.InFlight-- })
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		html(w, http.StatusMethodNotAllowed)
		return
	}
	body, err := readBody(w, r)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		html(w, http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		return // the caller is gone before the request was complete
	}
	c := newCall(body, f)
	g.record(c)
	c.kept = kept(r)
	c.faults(g)
	g.answer(w, r, c)
}

// call is one HTTP call of the service.
type call struct {
	format   *format
	utf8     bool
	kept     bool  // its connection has served a call before
	err      error // the body can't be read in its format
	elements []element
	each     [][]effects // of every type of every element, if there are faults
	all      effects     // of the call as a whole
	document wire.Value
}

// newCall reads the body. What is wrong with it is told only after the caller
// has shown who it is.
func newCall(body string, f *format) *call {
	c := &call{format: f, utf8: utf8.ValidString(body)}
	if !c.utf8 || body == "" {
		return c
	}
	c.document, c.err = f.read(body)
	items := c.document.Get("request").Items
	c.elements = make([]element, len(items))
	for i := range items {
		c.elements[i] = element{items[i]}
	}
	return c
}

// faults lets the script act on the call.
func (c *call) faults(g *Gateway) {
	if g.script.empty() {
		return
	}
	elements := c.elements
	if len(elements) == 0 || len(elements) > maxElements {
		elements = make([]element, 1) // faults without conditions hit any call
	}
	c.each = make([][]effects, len(elements))
	for i := range elements {
		types, refused := elements[i].types()
		if refused != nil {
			types = []string{""}
		}
		c.each[i] = make([]effects, len(types))
		for j, kind := range types {
			about := elements[i].subject(kind, g.target)
			about.kept = c.kept
			c.each[i][j] = g.script.act(&about)
			c.all.join(&c.each[i][j])
		}
	}
}

// target finds what an update or query names, for faults to match.
func (g *Gateway) target(ref string) (order string, amount int64, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.book.byRef[ref]
	if t == nil {
		return "", 0, false
	}
	return t.order, t.amount, true
}

// effects are those on one type of one element.
func (c *call) effects(element, nth int) *effects {
	if c.each == nil {
		return &c.all
	}
	return &c.each[element][nth]
}

// answer takes a call through its faults and checks.
func (g *Gateway) answer(w http.ResponseWriter, r *http.Request, c *call) {
	rng, switches := g.draw()
	latency := time.Duration(switches.Latency)
	if switches.Spread > 0 {
		latency += time.Duration(rng.Int64N(int64(switches.Spread)))
	}
	fx := &c.all
	switch {
	case fx.closeKept:
		g.cut(w, false)
		return
	case fx.reset:
		g.cut(w, true)
		return
	// A request that has arrived is processed even if its caller has left.
	case !g.pause(latency+fx.before, nil):
		g.cut(w, false)
		return
	case fx.network.unanswered():
		g.deliver(w, nil, &fx.network)
		return
	case fx.unauthorized:
		g.unauthorized(w)
		return
	case g.forgetful():
		html(w, http.StatusInternalServerError)
		return
	case fx.httpStatus != 0 && !fx.httpProcessed:
		html(w, fx.httpStatus)
		return
	}
	u := g.authenticate(r)
	if u == nil {
		g.unauthorized(w)
		return
	}
	if !c.utf8 {
		html(w, http.StatusBadRequest)
		return
	}
	reference, answers := c.reference(r, g.node, rng), g.processAll(u, c, rng)
	g.awaitNotifications(r.Context(), c, answers)
	body := envelope(c.format, reference, answers, fx, rng, switches.Plain)
	switch {
	case fx.drop:
		g.cut(w, false)
		return
	case !g.pause(fx.after, r.Context().Done()):
		g.cut(w, false)
		return
	case fx.httpStatus != 0:
		html(w, fx.httpStatus)
		return
	case fx.broken:
		body = body[:len(body)/2]
	}
	if takesGzip(r) {
		body = compressed(body)
		w.Header()["Content-Encoding"] = []string{"gzip"}
	}
	w.Header()["Vary"] = []string{"Accept-Encoding"}
	w.Header()["Content-Type"] = []string{c.format.contentType}
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	if fx.network.any() {
		g.deliver(w, body, &fx.network)
		return
	}
	_, _ = w.Write(body) // a caller that has left can't be told
}

// processAll does every element in turn; one that fails does not stop others.
func (g *Gateway) processAll(u *user, c *call, rng *rand.Rand) []wire.Fields {
	switch alias := c.document.Get("alias"); {
	case c.err != nil:
		code, data := c.format.unread(c.err)
		return []wire.Fields{g.refuse(&refusal{code: code, data: []string{data}}, u.Name)}
	case len(c.elements) == 0:
		return []wire.Fields{g.refuse(&refusal{code: codeBadType, data: []string{"None"}}, u.Name)}
	case alias.Kind != wire.String || alias.Text != u.Name:
		return []wire.Fields{g.refuse(&refusal{code: codeInvalidField, data: []string{"alias"}}, u.Name)}
	case len(c.elements) > maxElements:
		return []wire.Fields{g.refuse(&refusal{code: codeInvalidField, data: []string{"request"}}, u.Name)}
	}
	flag := c.document.Get("acceptcustomeroutput")
	out := make([]wire.Fields, 0, len(c.elements))
	before := ""
	for i := range c.elements {
		base := &request{element: &c.elements[i], user: u, rng: rng, origin: c.format.origin, before: before}
		flagged := flag.Text != "" || base.text("acceptcustomeroutput") != ""
		fields, ref := g.process(base, func(nth int) *effects { return c.effects(i, nth) }, flagged)
		out = append(out, fields...)
		before = ref
	}
	return out
}

// reference is the requestreference to answer: the header's, a lone element's,
// or one of the gateway's own.
func (c *call) reference(r *http.Request, node string, rng *rand.Rand) string {
	ref := r.Header.Get("Requestreference")
	if ref == "" && len(c.elements) == 1 {
		ref = c.elements[0].text("requestreference")
	}
	if ref == "" || len(ref) > 255 || !utf8.ValidString(ref) {
		ref = "W" + node + "-" + randomText(rng, 8)
	}
	return ref
}

// draw gives a call random numbers of its own, so that it needs no lock for them.
func (g *Gateway) draw() (*rand.Rand, Switches) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return rand.New(rand.NewPCG(g.rng.Uint64(), 0)), g.switches //nolint:gosec // answers of a simulator must be repeatable
}

// authenticate returns the user, or nil if the name, the password or the
// address is wrong. Both comparisons take the same time whatever is wrong.
func (g *Gateway) authenticate(r *http.Request) *user {
	name, password, ok := r.BasicAuth()
	if !ok {
		return nil
	}
	g.mu.Lock()
	u := g.users[name]
	g.mu.Unlock()
	sum := sha256.Sum256([]byte(password))
	if u == nil || subtle.ConstantTimeCompare(sum[:], u.sum[:]) != 1 || u.Locked {
		return nil
	}
	if len(u.nets) == 0 {
		return u
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !u.mayCallFrom(from.Addr()) {
		return nil
	}
	return u
}

func readBody(w http.ResponseWriter, r *http.Request) (string, error) {
	if r.ContentLength > maxBody {
		return "", &http.MaxBytesError{Limit: maxBody}
	}
	if r.ContentLength >= 0 {
		body := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			return "", fmt.Errorf("read request: %w", err)
		}
		return string(body), nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return "", fmt.Errorf("read request: %w", err)
	}
	return string(body), nil
}

func (g *Gateway) unauthorized(w http.ResponseWriter) {
	g.stats.change(func(s *Stats) { s.Unauthorized++ })
	w.Header().Set("WWW-Authenticate", `Basic realm="Webservices"`)
	html(w, http.StatusUnauthorized)
}

// html answers an error page, as the web server in front of the service does.
func html(w http.ResponseWriter, status int) {
	title := strconv.Itoa(status) + " " + http.StatusText(status)
	if status == http.StatusUnauthorized {
		title = "401 Authorization Required"
	}
	w.Header().Set("Content-Type", "text/html; charset=iso-8859-1")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<html><head><title>"+title+"</title></head><body><h1>"+title+"</h1></body></html>\n")
}
