package example

import (
	"context"

	"github.com/chargehand/chargehand/shared/payment"
)

// Name is the plugin's name.
const Name = "example"

// Gateway charges through the example gateway.
type Gateway struct {
	url string
}

var _ payment.Gateway = (*Gateway)(nil)

// New makes a gateway. The address comes from the operator, never from a
// company's settings: a company must not be able to bring a gateway that
// approves everything.
func New(url string) *Gateway { return &Gateway{url: url} }

// The names of the settings.
const (
	fieldAccount = "account"
	fieldKey     = "key"
	fieldStored  = "stored"
	fieldSettle  = "settle"
)

// schema is the form that settings are entered in. The host draws it, seals
// the secrets, and sends the values with every call.
var schema = []payment.Field{
	{
		Name: fieldAccount, Label: "Account", Kind: payment.FieldText, Owner: payment.OwnerFulfiller, Required: true, Rule: "max=50,printascii",
		Help: "As the gateway names it. An account whose name begins with test- moves no money.",
	},
	{Name: fieldKey, Label: "Key", Kind: payment.FieldSecret, Owner: payment.OwnerFulfiller, Required: true, Rule: "max=255"},
	{
		Name: fieldStored, Label: "Stored card", Kind: payment.FieldText, Owner: payment.OwnerLink, Required: true, Rule: "max=25,printascii",
		Help: "What the gateway calls the retailer's stored card, such as card-1. Never enter a card number.",
	},
	{
		Name: fieldSettle, Label: "Settle", Kind: payment.FieldChoice, Owner: payment.OwnerFulfiller, Default: string(payment.SettleRecorded),
		Choices: []payment.Choice{
			{Value: string(payment.SettleRecorded), Label: "Once recorded"},
			{Value: string(payment.SettleAtOnce), Label: "At once"},
		},
	},
}

// Describe implements payment.Gateway. The kit adds the version of the build.
func (*Gateway) Describe(context.Context) (payment.Description, error) {
	return payment.Description{
		Name:  Name,
		Title: "Example",
		Capabilities: []string{
			payment.CapabilityCharge, payment.CapabilityQuery, payment.CapabilityRelease, payment.CapabilityCancel,
		},
		Settings: schema,
	}, nil
}

// invalid refuses a request before anything was sent.
func invalid(op, field, text string) error {
	return &payment.Error{Kind: payment.ErrorInvalid, Op: op, Field: field, Text: text, NotSent: true}
}
