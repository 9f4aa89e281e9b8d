package gateway

import (
	"crypto/sha256"
	"encoding"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/notify"
)

// What a gateway starts with if its Config names no users or sites.
const (
	DefaultUser     = "webservices@example.com"
	DefaultPassword = "Password1^"
	DefaultSite     = "test_site12345"
)

// Config is what a gateway starts with. The zero Config is the default user on
// the default site, test mode, every rule's switch off.
type Config struct {
	// Now is the clock below the settlement clock; nil means time.Now.
	Now func() time.Time
	// Speed is how much faster than Now the settlement clock runs, from New on:
	// with 1440 a minute is a day. Zero is 1; at most 100,000.
	Speed float64
	// Seed decides all that is random: order of members, optional fields,
	// references, chances of faults. The same seed and the same sequence of
	// calls give the same answers.
	Seed uint64
	// Node is the first number of every reference, 55 if zero.
	Node int
	// Users and Sites; if both are empty, the default ones.
	Users []User
	Sites []Site
	// Switches that hold for all sites.
	Switches Switches
	// Faults to begin with.
	Faults []Fault
	// NotificationRules to begin with: what is told to which URL.
	NotificationRules []notify.Rule
	// Journal is the file that keeps transactions, users, sites, the settlement
	// clock, notification rules and queued notifications, and, beside it with .pem after its name, the server's
	// certificates: a gateway that is killed and started again goes on where it
	// was. Faults and switches are not kept. Empty keeps nothing.
	Journal string
	// Keep is how many transactions stay in memory, and in the journal; 0 keeps
	// all. Above it (by up to a quarter) the oldest are forgotten that nothing can
	// change any more: settled, cancelled, declined. To callers their references
	// are then unknown; Totals still counts them. A transaction stays as long as
	// one that names it as its parent, those that stored a card go last, and what
	// has not settled stays in any case.
	Keep int
	// Calls is how many request elements that arrived are remembered (Calls), the
	// newest; zero remembers none.
	Calls int
}

// User may call the service.
type User struct {
	Name     string `json:"name"`
	Password string `json:"password"`
	// Addresses are CIDR ranges or single addresses that the user may call
	// from. Empty allows every address; the real service insists on a list.
	Addresses []string `json:"addresses,omitempty"`
	// Sites are the site references that the user is allocated to.
	Sites []string `json:"sites"`
	// NoGatewayRight makes every request fail with 21041.
	NoGatewayRight bool `json:"no_gateway_right,omitempty"`
	// Locked answers as a wrong password does.
	Locked bool `json:"locked,omitempty"`
}

// Site is one merchant site.
type Site struct {
	Reference string `json:"sitereference"`
	// Live sites answer livestatus 1 and decline every test card.
	Live bool `json:"live,omitempty"`
	// Accounts are the account types the site has: ECOM, MOTO, RECUR, CFT,
	// CARDSTORE, FRAUDCONTROL, CURRENCYRATE, IDENTITYCHECK. Empty means all.
	Accounts []string `json:"accounts,omitempty"`
	// Currencies the site has accounts for (ISO 4217); empty means any.
	Currencies []string `json:"currencies,omitempty"`
	// DuplicateCheck suspends an AUTH that equals one of the last 15 minutes in
	// card, amount, currency and account type.
	DuplicateCheck bool `json:"duplicate_check,omitempty"`
	// FraudSuspend suspends every AUTH.
	FraudSuspend bool `json:"fraud_suspend,omitempty"`
	// MaxMultiple refuses with 20009 an AUTH of more than this many times its
	// parent's amount; 0 is off. A parent of amount 0 sets no limit.
	MaxMultiple int64 `json:"max_multiple,omitempty"`
	// StrictRefunds refunds settled payments alone (20012), as live sites always
	// do. Otherwise what is due to settle by today will do, as at the test bank.
	StrictRefunds bool `json:"strict_refunds,omitempty"`
	// MinRefund refuses smaller refunds with 20022. Minor units.
	MinRefund int64 `json:"min_refund,omitempty"`
	// PaymentTypes other than cards that the site has accounts for, like TRUSTLY;
	// empty means all.
	PaymentTypes []string `json:"payment_types,omitempty"`
	// Suspended answers 60023 to every AUTH and ACCOUNTCHECK.
	Suspended bool `json:"suspended,omitempty"`
}

