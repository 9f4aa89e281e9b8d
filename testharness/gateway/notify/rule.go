package notify

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Mode says when a notification is sent and what becomes of one that was not taken.
type Mode string

// Modes.
const (
	// Online is sent while the caller waits, once. Of several online rules that
	// match one event only the first runs.
	Online Mode = "online"
	// Offline is queued, and tried again for 48 hours of the settlement clock.
	Offline Mode = "offline"
	// Failover is like Online, then like Offline. Of several that match only
	// the first is online; the others are queued.
	Failover Mode = "failover"
)

// Rule says what is told to whom.
type Rule struct {
	// ID is given by the Sender.
	ID string `json:"id,omitempty"`
	// Site is the site whose transactions are told of.
	Site string `json:"sitereference"`
	// On are the kinds of events; empty means all.
	On []string `json:"on,omitempty"`
	// When are conditions, all of which must hold.
	When []Condition `json:"when,omitempty"`
	// URL takes the notifications: https, or plain http on this machine alone.
	URL string `json:"url"`
	// Mode is offline if empty.
	Mode Mode `json:"mode,omitempty"`
	// Fields are the names to send; empty means the usual ones for the kind of
	// event. What a transaction has no value for is left out.
	Fields []string `json:"fields,omitempty"`
	// Password adds a hash, as responsesitesecurity; empty adds none.
	Password string `json:"password,omitempty"`
	// CAFile is a PEM file with CAs that are trusted for this URL beside the
	// system's.
	CAFile string `json:"ca_file,omitempty"`
	// Retry are the times between tries, the last one again and again; empty
	// means DefaultSpacing.
	Retry Spacing `json:"retry,omitempty"`
}

// Condition is about one field of the transaction. The field settlestatus_from
// is the settle status before a settlement event.
type Condition struct {
	Field string `json:"field"`
	// In are the values that are told of; empty means any.
	In []string `json:"in,omitempty"`
	// NotIn are values that are not told of.
	NotIn []string `json:"not_in,omitempty"`
}

// Limits of rules.
const (
	maxRules     = 100
	maxFields    = 100
	maxWhen      = 20
	maxValues    = 100
	maxValue     = 255
	maxCAFile    = 1 << 20
	defaultMode  = Offline
	maxReference = 50
)

var fieldName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// ready checks a rule and fills in what was left out.
func (r *Rule) ready(public bool) (Rule, error) {
	out := *r
	out.On, out.Fields, out.Retry = slices.Clone(r.On), slices.Clone(r.Fields), slices.Clone(r.Retry)
	out.When = slices.Clone(r.When)
	if out.Mode == "" {
		out.Mode = defaultMode
	}
	if err := out.check(public); err != nil {
		return Rule{}, err
	}
	return out, nil
}

func (r *Rule) check(public bool) error {
	switch {
	case r.Site == "" || len(r.Site) > maxReference:
		return fmt.Errorf("sitereference %q: 1 to %d characters", r.Site, maxReference)
	case r.Mode != Online && r.Mode != Offline && r.Mode != Failover:
		return fmt.Errorf("mode %q is none of %s, %s, %s", r.Mode, Online, Offline, Failover)
	case len(r.Fields) > maxFields:
		return fmt.Errorf("more than %d fields", maxFields)
	case len(r.When) > maxWhen:
		return fmt.Errorf("more than %d conditions", maxWhen)
	case len(r.Password) > maxValue:
		return fmt.Errorf("the password is longer than %d bytes", maxValue)
	}
	for _, kind := range r.On {
		if !slices.Contains(Kinds(), kind) {
			return fmt.Errorf("on %q is none of %s", kind, strings.Join(Kinds(), ", "))
		}
	}
	for i, name := range r.Fields {
		switch {
		case !fieldName.MatchString(name), name == fieldReference, name == fieldHash:
			return fmt.Errorf("field %q: small letters and digits (%s and %s are not chosen)", name, fieldReference, fieldHash)
		case slices.Contains(r.Fields[:i], name):
			return fmt.Errorf("field %q is there twice", name)
		}
	}
	for i := range r.When {
		if err := r.When[i].check(); err != nil {
			return err
		}
	}
	if err := r.Retry.check(); err != nil {
		return err
	}
	if err := checkURL(r.URL, public); err != nil {
		return err
	}
	if r.CAFile == "" {
		return nil
	}
	_, err := readCAs(r.CAFile)
	return err
}

func (c *Condition) check() error {
	switch {
	case !fieldName.MatchString(c.Field):
		return fmt.Errorf("condition on %q: small letters and digits", c.Field)
	case len(c.In)+len(c.NotIn) == 0 || len(c.In)+len(c.NotIn) > maxValues:
		return fmt.Errorf("condition on %s: 1 to %d values, as in or not_in", c.Field, maxValues)
	}
	for _, v := range slices.Concat(c.In, c.NotIn) {
		if len(v) > maxValue {
			return fmt.Errorf("condition on %s: a value is longer than %d bytes", c.Field, maxValue)
		}
	}
	return nil
}

// matches tells whether the rule tells of the event.
func (r *Rule) matches(e *Event) bool {
	if r.Site != e.site() || len(r.On) > 0 && !slices.Contains(r.On, e.Kind) {
		return false
	}
	for i := range r.When {
		c := &r.When[i]
		value := e.field(c.Field)
		if len(c.In) > 0 && !slices.Contains(c.In, value) || slices.Contains(c.NotIn, value) {
			return false
		}
	}
	return true
}

// names are the fields that the rule sends about an event of that kind.
func (r *Rule) names(kind string) []string {
	if len(r.Fields) > 0 {
		return r.Fields
	}
	return usual[kind]
}

// readCAs is the system's pool and what the file holds.
func readCAs(file string) (*x509.CertPool, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxCAFile {
		return nil, fmt.Errorf("ca_file %s: not a file of at most %d bytes", file, maxCAFile)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the system's CAs: %w", err)
	}
	if !pool.AppendCertsFromPEM(content) {
		return nil, errors.New("ca_file " + file + ": no certificate in PEM form")
	}
	return pool, nil
}
