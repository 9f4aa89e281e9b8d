package charge

import (
	"time"

	"github.com/chargehand/chargehand/shared/payment"
)

// Facts is what Derive has to know beyond the charge itself.
type Facts struct {
	Now    time.Time
	Clocks Clocks
	// SiteProven: a release on the site was read back before, and none is
	// failing now. Until then "produce" waits for the charge's own release.
	SiteProven bool
	// Paused: new attempts must not start, for the reason in PauseText.
	Paused    bool
	PauseText string
	// Probed: a preflight tries again and again what they are paused for, and
	// once it is good what waits is made due at once.
	Probed bool
	// SetupFault: what they wait for is the company's to mend, not a gateway that
	// can't be reached or settings that can't be read just now.
	SetupFault bool
	// Stopped: Paused, because the database was found to have been put back.
	Stopped bool
	// RestoredAt is when that last happened; zero if never.
	RestoredAt time.Time
	// Production: test money says nothing about real goods here.
	Production bool
	// SettingsVersion names the settings that a new attempt would be made with.
	SettingsVersion string
	// RetryAbsent: the link's settings allow one new attempt by itself after
	// an absence that has aged.
	RetryAbsent bool
}

// Act is what has to be done next.
type Act string

// The acts.
const (
	ActNone    Act = ""        // nothing, ever
	ActStart   Act = "start"   // the planned attempt, by its turn
	ActExpire  Act = "expire"  // the lease on a started attempt has ended: doubt
	ActPlan    Act = "plan"    // write down a new attempt
	ActWait    Act = "wait"    // see whether the pause is over
	ActLook    Act = "look"    // ask for all references
	ActFollow  Act = "follow"  // ask for the records by id
	ActRelease Act = "release" // look, then release
	ActCancel  Act = "cancel"  // cancel the records named
)

// Verdict is what Derive says of a charge.
type Verdict struct {
	State   State
	Produce Produce
	Reason  Reason
	Case    Case
	Chosen  payment.TransactionID
	Act     Act
	At      time.Time               // when to act; zero with ActNone
	Cancel  []payment.TransactionID // with ActCancel
}

var actTexts = map[Act]string{
	ActNone:    "Nothing more happens by itself.",
	ActStart:   "The next attempt starts when its turn comes.",
	ActExpire:  "If no answer is written down by then, the gateway is asked what became of the call.",
	ActPlan:    "A new attempt is made.",
	ActWait:    "It is checked whether charging may go on.",
	ActLook:    "The gateway is asked what it holds under this charge's references.",
	ActFollow:  "The gateway is asked how far the payment has come.",
	ActRelease: "The gateway is asked whether this is the only live authorisation, and it is released.",
	ActCancel:  "Authorisations that must not settle are cancelled and read back.",
}

// Text says the act in words.
func (a Act) Text() string { return actTexts[a] }
