package gateway

import (
	"encoding"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/chargehand/chargehand/testharness/gateway/rules"
)

// Amounts are amounts in minor units, both ends included. As text: "1050",
// "1000-1999", "1000-" and "-1999".
type Amounts struct{ From, To int64 }

var (
	_ encoding.TextMarshaler   = Amounts{}
	_ encoding.TextUnmarshaler = (*Amounts)(nil)
)

// Exactly is one amount.
func Exactly(minor int64) *Amounts { return &Amounts{From: minor, To: minor} }

func (a Amounts) has(minor int64) bool { return a.From <= minor && minor <= a.To }

// MarshalText writes the range.
func (a Amounts) MarshalText() ([]byte, error) {
	switch {
	case a.From == a.To:
		return strconv.AppendInt(nil, a.From, 10), nil
	case a.To == math.MaxInt64:
		return []byte(strconv.FormatInt(a.From, 10) + "-"), nil
	default:
		return []byte(strconv.FormatInt(a.From, 10) + "-" + strconv.FormatInt(a.To, 10)), nil
	}
}

// UnmarshalText reads the range.
func (a *Amounts) UnmarshalText(text []byte) error {
	from, to, isRange := strings.Cut(string(text), "-")
	out, ok := Amounts{To: math.MaxInt64}, true
	switch {
	case from != "":
		out.From, ok = rules.Amount(from)
	case !isRange || to == "":
		ok = false
	}
	if ok && isRange && to != "" {
		out.To, ok = rules.Amount(to)
	} else if !isRange {
		out.To = out.From
	}
	if !ok || out.From > out.To {
		return fmt.Errorf("%q is no amount: write minor units like 1050, 1000-1999, 1000- or -1999", text)
	}
	*a = out
	return nil
}
