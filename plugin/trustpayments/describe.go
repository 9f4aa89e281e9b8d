package trustpayments

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/chargehand/chargehand/plugin/trustpayments/webservices"
	"github.com/chargehand/chargehand/shared/payment"
)

// Describe implements payment.Gateway.
func (g *Gateway) Describe(context.Context) (payment.Description, error) {
	return payment.Description{
		Name:    Name,
		Title:   "Trust Payments",
		Version: g.version,
		Capabilities: []string{
			payment.CapabilityCharge, payment.CapabilityQuery, payment.CapabilityQueryWindow, payment.CapabilityRelease, payment.CapabilityCancel,
		},
		Settings: slices.Clone(schema),
	}, nil
}

// reasonUnscheduled is the initiation reason of a charge that comes whenever
// an order does.
const reasonUnscheduled = "C"

// schema is the form that settings are entered in.
var schema = []payment.Field{
	{
		Name: fieldRegion, Label: "Region", Kind: payment.FieldChoice, Owner: payment.OwnerFulfiller, Default: webservices.RegionEU,
		Choices: []payment.Choice{{Value: webservices.RegionEU, Label: "Europe"}, {Value: webservices.RegionUS, Label: "United States"}},
		Help:    "Where your account is: Europe if you sign in to MyST at myst.securetrading.net, United States if at myst.securetrading.us. User names belong to one of them.",
	},
	{
		Name: fieldSite, Label: "Site reference", Kind: payment.FieldText, Owner: payment.OwnerFulfiller, Required: true, Rule: "max=50,printascii",
		Help: "As MyST shows it, such as test_example12345. A site whose name begins with test_ moves no money.",
	},
	{
		Name: fieldUser, Label: "Web Services user name", Kind: payment.FieldText, Owner: payment.OwnerFulfiller, Required: true, Rule: "max=255,printascii",
		Help: "A user made in MyST for this alone, with the role Webservices, this host's outgoing address among its valid addresses, " +
			"\"Role if invalid IP\" set to \"Prevent login\", and the site allocated to it.",
	},
	{
		Name: fieldPassword, Label: "Web Services password", Kind: payment.FieldSecret, Owner: payment.OwnerFulfiller, Required: true, Rule: "max=255",
		Help: "The password of that user.",
	},
	{
		Name: fieldStored, Label: "Stored transaction reference", Kind: payment.FieldText, Owner: payment.OwnerLink, Required: true, Rule: "max=25,printascii",
		Help: "The payment or account check by which the retailer's card was stored through the Virtual Terminal on this site, such as 1-2-3456789. " +
			"Confirm there that the card is stored for later charges. Never enter a card number.",
	},
	{
		Name: fieldAccountType, Label: "Account type", Kind: payment.FieldChoice, Owner: payment.OwnerFulfiller, Default: accountEcom,
		Choices: []payment.Choice{
			{Value: accountEcom, Label: "E-commerce (ECOM)"},
			{Value: accountMoto, Label: "Mail and telephone order (MOTO)"},
			{Value: accountRecur, Label: "Recurring (RECUR)"},
		},
		Help: "Must be one that your site has, else charges are refused with code 40000. RECUR needs an account for continuous payments.",
	},
	{
		Name: fieldSettle, Label: "Settle", Kind: payment.FieldChoice, Owner: payment.OwnerFulfiller, Default: string(payment.SettleRecorded),
		Choices: []payment.Choice{
			{Value: string(payment.SettleRecorded), Label: "Once recorded"},
			{Value: string(payment.SettleAtOnce), Label: "At once"},
		},
		Help: "Once recorded: the amount is reserved, written down, and only then released to settle. A lost answer can cost a reservation that lapses, " +
			"never a second debit. The gateway's own suspension of duplicates and suspected fraud can't be told from our hold, so it has no effect. " +
			"At once: one call, and the gateway settles by itself; its own suspensions stay and need you. After a lost answer nothing but the time that " +
			"passes without a trace of the payment guards against a second debit.",
	},
	{
		Name: fieldReason, Label: "Initiation reason", Kind: payment.FieldChoice, Owner: payment.OwnerFulfiller, Default: reasonUnscheduled,
		Choices: []payment.Choice{
			{Value: reasonUnscheduled, Label: "C: unscheduled charge"},
			{Value: "A", Label: "A: re-authorisation"},
			{Value: "D", Label: "D: delayed charge"},
		},
		Help: "What the card scheme is told about a charge without the card holder. C fits orders; change it only if your bank asks. " +
			"A can't be used with a card that was stored by an account check. RECUR accounts do without.",
	},
	{
		Name: fieldFormat, Label: "Format", Kind: payment.FieldChoice, Owner: payment.OwnerFulfiller, Default: webservices.FormatJSON,
		Choices: []payment.Choice{{Value: webservices.FormatJSON, Label: "JSON"}, {Value: webservices.FormatXML, Label: "XML"}},
		Help: "The form of requests and answers; both say the same. Keep JSON unless Trust Payments asks you to use XML, and run a preflight after a change. " +
			"It may be changed while charges are under way.",
	},
}

func schemaField(name string) (payment.Field, bool) {
	for _, f := range schema {
		if f.Name == name {
			return f, true
		}
	}
	return payment.Field{}, false
}

// problem says what is wrong with a field that broke a rule, and what to do.
func problem(name, rule string) payment.FieldProblem {
	f, _ := schemaField(name)
	p := payment.FieldProblem{Field: name, Label: f.Label, Rule: rule}
	switch rule {
	case "required":
		p.Text = f.Label + " is missing. Enter it."
	case "trimmed":
		p.Text = f.Label + " begins or ends with a space. Remove it."
		if f.Secret() {
			p.Text += " If the password really has one, choose another password in MyST."
		}
	case "max":
		p.Text = f.Label + " is too long. Compare it with MyST."
	case "oneof":
		p.Text = fmt.Sprintf("%s is none of its choices. Choose one of %s.", f.Label, choices(f))
	case "site":
		p.Text = f.Label + " has characters that no site has. Use letters, digits and underscores, as MyST shows it."
	case "printascii", "excludes":
		p.Text = f.Label + " has characters that can't be used to sign in. Enter the e-mail-like name that MyST shows; it has no colon."
	case "printed":
		p.Text = f.Label + " has a control character in it. Enter it by hand instead of pasting it."
	case "notcard":
		p.Text = f.Label + " looks like a card number. Never enter one here: enter the transaction reference that MyST shows, such as 1-2-3456789."
	case "stored":
		p.Text = f.Label + " does not look like a transaction reference. Enter it as MyST shows it, such as 1-2-3456789."
	default:
		p.Text = f.Label + " is not acceptable. Compare it with MyST."
	}
	return p
}

func choices(f payment.Field) string {
	var values []string
	for _, c := range f.Choices {
		values = append(values, c.Value)
	}
	return strings.Join(values, ", ")
}
