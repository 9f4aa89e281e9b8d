package trustpayments

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"strings"

	"github.com/chargehand/chargehand/shared/payment"
)

// class groups codes by what they let one conclude of a charge.
type class string

// The classes. Every code of every other class leaves the outcome unknown:
// ambiguous (the gateway can't tell), communication (words of its client
// libraries), non_api (words of its portal), retryable_fault (it asks to try
// later, but a query has to come first).
const (
	classSuccess        class = "success"
	classDeclinedHard   class = "declined_hard"
	classDeclinedSoft   class = "declined_soft"
	classConfig         class = "config"
	classInvalidRequest class = "invalid_request"
)

// codeRow is what the table says of one code.
type codeRow struct {
	class   class
	fault   payment.Fault
	message string // the gateway's own words
	meaning string // ours, for people
	todo    string // who does what about it
}

// codeTable has a row for each code that is known.
type codeTable map[string]codeRow

//go:embed codes.csv
var codesCSV string

func loadCodes() (codeTable, error) {
	rows, err := csv.NewReader(strings.NewReader(codesCSV)).ReadAll()
	if err != nil {
		return nil, err
	}
	table := make(codeTable, len(rows))
	for _, r := range rows[1:] {
		if _, twice := table[r[0]]; twice {
			return nil, fmt.Errorf("code %s occurs twice", r[0])
		}
		table[r[0]] = codeRow{class: class(r[1]), fault: payment.Fault(r[2]), message: r[3], meaning: r[4], todo: r[5]}
	}
	return table, nil
}

// faultOf says how far a refusal reaches. A field that is at fault may tell
// more than the code: some fields are settings.
func (r codeRow) faultOf(code string, fields []string) payment.Fault {
	if code != codeInvalidField {
		return r.fault
	}
	for _, f := range fields {
		switch f {
		case "parenttransactionreference":
			return payment.FaultStoredReference
		case "sitereference", "accounttypedescription":
			return payment.FaultSite
		}
	}
	return r.fault
}

// Codes with a rule of their own.
const (
	codeOK           = "0"
	codeInvalidField = "30000"
)
