package gateway

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// A token of CACHETOKENISE is good for one payment, soon.
const (
	tokenLife = 15 * time.Minute
	maxTokens = 10_000
)

// token is a card that waits for its one payment. Exported, for the journal.
type token struct {
	ID                           string
	Masked, PaymentType, Country string
	Declines                     bool
	Expiry, Security             string
	Until                        time.Time
	// Spent closes it.
	Spent bool `json:",omitempty"`
}

// cacheTokenise answers CACHETOKENISE.
func (g *Gateway) cacheTokenise(r *request) answer {
	c, expiry, security, bad := readNumber(r.element, g.anyCard.Load())
	if bad == "" && !isCardType(r.text("paymenttypedescription")) {
		bad = "paymenttypedescription"
	}
	if r.text("sitereference") == "" {
		bad = "sitereference"
	}
	if bad != "" {
		return g.refused(r, &refusal{code: codeInvalidField, data: []string{bad}})
	}
	g.mu.Lock()
	at := g.clock()
	code := g.sitesFault(r.user, []string{r.text("sitereference")})
	if code == "" && r.fx.code != "" {
		code = r.fx.code
	}
	id := ""
	if code == "" {
		id = g.keepToken(c, expiry, security, at)
	}
	g.mu.Unlock()
	if code != "" {
		return g.refused(r, &refusal{code: code})
	}
	return answer{fields: wire.Fields{
		wire.Text("requesttypedescription", r.kind),
		wire.Text("errorcode", codeOK),
		wire.Text("errormessage", message(codeOK)),
		wire.Text("transactionstartedtimestamp", at.Format(timestampLayout)),
		wire.Maybe("operatorname", r.user.Name),
		wire.Text("cachetoken", wrapToken(id)),
		wire.Text("maskedpan", c.masked),
		wire.Text("paymenttypedescription", c.paymentType),
	}}
}

// keepToken makes a token for a card. g.mu is held.
func (g *Gateway) keepToken(c card, expiry, security string, at time.Time) string {
	if len(g.tokens) >= maxTokens {
		for id, t := range g.tokens {
			if !at.Before(t.Until) || len(g.tokens) >= maxTokens {
				delete(g.tokens, id)
			}
		}
	}
	t := &token{
		ID: "13-" + randomText(g.rng, 40), Masked: c.masked, PaymentType: c.paymentType, Country: c.country, Declines: c.declines,
		Expiry: expiry, Security: security, Until: at.Add(tokenLife),
	}
	g.tokens[t.ID] = t
	g.kept.write(journalLine{Token: t})
	return t.ID
}

// spend turns the token of a payment into its card, and says whether it was
// good. g.mu is held.
func (g *Gateway) spend(p *payment) bool {
	t := g.tokens[p.token]
	if t == nil || !g.latest.Before(t.Until) {
		return false
	}
	delete(g.tokens, t.ID)
	g.kept.write(journalLine{Token: &token{ID: t.ID, Spent: true}})
	p.hasCard = true
	p.card = card{masked: t.Masked, paymentType: t.PaymentType, country: t.Country, declines: t.Declines}
	p.expiry, p.checks[2] = t.Expiry, t.Security
	return true
}

// tokenWrap is what a cachetoken looks like inside: some clients unwrap it
// before they send it back, others don't. Those that do may take over every
// member, so none stands here that would change where they send it: a null
// datacenterurl takes away the address that they were given.
type tokenWrap struct {
	Token string `json:"cachetoken"`
}

func wrapToken(id string) string {
	b, _ := json.Marshal(tokenWrap{Token: id}) //nolint:errchkjson // texts always encode
	return base64.StdEncoding.EncodeToString(b)
}

// unwrapToken takes both forms.
func unwrapToken(text string) string {
	if raw, err := base64.StdEncoding.DecodeString(text); err == nil {
		var w tokenWrap
		if json.Unmarshal(raw, &w) == nil && w.Token != "" {
			return w.Token
		}
	}
	return strings.Clone(text)
}