// Switches change the behaviour of the whole gateway.
type Switches struct {
	// Plain keeps members in a fixed order and leaves nothing optional out.
	Plain bool `json:"plain,omitempty"`
	// QueryLag is how long a new transaction stays invisible to queries, in
	// the time of the settlement clock.
	QueryLag Duration `json:"query_lag,omitempty"`
	// QueryEndExclusive leaves the second of an endtimestamp out of a query. It
	// counts otherwise.
	QueryEndExclusive bool `json:"query_end_exclusive,omitempty"`
	// QueryCountsAll makes found count the records too that a query had no
	// room for.
	QueryCountsAll bool `json:"query_counts_all,omitempty"`
	// ExpiredDeclined declines a card whose expiry month has passed.
	ExpiredDeclined bool `json:"expired_declined,omitempty"`
	// CancelledParentRefused answers 20033 to a child of a cancelled parent.
	CancelledParentRefused bool `json:"cancelled_parent_refused,omitempty"`
	// AnyCard takes card numbers other than the test cards, if the check digit is
	// right. None is stored whole or logged either. Leave it off where a real
	// card could get in.
	AnyCard bool `json:"any_card,omitempty"`
	// Latency is added before every call is processed, Spread a random part of
	// up to that much on top. Both in real time.
	Latency Duration `json:"latency,omitempty"`
	Spread  Duration `json:"spread,omitempty"`
	// PublicNotifications holds notification URLs to the service's own rule:
	// https on port 443 at a public address. It is off by default, since then no
	// program on this machine could be told anything.
	PublicNotifications bool `json:"public_notifications,omitempty"`
	// Down closes the service's port and every connection. Set it back to
	// open the same port again. The admin address stays.
	Down bool `json:"down,omitempty"`
}

// Duration is a time.Duration written as text: "1.5s", "24h".
type Duration time.Duration

var (
	_ encoding.TextMarshaler   = Duration(0)
	_ encoding.TextUnmarshaler = (*Duration)(nil)
)

// MarshalText writes the duration as time.Duration does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads; less than zero is refused.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no duration: write it like 500ms, 2s or 24h", text)
	}
	if parsed < 0 {
		return fmt.Errorf("the duration %q is less than zero", text)
	}
	*d = Duration(parsed)
	return nil
}

// user is a User ready for use. It is never changed, only replaced.
type user struct {
	User
	sum  [sha256.Size]byte
	nets []netip.Prefix
}

func newUser(u User) (*user, error) {
	if u.Name == "" || len(u.Name) > 255 || strings.ContainsAny(u.Name, ":\r\n") {
		return nil, fmt.Errorf("user %q: a name has 1 to 255 characters, no colon", u.Name)
	}
	if u.Password == "" {
		return nil, fmt.Errorf("user %s has no password", u.Name)
	}
	out := &user{User: u, sum: sha256.Sum256([]byte(u.Password))}
	for _, text := range u.Addresses {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			addr, err := netip.ParseAddr(text)
			if err != nil {
				return nil, fmt.Errorf("user %s: %q is neither an address nor a CIDR range", u.Name, text)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		out.nets = append(out.nets, prefix.Masked())
	}
	return out, nil
}

// mayCallFrom tells whether the address is in the user's list.
func (u *user) mayCallFrom(addr netip.Addr) bool {
	return len(u.nets) == 0 || slices.ContainsFunc(u.nets, func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) })
}

func (u *user) sees(site string) bool { return slices.Contains(u.Sites, site) }

var allAccounts = []string{"ECOM", "MOTO", "RECUR", "CFT", "CARDSTORE", "FRAUDCONTROL", "CURRENCYRATE", "IDENTITYCHECK"}

func checkSite(s Site) (Site, error) {
	if !isReference(s.Reference, 50) {
		return Site{}, fmt.Errorf("site %q: a reference has 1 to 50 letters, digits and underscores", s.Reference)
	}
	if len(s.Accounts) == 0 {
		s.Accounts = allAccounts
	}
	for _, account := range s.Accounts {
		if !slices.Contains(allAccounts, account) {
			return Site{}, fmt.Errorf("site %s: account type %q is none of %s", s.Reference, account, strings.Join(allAccounts, ", "))
		}
	}
	if s.MaxMultiple < 0 || s.MinRefund < 0 {
		return Site{}, errors.New("site " + s.Reference + ": max_multiple or min_refund is less than zero")
	}
	for _, name := range s.PaymentTypes {
		if methods[name] == nil {
			return Site{}, fmt.Errorf("site %s: payment type %q is none that is no card", s.Reference, name)
		}
	}
	return s, nil
}

func isReference(s string, limit int) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return s != "" && len(s) <= limit
}
