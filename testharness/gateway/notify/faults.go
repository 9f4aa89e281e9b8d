package notify

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Forgery is a way to forge a notification.
type Forgery string

// Forgeries.
const (
	// ForgedHash has the true fields and a hash made with another password.
	ForgedHash Forgery = "hash"
	// ForgedAmount tells of 100 minor units more.
	ForgedAmount Forgery = "amount"
	// ForgedTransaction names a transaction that does not exist.
	ForgedTransaction Forgery = "transaction"
	// ForgedPaid tells of errorcode 0 and settle status 100.
	ForgedPaid Forgery = "paid"
)

// Forgeries lists them all.
func Forgeries() []string {
	return []string{string(ForgedHash), string(ForgedAmount), string(ForgedTransaction), string(ForgedPaid)}
}

// Cut is a way to send a part only.
type Cut string

// Cuts.
const (
	// CutBody sends the first half of the body as if it were all.
	CutBody Cut = "body"
	// CutFields leaves the second half of the fields (by name) out, but not the
	// hash, which is the whole's.
	CutFields Cut = "fields"
	// CutConnection announces the whole body and closes the connection after
	// the first half.
	CutConnection Cut = "connection"
)

// Cuts lists them all.
func Cuts() []string { return []string{string(CutBody), string(CutFields), string(CutConnection)} }

// Faults are what goes wrong with one notification. They stay with it in all its
// tries. The zero Faults are none.
type Faults struct {
	// Late is how much later it is sent, on the settlement clock.
	Late time.Duration
	// Copies are sent after it, with the same reference.
	Copies int
	// Reordered holds it back until the next one to the same URL was tried, or
	// for HoldFor (0: as long as Window) of the settlement clock.
	Reordered bool
	HoldFor   time.Duration
	// Forged changes it; Signed makes the hash fit the forgery.
	Forged Forgery
	Signed bool
	// Cut sends a part only.
	Cut Cut
	// Lost is never sent.
	Lost bool
}

// names are what the log calls them.
func (f *Faults) names() []string {
	var out []string
	add := func(is bool, name string) {
		if is {
			out = append(out, name)
		}
	}
	add(f.Late > 0, "late")
	add(f.Copies > 0, "duplicated")
	add(f.Reordered, "reordered")
	add(f.Forged != "", "forged "+string(f.Forged))
	add(f.Forged != "" && f.Signed, "signed")
	add(f.Cut != "", "truncated "+string(f.Cut))
	add(f.Lost, "lost")
	return out
}

// MaxCopies bounds Faults.Copies.
const MaxCopies = 100

// Check refuses what is unknown or out of bounds.
func (f *Faults) Check() error {
	switch {
	case f.Copies < 0 || f.Copies > MaxCopies:
		return fmt.Errorf("copies %d: 0 to %d", f.Copies, MaxCopies)
	case f.Forged != "" && !slices.Contains(Forgeries(), string(f.Forged)):
		return fmt.Errorf("forged %q is none of %s", f.Forged, strings.Join(Forgeries(), ", "))
	case f.Signed && (f.Forged == "" || f.Forged == ForgedHash):
		return fmt.Errorf("signed goes with forged %s, %s or %s", ForgedAmount, ForgedTransaction, ForgedPaid)
	case f.Cut != "" && !slices.Contains(Cuts(), string(f.Cut)):
		return fmt.Errorf("truncated %q is none of %s", f.Cut, strings.Join(Cuts(), ", "))
	}
	return nil
}

// form makes the body that the rule sends about the event, faults included.
// order puts the names into the order to send them in.
func (f *Faults) form(r *Rule, e *Event, reference string, order func([]string)) string {
	fields := map[string]string{}
	for _, name := range r.names(e.Kind) {
		if value := e.Fields[name]; value != "" {
			fields[name] = value
		}
	}
	if r.Password != "" {
		fields[fieldHash] = Hash(fields, r.Password)
	}
	f.forge(fields, r, e)
	names := make([]string, 0, len(fields)+1)
	for name := range fields {
		if name != fieldHash {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if f.Cut == CutFields {
		names = names[:len(names)/2]
	}
	if fields[fieldHash] != "" {
		names = append(names, fieldHash)
	}
	fields[fieldReference] = reference
	names = append(names, fieldReference)
	order(names)
	body := encode(fields, names)
	if f.Cut == CutBody {
		return body[:len(body)/2]
	}
	return body
}

func (f *Faults) forge(fields map[string]string, r *Rule, e *Event) {
	switch f.Forged {
	case ForgedHash:
		fields[fieldHash] = Hash(fields, r.Password+"?")
	case ForgedAmount:
		minor, _ := strconv.ParseInt(e.Fields[fieldAmount], 10, 64) // none: then it is of nothing
		fields[fieldAmount] = strconv.FormatInt(minor+100, 10)
	case ForgedTransaction:
		fields[fieldTransaction] = "1-9-999999999"
	case ForgedPaid:
		fields[fieldCode], fields[fieldStatus] = "0", "100"
	}
	if f.Signed && f.Forged != "" && r.Password != "" {
		fields[fieldHash] = Hash(fields, r.Password)
	}
}
