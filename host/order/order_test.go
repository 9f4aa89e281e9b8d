package order_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/order"
	"github.com/chargehand/chargehand/shared/payment"
)

func TestCheckAmount(t *testing.T) {
	t.Parallel()
	for _, currency := range []string{"GBP", "EUR", "USD", "JPY", "KWD", "CLP"} {
		for _, minor := range []int64{1, 1250, payment.MaxMinor} {
			require.NoError(t, order.CheckAmount("amount", payment.Amount{Minor: minor, Currency: currency}))
		}
		for _, minor := range []int64{0, -1, payment.MaxMinor + 1, -1 << 63, 1<<63 - 1} {
			require.ErrorContains(t, order.CheckAmount("amount", payment.Amount{Minor: minor, Currency: currency}), "amount")
		}
	}
	for _, currency := range []string{"", "gbp", "GB", "GBPX", "£££", "AAA", "G P", "GB\x00"} {
		require.Error(t, order.CheckAmount("amount", payment.Amount{Minor: 1, Currency: currency}), "%q", currency)
	}
}

// What passes can be read by people and told apart byte by byte.
func FuzzReference(f *testing.F) {
	for _, seed := range []string{"A-1", "", " A", "A ", "A\x00", "👩", "A\u200d", "\xff", strings.Repeat("x", 65), "'; --", "\u00a0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, reference string) {
		p := placement(part("f1", 1))
		p.Reference = reference
		if p.Validate(now) != nil {
			return
		}
		require.NotEmpty(t, reference)
		require.LessOrEqual(t, len(reference), order.MaxReference)
		require.True(t, utf8.ValidString(reference))
		require.Equal(t, strings.TrimSpace(reference), reference)
		for _, r := range reference {
			require.True(t, unicode.IsPrint(r))
		}
	})
}
