package gateway

import (
	"slices"
	"strings"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// maxChain bounds the types of one element.
const maxChain = 4

// chains are the types that may follow one another in one element. The later
// one takes what the earlier one booked as its parent.
var chains = map[string][]string{
	typeAccountCheck: {typeAuth, typeSubscription},
	typeAuth:         {typeSubscription, typeRiskDec},
	typeRiskDec:      {typeAuth},
	typeThreeDQuery:  {typeAuth},
	typeOrderDetails: {typeAuth},
}

// types returns the request types of an element, or what refuses them.
func (e *element) types() ([]string, *refusal) {
	none := func() ([]string, *refusal) { return nil, &refusal{code: codeBadType, data: []string{"None"}} }
	list, single := e.Get("requesttypedescriptions"), e.Get("requesttypedescription")
	var types []string
	switch {
	case list.Kind != wire.Absent && single.Kind != wire.Absent:
		return nil, &refusal{code: codeBothTypes, data: []string{"None"}}
	case single.Kind == wire.String:
		types = []string{single.Text}
	case list.Kind != wire.Array || len(list.Items) == 0:
		return none()
	case len(list.Items) > maxChain:
		return nil, &refusal{code: codeInvalidField, data: []string{"requesttypedescriptions"}}
	}
	types = slices.Grow(types, len(list.Items))
	for i := range list.Items {
		if list.Items[i].Kind != wire.String {
			return none()
		}
		types = append(types, list.Items[i].Text)
	}
	for i, kind := range types {
		if handlers[kind] == nil {
			return none()
		}
		if i > 0 && !slices.Contains(chains[types[i-1]], kind) {
			return nil, &refusal{code: codeInvalidField, data: []string{"requesttypedescriptions"}}
		}
		types[i] = strings.Clone(kind) // is kept, and the request must not be with it
	}
	return types, nil
}

// Values of customeroutput: what to do with the customer of a chain.
const (
	outputResult   = "RESULT"
	outputTryAgain = "TRYAGAIN"
	outputRedirect = "THREEDREDIRECT"
)

// markOutput puts customeroutput on the one answer of a chain that matters to
// the customer: what ended the chain early, else the payment itself.
func markOutput(types []string, results []answer) {
	last := len(results) - 1
	main, output := 0, outputResult
	if results[last].failed {
		main, output = last, outputTryAgain
	} else if i := slices.Index(types, typeAuth); i >= 0 && i <= last {
		main = i
	}
	if results[main].output != "" {
		output = results[main].output
	}
	results[main].fields = append(results[main].fields, wire.Text("customeroutput", output))
}
