package gateway

import (
	"math"
	"strconv"
	"strings"

	"github.com/chargehand/chargehand/shared/currency"
	"github.com/chargehand/chargehand/testharness/gateway/rules"
)

// homeCurrency is what rates are told in.
const homeCurrency = "GBP"

// rates are made up, and never change: so many units for one of homeCurrency.
var rates = map[string]float64{
	"GBP": 1, "EUR": 1.15, "USD": 1.25, "AUD": 1.9, "CAD": 1.7, "CHF": 1.1, "DKK": 8.6, "JPY": 190, "NOK": 13.5, "PLN": 4.9, "SEK": 13,
}

// readCurrencyRate checks what is to be converted. dccbaseamount is in
// dcccurrencyiso3a, the customer's currency.
func readCurrencyRate(p *payment, e *element) (bad string) {
	code := e.text("dcccurrencyiso3a")
	rate, known := rates[code]
	amount, ok := rules.Amount(e.text("dccbaseamount"))
	switch {
	case !known:
		return "dcccurrencyiso3a"
	case !ok || amount == 0:
		return "dccbaseamount"
	case e.text("dcctype") != "DCC" && e.text("dcctype") != "MCP":
		return "dcctype"
	}
	shift := math.Pow10(currency.Digits(homeCurrency) - currency.Digits(code))
	p.currency = homeCurrency
	p.amount = int64(math.Round(float64(amount) / rate * shift))
	p.hasAmount = true
	p.notes = []detail{
		{"dcccurrencyiso3a", strings.Clone(code)},
		{"dccbaseamount", strings.Clone(e.text("dccbaseamount"))},
		{"dcctype", strings.Clone(e.text("dcctype"))},
		{"dccconversionrate", strconv.FormatFloat(rate, 'f', -1, 64)},
		{"dccconversionratesource", "SIMULATOR"},
		{"dccmarginratepercentage", "0"},
	}
	return ""
}
