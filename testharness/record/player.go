package record

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// target is the simulator that a recording is played to.
type target struct {
	url            string
	client         *http.Client
	user, password func(recorded string) string
	site           func(recorded string) string
	// mint makes a transaction that was there before the recording began; nil if
	// none can be made. The element is what is known of it.
	mint func(ctx context.Context, site string, known *element) (string, error)
	// shift is added to the times in requests.
	shift time.Duration
}

// player sends recorded requests.
type player struct {
	target *target
	names  map[string]string // recorded references and tokens, and what they are here
	// was is what the recording tells of transactions, by recorded reference.
	was map[string]*element
}

// reply is what the simulator answered.
type reply struct {
	status      int
	contentType string
	body        []byte
}

// substitutes holds what a masked request must have in it to be played.
type substitutes struct {
	*player
	ctx      context.Context //nolint:containedctx // Lives as long as one call of play.
	exchange *Exchange
	answer   *envelope
	site     string // that the request is about
	amex     bool
	err      error
}

// play sends one exchange's request. The reference is the one it was sent with.
func (p *player) play(ctx context.Context, e *Exchange, content parsed, answer *envelope) (r reply, sent string, err error) {
	s := &substitutes{player: p, ctx: ctx, exchange: e, answer: answer}
	body := s.body(content)
	if s.err != nil {
		return r, "", s.err
	}
	request, err := http.NewRequestWithContext(ctx, e.Request.Method, p.target.url+e.Request.Path, bytes.NewReader(body))
	if err != nil {
		return r, "", fmt.Errorf("play exchange %d: %w", e.N, err)
	}
	if e.Request.User != "" {
		password := p.target.password(e.Request.User)
		if e.Answer != nil && e.Answer.Status == http.StatusUnauthorized {
			password += "-wrong"
		}
		request.SetBasicAuth(p.target.user(e.Request.User), password)
	}
	for _, name := range []string{"Content-Type", "Accept", "Requestreference"} {
		if text := e.Request.Headers[name]; text != "" {
			request.Header.Set(name, text)
		}
	}
	got, err := p.target.client.Do(request)
	if err != nil {
		return r, "", fmt.Errorf("play exchange %d: is the simulator running? %w", e.N, err)
	}
	defer got.Body.Close()
	r = reply{status: got.StatusCode, contentType: got.Header.Get("Content-Type")}
	if r.body, err = io.ReadAll(io.LimitReader(got.Body, maxAnswer)); err != nil {
		return r, "", fmt.Errorf("play exchange %d: %w", e.N, err)
	}
	sent = e.Request.Headers["Requestreference"]
	if items := content.requests(); sent == "" && len(items) == 1 {
		sent = items[0].text("requestreference")
	}
	return r, sent, nil
}

// body writes the request as it is to be sent.
func (s *substitutes) body(content parsed) []byte {
	for _, e := range content.requests() {
		if site := e.text("sitereference"); site != "" {
			s.site = site
		}
		if card := e.text("pan"); card != "" {
			s.amex = card[0] == '3'
		}
	}
	r := rewriting{name: func(name string) string { return name }, value: s.value}
	switch {
	case content.xml != nil:
		var out bytes.Buffer
		r.rewriteXML(content.xml, spot{}).write(&out)
		return out.Bytes()
	case content.json.Kind != wire.Absent:
		return appendJSON(nil, r.rewrite("", content.json))
	default:
		return []byte(s.exchange.Request.Body.Form)
	}
}

