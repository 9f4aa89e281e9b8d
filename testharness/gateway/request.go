package gateway

import (
	"math/rand/v2"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// request is one request type of one element, on its way to an answer.
type request struct {
	*element
	kind string
	user *user
	fx   *effects
	rng  *rand.Rand
	// origin is the interface that the call came by, as query records tell it.
	origin string
	// parent is the reference of what came before it in its chain of types.
	parent string
	// before is the reference of the last transaction of the element before.
	before string
}

// answer is what a request came to.
type answer struct {
	fields wire.Fields
	// ref names the transaction that was booked, if one was.
	ref string
	// failed ends the chain. output is the customeroutput of what ends one.
	failed bool
	output string
}

// handlers are the request types that are processed. What is special about one
// is in a file of its own, named after it.
var handlers = map[string]func(*Gateway, *request) answer{
	typeAuth:         (*Gateway).pay,
	typeAccountCheck: (*Gateway).pay,
	typeRefund:       (*Gateway).pay,
	typeSubscription: (*Gateway).pay,
	typeStore:        (*Gateway).pay,
	typeThreeDQuery:  (*Gateway).pay,
	typeRiskDec:      (*Gateway).pay,
	typeCurrencyRate: (*Gateway).pay,
	typeOrder:        (*Gateway).pay,
	typeOrderDetails: (*Gateway).pay,
	typeIdentity:     (*Gateway).pay,
	typeCacheToken:   (*Gateway).cacheTokenise,
	typeQuery:        (*Gateway).query,
	typeUpdate:       (*Gateway).update,
}

// process does one element, type by type, and returns an answer for each type
// that was reached. What it changes is in the book before it returns. The
// reference is that of the last transaction, for the element after this one.
func (g *Gateway) process(base *request, fx func(nth int) *effects, flagged bool) (out []wire.Fields, ref string) {
	types, refused := base.types()
	if refused != nil {
		g.stats.request(typeError)
		return []wire.Fields{g.refuse(refused, base.user.Name)}, ""
	}
	results := make([]answer, 0, len(types))
	for i, kind := range types {
		r := *base
		r.kind, r.fx, r.parent = kind, fx(i), ref
		g.stats.request(kind)
		a := handlers[kind](g, &r)
		results = append(results, a)
		if a.ref != "" {
			ref = a.ref
		}
		if a.failed {
			break
		}
	}
	if flagged {
		markOutput(types, results)
	}
	out = make([]wire.Fields, len(results))
	for i := range results {
		out[i] = results[i].fields
	}
	return out, ref
}

// refuse is the answer to a request that came to nothing.
func (g *Gateway) refuse(r *refusal, user string) wire.Fields { return r.fields(g.Now(), user) }

func (g *Gateway) refused(r *request, why *refusal) answer {
	return answer{fields: g.refuse(why, r.user.Name), failed: true}
}

// today is the start of the settlement clock's day.
func (g *Gateway) today() time.Time { return startOfDay(g.Now()) }
