package charge

// State is where a charge stands.
type State string

// The states. Which follow from what is in the table of Derive.
const (
	StatePlanned    State = "planned"    // an attempt waits for its turn
	StateWaiting    State = "waiting"    // something has to be mended or to pass first
	StateCharging   State = "charging"   // a call may be under way
	StateUnknown    State = "unknown"    // the gateway may or may not hold money for it
	StatePending    State = "pending"    // a bank decides
	StateHeld       State = "held"       // suspended at the gateway against our asking
	StateAuthorised State = "authorised" // reserved and recorded; nothing is debited yet
	StateReleasing  State = "releasing"  // the release was sent and not yet read back
	StateReleased   State = "released"   // the gateway will settle it
	StateSettled    State = "settled"    // the money is with the fulfiller
	StateDeclined   State = "declined"
	StateRejected   State = "rejected"   // it can't be charged as things are set up
	StateCancelling State = "cancelling" // cancelled; what the gateway holds is being let go
	StateCancelled  State = "cancelled"
)

// Final reports whether a charge in this state has come to its end, but for
// old references that are still watched.
func (s State) Final() bool {
	switch s {
	case StateSettled, StateDeclined, StateRejected, StateCancelled:
		return true
	}
	return false
}

// stateTexts are for states that no answer brings with its own words.
var stateTexts = map[State]string{
	StateReleasing:  "The release was sent, and is being read back.",
	StateReleased:   "Released: the gateway will settle it.",
	StateSettled:    "Settled: the money is with the fulfiller.",
	StateCancelling: "Cancelled: what the gateway holds for it is being let go.",
	StateCancelled:  "Cancelled: the gateway holds nothing for it.",
}

// Produce is the answer that the platform waits for.
type Produce string

// The answers. "no", once told, is for good.
const (
	ProduceWait Produce = "wait"
	ProduceYes  Produce = "yes"
	ProduceNo   Produce = "no"
)

// Reason is the machine word beside Produce.
type Reason string

// The reasons.
const (
	ReasonQueued         Reason = "queued"          // waits for its turn
	ReasonCharging       Reason = "charging"        // a call is under way
	ReasonDoubt          Reason = "doubt"           // an answer was lost; the gateway is being asked
	ReasonRetrying       Reason = "retrying"        // the gateway could not be reached; tried again later
	ReasonSetup          Reason = "setup"           // something in the company's set-up must be mended
	ReasonPaused         Reason = "paused"          // charging is paused for this link, site or plugin
	ReasonPending        Reason = "pending"         // a bank decides
	ReasonHeld           Reason = "held"            // suspended at the gateway
	ReasonFirstRelease   Reason = "first_release"   // the site has not shown yet that releases work
	ReasonAuthorised     Reason = "authorised"      // recorded; may be produced
	ReasonReleased       Reason = "released"        // will settle
	ReasonSettled        Reason = "settled"         // has settled
	ReasonDeclined       Reason = "declined"        // the bank said no
	ReasonRejected       Reason = "rejected"        // refused, and the set-up was not mended in time
	ReasonCancelled      Reason = "cancelled"       // the order was cancelled
	ReasonGatewayCancel  Reason = "gateway_cancel"  // cancelled or lapsed at the gateway
	ReasonPersonDecides  Reason = "person"          // a person has to decide
	ReasonCancelInDoubt  Reason = "cancel_in_doubt" // cancelled while money was in doubt; it is let go when it shows up
	ReasonCancelTooLate  Reason = "cancel_too_late" // cancelled after it settled: the money has to go back
	ReasonMismatch       Reason = "mismatch"        // the gateway holds something else than was asked for
	ReasonChargedTwice   Reason = "second_payment"  // a second authorisation can't be cancelled any more
	ReasonRestored       Reason = "restored"        // the database was put back, and charging is stopped until the gateway was swept
	ReasonUnconfirmed    Reason = "unconfirmed"     // from before a restore of the database; nobody has said yet that it is still wanted
	ReasonTestMode       Reason = "test_mode"       // paid with test money in a production environment
	ReasonReleaseOverdue Reason = "release_overdue" // the release was sent but is not seen at the gateway
)

