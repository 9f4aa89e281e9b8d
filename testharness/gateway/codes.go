package gateway

import (
	"slices"
	"strings"
)

// codeShape is the form of an answer with a code.
type codeShape struct {
	// recorded: a payment with it is in the book, as failed. Otherwise the answer
	// is of type ERROR and nothing is left, but for a reference that had been
	// allotted by then.
	recorded, reference bool
	// untyped: even a query or an update is answered as type ERROR.
	untyped bool
}

// Codes that a payment is recorded with, since they come from the bank, from
// 3-D Secure or from checks of risk; and those of checks that come after a
// reference was allotted. Only some of this was ever seen: 70000 and 60022
// recorded, 20007 and 30000 with a reference, 10205, 20004, 50000, 60018 and
// 99999 without.
var (
	recordedCodes = strings.Fields("60010 60020 60022 60026 60030 60034 60036 60039 60042 60043 60044 60045 60500 62000 " +
		"70000 70001 71000 72000 79000 88000 88888")
	referencedCodes = strings.Fields("20005 20006 20007 20009 20010 20011 20012 20013 20014 20015 20022 30000")
)

// shapeOf is the shape that the service gives a code by itself.
func shapeOf(code string) codeShape {
	return codeShape{
		recorded:  slices.Contains(recordedCodes, code),
		reference: slices.Contains(referencedCodes, code),
		untyped: len(code) == 5 && (code[0] == '1' || code[0] == '5') ||
			code == codeNoParent || code == codeBadType || code == codeBothTypes || code == codeUnknown,
	}
}

// shape is the shape in which a fault answers its code.
func (f *Fault) shape() codeShape {
	s := shapeOf(f.Code)
	s.recorded = f.Recorded || s.recorded && !f.Unrecorded
	return s
}

// refusal is the answer to a request of the kind that is refused with it.
func (s codeShape) refusal(code, kind string) *refusal {
	if s.untyped {
		kind = typeError
	}
	return &refusal{code: code, kind: kind}
}

// Recorded says whether a payment that is answered with that code is in the book,
// as failed.
func Recorded(code string) bool { return shapeOf(code).recorded }
