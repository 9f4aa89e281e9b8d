package notify_test

import (
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway/notify"
)

// The first input is that of the service's documentation.
var vectors = []struct {
	fields         map[string]string
	password, hash string
}{
	{
		map[string]string{"baseamount": "2499", "errorcode": "0", "orderreference": "customerorder1"},
		"password", "033e6bcc1971f150c5a6d5487548b375b8971c9bdc1962b2cc1844d26ff82c2a",
	},
	{
		map[string]string{
			"errorcode": "0", "orderreference": "K-1001-1", "settlestatus": "0", "sitereference": "test_demo1", "transactionreference": "55-9-100",
		},
		"s3cret", "788c2523583a6e4bf7a802f92cf8043541114e031b66c5c0eb80af605f288432",
	},
	{
		map[string]string{
			"authcode": "", "errorcode": "0", "orderreference": "Ångström & Co+1", "settlestatus": "0", "sitereference": "test_demo1",
		},
		"s3cret", "aedaf77efe66ede5a38224492d1ec6d76206aa6654325d0e7b335163ba42fa2f",
	},
}

func TestHash(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		require.Equal(t, v.hash, notify.Hash(v.fields, v.password))
		received := maps.Clone(v.fields)
		received["notificationreference"], received["responsesitesecurity"] = "55-A1", v.hash
		require.NoError(t, notify.Verify(received, v.password))
		require.ErrorIs(t, notify.Verify(received, v.password+"x"), notify.ErrHash)
		received["errorcode"] = "70000"
		require.ErrorIs(t, notify.Verify(received, v.password), notify.ErrHash)
		delete(received, "responsesitesecurity")
		require.ErrorIs(t, notify.Verify(received, v.password), notify.ErrHash)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	fields, err := notify.Parse("orderreference=%C3%85ngstr%C3%B6m+%26+Co%2B1&authcode=&settlestatus=0")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"orderreference": "Ångström & Co+1", "authcode": "", "settlestatus": "0"}, fields)
	many := ""
	for i := range 201 {
		many += fmt.Sprintf("n%d=1&", i)
	}
	for text, body := range map[string]string{
		"there twice":   "a=1&a=2",
		"not UTF-8":     "a=%ff",
		"invalid URL":   "a=%zz",
		"read a name":   "%z=1",
		"is longer":     strings.Repeat("a", notify.MaxBody+1),
		"more than 200": many,
	} {
		_, err := notify.Parse(body)
		require.ErrorContains(t, err, text)
	}
}

// FuzzParse reads anything without harm, and what it accepts means the same to
// the standard library.
func FuzzParse(f *testing.F) {
	f.Add("a=1&b=%C3%A4+c")
	f.Add("a=1&a=2")
	f.Add("=&;&%")
	f.Fuzz(func(t *testing.T, body string) {
		fields, err := notify.Parse(body)
		if err != nil {
			return
		}
		_ = notify.Verify(fields, password)
		values := url.Values{}
		for name, value := range fields {
			require.True(t, utf8.ValidString(name) && utf8.ValidString(value))
			values.Set(name, value)
		}
		again, err := notify.Parse(values.Encode())
		require.NoError(t, err)
		require.Equal(t, fields, again)
		if !strings.Contains(body, ";") {
			standard, err := url.ParseQuery(body)
			require.NoError(t, err)
			require.Equal(t, values, standard)
		}
	})
}
