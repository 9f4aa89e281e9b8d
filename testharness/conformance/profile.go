package conformance

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/chargehand/chargehand/shared/payment"
)

// maxProfile bounds a profile's file, in bytes.
const maxProfile = 256 << 10

// Profile is what the kit has to know of a plugin and of the simulator of its
// gateway. Values may hold placeholders: ${gateway} is where the plugin finds
// the gateway, ${ca_file} the authority that it has to trust there, ${reference}
// (in Prepare) the charge's reference; all others are what the simulator told.
type Profile struct {
	Name string `yaml:"name"`
	// Gateway is the simulator.
	Gateway Simulator `yaml:"gateway"`
	// Environment is the plugin's whole environment, besides the handshake.
	Environment map[string]string `yaml:"environment"`
	// Settings are complete and right.
	Settings map[string]string `yaml:"settings"`
	// Secrets names those of the settings whose values must never come back.
	Secrets []string `yaml:"secrets"`
	// Wrong are changes to the settings that must be found wrong.
	Wrong []Wrong `yaml:"wrong"`
	// BadCredentials are changes to the settings that the gateway refuses.
	BadCredentials map[string]string `yaml:"bad_credentials"`
	// MissingStored is a stored reference that the gateway does not know,
	// MissingID a transaction.
	MissingStored string `yaml:"missing_stored"`
	MissingID     string `yaml:"missing_id"`
	// Amount is approved.
	Amount Amount `yaml:"amount"`
	// Outcomes are what else the simulator can be brought to.
	Outcomes []Outcome `yaml:"outcomes"`
	// Never names cases that have no meaning for this gateway, with the reason.
	// They are left out, and not counted.
	Never map[string]string `yaml:"never"`
}

// Simulator says how to come by a simulator: one of the three.
type Simulator struct {
	// Start is a command that prints one line of JSON, an object of texts, and
	// serves until its standard input ends. "url" must be among them. ${plugin}
	// is the plugin's path, ${dir} the profile's folder.
	Start []string `yaml:"start"`
	// URL is of one that runs already.
	URL string `yaml:"url"`
	// Builtin is a simulator of the kit's: "trustpayments".
	Builtin string `yaml:"builtin"`
	// Ledger is where the simulator lists, as JSON, every charge it made, and
	// LedgerReference the member that holds our reference. Optional: the front
	// counts requests in any case.
	Ledger          string `yaml:"ledger"`
	LedgerReference string `yaml:"ledger_reference"`
}

// Wrong is one thing wrong with settings.
type Wrong struct {
	Name  string            `yaml:"name"`
	Field string            `yaml:"field"` // the one at fault
	Set   map[string]string `yaml:"set"`
}

// Amount is an amount in minor units. Currency, if empty, is that of the
// profile's Amount.
type Amount struct {
	Minor    int64  `yaml:"minor"`
	Currency string `yaml:"currency"`
}

// Outcome makes the simulator answer a charge in one way.
type Outcome struct {
	// Name is held, declined, rejected-order or pending for the cases that
	// every plugin is asked for, any other name for one more case.
	Name   string `yaml:"name"`
	Expect string `yaml:"expect"` // a payment.Outcome
	Fault  string `yaml:"fault"`  // a payment.Fault, if one is expected
	Settle string `yaml:"settle"` // recorded if empty
	Amount Amount `yaml:"amount"`
	// Settings are changes to the settings.
	Settings map[string]string `yaml:"settings"`
	Prepare  *Prepare          `yaml:"prepare"`
}

// Prepare is an HTTP request to make to the simulator first.
type Prepare struct {
	Method string `yaml:"method"` // POST if empty
	URL    string `yaml:"url"`
	Body   string `yaml:"body"`
}

//go:embed profiles/*.yaml
var profiles embed.FS

// Profiles lists the profiles that are built in.
func Profiles() []string { return []string{"example", "trustpayments"} }

// BuiltinProfile is the text of a profile that is built in.
func BuiltinProfile(name string) ([]byte, error) {
	text, err := profiles.ReadFile("profiles/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("there is no profile %q built in: take one of %s, or name a file", name, strings.Join(Profiles(), ", "))
	}
	return text, nil
}