// Case is why a charge needs a person; empty where it does not.
type Case string

// The cases. What to do about each is in CaseAdvice.
const (
	CaseNone            Case = ""
	CaseHeld            Case = "held"
	CaseHeldBySomeone   Case = "held_by_someone"
	CaseDoubtTooLong    Case = "doubt_too_long"
	CaseAbsent          Case = "absent"
	CaseSetup           Case = "setup"
	CaseOrderRefused    Case = "order_refused"
	CaseTooManyAttempts Case = "too_many_attempts"
	CaseMismatch        Case = "mismatch"
	CaseRefundNeeded    Case = "refund_needed"
	CaseSecondPayment   Case = "second_payment"
	CaseReleaseOverdue  Case = "release_overdue"
	CaseSettleOverdue   Case = "settle_overdue"
	CaseGatewayCancel   Case = "gateway_cancel"
	CaseTwoOpen         Case = "two_open"
	CasePaidAfterNo     Case = "paid_after_no"
	CaseAccess          Case = "access"
	CaseUnconfirmed     Case = "unconfirmed"
	CaseTestMode        Case = "test_mode"
)

var advice = map[Case]string{
	CaseHeld:            "The gateway authorised the payment but suspended it, against our asking. Look at it in MyST: release it there, or cancel the order here.",
	CaseHeldBySomeone:   "The payment was released and then suspended again by somebody at the gateway. It is not released a second time: ask who did it, then release it in MyST or cancel the order here.",
	CaseDoubtTooLong:    "The gateway could not say for a day whether it took this payment. It is still asked. Ask the gateway's Support with the order reference, or cancel the order here: whatever shows up is then let go.",
	CaseAbsent:          "The gateway took nothing for the last attempt, and by its settings this link leaves the next one to a person: retry or cancel the order.",
	CaseSetup:           "The gateway refuses this link's settings. Mend what the reason says, run the preflight, and the order goes on by itself.",
	CaseOrderRefused:    "The gateway refuses this order, though the settings are fine: what is said of the charge tells why (its amount or currency may not fit the stored card). Mend that, with the gateway's Support where it takes them, and retry; or cancel the order.",
	CaseTooManyAttempts: "Too many attempts failed without reaching the gateway. See to the connection, and cancel the order here; the platform can place it again under a new reference.",
	CaseMismatch:        "The gateway holds a payment under our reference with another amount, card or user than we sent. Compare it in MyST and cancel there what is wrong: until then nothing more is charged or released by itself.",
	CaseRefundNeeded:    "The order is cancelled but its payment had already settled. Refund it in MyST.",
	CaseSecondPayment:   "A second payment of this order settles at the gateway and can't be cancelled any more. Refund it in MyST.",
	CaseReleaseOverdue:  "The payment was released an hour ago and the gateway does not show it yet. Look at it in MyST.",
	CaseSettleOverdue:   "The payment should have settled days ago. Ask the gateway's Support.",
	CaseGatewayCancel:   "The payment was cancelled at the gateway, or its authorisation lapsed. Retry to charge again, or cancel the order.",
	CaseTwoOpen:         "An earlier attempt turned out authorised while a later one is in doubt, and they settle by themselves. Decide in MyST before both settle.",
	CaseAccess:          "The gateway refuses the credentials that lead to this payment's site, so its state can't be read. Mend the Web Services user in MyST or in the settings; it goes on by itself.",
	CaseUnconfirmed:     "The order was here before the database was put back, and may have been cancelled since. Nothing was taken for it so far. Have the platform post it again, or retry the charge; or cancel the order.",
	CaseTestMode:        "The payment was made in test mode, so no money will come, and this is a production environment. Cancel the order here, enter the live site in the settings, and have the platform post it under a new reference.",
	CasePaidAfterNo:     "The platform was told not to produce, and then the payment turned up as taken. Refund or cancel it in MyST.",
}

// Advice says in plain words what a person should do.
func (c Case) Advice() string { return advice[c] }
