package notify

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// contentType of a notification.
const contentType = "application/x-www-form-urlencoded; charset=UTF-8"

// Hash is the value of responsesitesecurity over the fields of a notification:
// lower-case hex SHA-256 of all values in the order of their names (bytes), with
// the password after them and nothing between. The fields responsesitesecurity
// and notificationreference don't count.
func Hash(fields map[string]string, password string) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name != fieldHash && name != fieldReference {
			h.Write([]byte(fields[name]))
		}
	}
	h.Write([]byte(password))
	return hex.EncodeToString(h.Sum(nil))
}

// ErrHash says that a notification was not made with that password, or was
// changed on its way.
var ErrHash = errors.New("responsesitesecurity does not fit the fields and the password")

// Verify compares the hash in the fields, in constant time. It returns ErrHash
// if there is none. A hash that fits is no proof of payment: fields have no
// borders in it, and old notifications can come again.
func Verify(fields map[string]string, password string) error {
	if subtle.ConstantTimeCompare([]byte(fields[fieldHash]), []byte(Hash(fields, password))) != 1 {
		return ErrHash
	}
	return nil
}

// Limits of a body to read.
const (
	MaxBody       = 64 << 10
	maxBodyFields = 200
)

// Parse reads the body of a notification. Names that come twice are refused:
// one of them would not be in the hash.
func Parse(body string) (map[string]string, error) {
	if len(body) > MaxBody {
		return nil, fmt.Errorf("the body is longer than %d bytes", MaxBody)
	}
	fields := map[string]string{}
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := unescape(name)
		if err != nil {
			return nil, fmt.Errorf("read a name: %w", err)
		}
		if value, err = unescape(value); err != nil {
			return nil, fmt.Errorf("read the value of %q: %w", name, err)
		}
		if _, twice := fields[name]; twice {
			return nil, fmt.Errorf("%q is there twice", name)
		}
		if fields[name] = value; len(fields) > maxBodyFields {
			return nil, fmt.Errorf("more than %d fields", maxBodyFields)
		}
	}
	return fields, nil
}

func unescape(text string) (string, error) {
	out, err := url.QueryUnescape(text)
	if err != nil {
		return "", err //nolint:wrapcheck // the caller says of what
	}
	if !utf8.ValidString(out) {
		return "", errors.New("not UTF-8")
	}
	return out, nil
}

// encode writes the fields in the order of the names.
func encode(fields map[string]string, names []string) string {
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(fields[name]))
	}
	return b.String()
}