// ReadProfile reads a profile that is built in, or a file.
func ReadProfile(nameOrFile string) (Profile, error) {
	var text []byte
	var err error
	if slices.Contains(Profiles(), nameOrFile) {
		text, err = BuiltinProfile(nameOrFile)
	} else {
		text, err = readLimited(nameOrFile)
	}
	if err != nil {
		return Profile{}, fmt.Errorf("read profile: %w; take one of %s, or name a file", err, strings.Join(Profiles(), ", "))
	}
	p, err := ParseProfile(text)
	if err != nil {
		return Profile{}, fmt.Errorf("profile %s: %w", nameOrFile, err)
	}
	return p, nil
}

// ProfileFor is the profile to take for a plugin if none is named: that of its
// own name.
func ProfileFor(plugin string) string {
	name := strings.TrimSuffix(filepath.Base(plugin), ".exe")
	if slices.Contains(Profiles(), name) {
		return name
	}
	return name + ".yaml"
}

// ProfileDir is where a profile's commands may be: the folder of its file.
func ProfileDir(nameOrFile string) string {
	if slices.Contains(Profiles(), nameOrFile) {
		return "."
	}
	return filepath.Dir(nameOrFile)
}

func readLimited(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxProfile+1))
	if err == nil && len(text) > maxProfile {
		err = fmt.Errorf("%s is larger than %d bytes", file, maxProfile)
	}
	return text, err
}

// ParseProfile reads a profile in YAML, of which JSON is a part. What it does
// not know is refused.
func ParseProfile(text []byte) (Profile, error) {
	var p Profile
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&p); err != nil {
		return Profile{}, err
	}
	return p, p.check()
}

func (p Profile) check() error {
	sources := 0
	for _, given := range []bool{len(p.Gateway.Start) > 0, p.Gateway.URL != "", p.Gateway.Builtin != ""} {
		if given {
			sources++
		}
	}
	switch {
	case p.Name == "":
		return errors.New("name is missing")
	case sources != 1:
		return errors.New("gateway: give one of start, url and builtin")
	case (p.Gateway.Ledger == "") != (p.Gateway.LedgerReference == ""):
		return errors.New("gateway: ledger and ledger_reference go together")
	case len(p.Settings) == 0:
		return errors.New("settings are missing")
	case p.amount().Validate() != nil:
		return fmt.Errorf("amount: %w", p.amount().Validate())
	}
	for _, name := range p.Secrets {
		if p.Settings[name] == "" {
			return fmt.Errorf("secrets: the settings have no %s", name)
		}
	}
	for _, o := range p.Outcomes {
		if o.Name == "" || !slices.Contains(expected, payment.Outcome(o.Expect)) {
			return fmt.Errorf("outcomes: %q needs a name, and expects one of %v", o.Name, expected)
		}
		if s := payment.SettleMode(o.Settle); s != "" && s != payment.SettleRecorded && s != payment.SettleAtOnce {
			return fmt.Errorf("outcomes: %s: settle is %q; it must be recorded or at_once", o.Name, s)
		}
	}
	for name, reason := range p.Never {
		if strings.TrimSpace(reason) == "" {
			return fmt.Errorf("never: %s needs a reason", name)
		}
	}
	return p.checkNever()
}

// expected are the outcomes that an answer of the gateway can come to.
var expected = []payment.Outcome{
	payment.OutcomeApproved, payment.OutcomeHeld, payment.OutcomeDeclined, payment.OutcomePending, payment.OutcomeRejected, payment.OutcomeUnknown,
}

func (p Profile) amount() payment.Amount {
	return payment.Amount{Minor: p.Amount.Minor, Currency: p.Amount.Currency}
}

func (p Profile) outcome(name string) (Outcome, bool) {
	i := slices.IndexFunc(p.Outcomes, func(o Outcome) bool { return o.Name == name })
	if i < 0 {
		return Outcome{}, false
	}
	return p.Outcomes[i], true
}

// placeholders are the values to put into a profile.
type placeholders map[string]string

// fill replaces the placeholders of a text. One that is not known stays, so
// that it can be seen where it does harm.
func (v placeholders) fill(text string) string {
	return os.Expand(text, func(name string) string {
		if value, ok := v[name]; ok {
			return value
		}
		return "${" + name + "}"
	})
}

func (v placeholders) fillAll(texts map[string]string) map[string]string {
	filled := make(map[string]string, len(texts))
	for name, text := range texts {
		filled[name] = v.fill(text)
	}
	return filled
}

// with gives a copy with changes.
func with(settings payment.Settings, changes map[string]string) payment.Settings {
	all := maps.Clone(settings)
	for name, value := range changes {
		if value == "" {
			delete(all, name)
		} else {
			all[name] = value
		}
	}
	return all
}