// value puts what the simulator takes in the place of a mask. A member that the
// gateway found wrong stays as it is: its mask is as wrong.
func (s *substitutes) value(name string, v wire.Value) wire.Value {
	if v.Kind != wire.String || v.Text == "" || s.refused(name) {
		return v
	}
	at := s.exchange.At
	switch name {
	case "alias":
		if v.Text == s.exchange.Request.User {
			v.Text = s.target.user(v.Text)
		}
	case "sitereference":
		v.Text = s.target.site(v.Text)
	case "transactionreference", "parenttransactionreference":
		v.Text = s.reference(v.Text)
	case "cachetoken", "md":
		if known := s.names[v.Text]; known != "" {
			v.Text = known
		}
	case "pan":
		if v.Text = truncated[v.Text]; v.Text == "" {
			v.Text = "4111111111111111"
		}
	case "expirydate":
		v.Text = "12/" + strconv.Itoa(at.Year()+4)
	case "expirymonth":
		v.Text = "12"
	case "expiryyear":
		v.Text = strconv.Itoa(at.Year() + 4)
	case "securitycode":
		v.Text = s.checked("securityresponsesecuritycode", map[string]string{"4": "321"}, map[bool]string{false: "123", true: "1234"}[s.amex])
	case "billingpremise":
		v.Text = s.checked("securityresponseaddress", map[string]string{"2": "No 789", "4": "No 123"}, v.Text)
	case "billingpostcode":
		v.Text = s.checked("securityresponsepostcode", map[string]string{"2": "TR45 6ST", "4": "TR12 3ST"}, v.Text)
	case "starttimestamp", "endtimestamp":
		v.Text = s.shifted(timestamp, v.Text)
	case "settleduedate", "subscriptionbegindate":
		v.Text = s.shifted(time.DateOnly, v.Text)
	}
	return v
}

// refused tells whether the gateway named the member in an error.
func (s *substitutes) refused(name string) bool {
	return slices.ContainsFunc(s.answer.elements, func(e element) bool {
		return slices.ContainsFunc(e.members["errordata"], func(v wire.Value) bool { return v.Text == name })
	})
}

// checked is a test value with which the bank's check ends as it was recorded.
func (s *substitutes) checked(result string, values map[string]string, other string) string {
	for _, e := range s.answer.elements {
		if text := values[e.text(result)]; text != "" {
			return text
		}
	}
	return other
}

func (s *substitutes) shifted(layout, text string) string {
	t, err := time.Parse(layout, text)
	if err != nil {
		return text
	}
	return t.Add(s.target.shift).Format(layout)
}

// reference is what a recorded transaction is here. One from before the
// recording is made, unless the gateway did not know it either.
func (s *substitutes) reference(recorded string) string {
	if here := s.names[recorded]; here != "" {
		return here
	}
	unknown := slices.ContainsFunc(s.answer.elements, func(e element) bool {
		return e.text("errorcode") == "20004" || e.text("errorcode") == "60014" || e.text("found") == "0"
	})
	if unknown || s.target.mint == nil || s.err != nil {
		return recorded
	}
	known := s.was[recorded]
	if known == nil {
		known = &element{}
	}
	here, err := s.target.mint(s.ctx, s.target.site(s.site), known)
	if err != nil {
		s.err = fmt.Errorf("exchange %d: make the transaction that it refers to: %w", s.exchange.N, err)
		return recorded
	}
	s.names[recorded] = here
	return here
}

// learn notes which reference here is which in the recording.
func (p *player) learn(recorded, here *envelope) {
	for i := range min(len(recorded.elements), len(here.elements)) {
		for _, name := range []string{"transactionreference", "cachetoken", "md"} {
			if a, b := recorded.elements[i].text(name), here.elements[i].text(name); a != "" && b != "" {
				p.names[a] = b
			}
		}
	}
}

// requests are the request elements of a body.
func (c parsed) requests() []element {
	var out []element
	for _, item := range c.json.Get("request").Items {
		out = append(out, newElement(flatten(item)))
	}
	if c.xml != nil {
		for _, n := range c.xml.below {
			if n.name == "request" {
				out = append(out, newElement(n.request()))
			}
		}
	}
	return out
}

// flatten lifts what lies in a filter up to the request itself.
func flatten(v wire.Value) wire.Value {
	out := wire.Value{Kind: wire.Object}
	var lift func(name string, v wire.Value)
	lift = func(name string, v wire.Value) {
		switch v.Kind {
		case wire.Array:
			for _, item := range v.Items {
				lift(name, item)
			}
		case wire.Object:
			for _, m := range v.Members {
				below := m.Name
				if below == "value" {
					below = name
				}
				lift(below, m.Value)
			}
		default:
			out.Members = append(out.Members, wire.Member{Name: name, Value: v})
		}
	}
	lift("", v)
	return out
}

// request is flatten for XML.
func (n *node) request() wire.Value {
	out := wire.Value{Kind: wire.Object}
	r := rewriting{name: func(name string) string { return name }, value: func(name string, v wire.Value) wire.Value {
		out.Members = append(out.Members, wire.Member{Name: name, Value: v})
		return v
	}}
	r.rewriteXML(n, spot{table: requestMembers})
	return out
}
