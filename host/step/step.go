package step

// Step names one place between two effects that last or that others see.
type Step string

// The steps, in the order in which an order comes to them. The comment of each
// says what stands at that moment, and what does not yet.
const (
	// OrderPrepared: the order is checked and has room; nothing of it is written.
	OrderPrepared Step = "order_prepared"
	// SequenceAllotted: a number of a recurring series is spent; its attempt is not written.
	SequenceAllotted Step = "sequence_allotted"
	// IntakeWritten: order, charges and attempts are written; not committed.
	IntakeWritten Step = "intake_written"
	// IntakeCommitted: they are committed; nothing is sent, and nobody is told.
	IntakeCommitted Step = "intake_committed"
	// OrderTaken: the attempt is under way; the platform has no answer to its post.
	OrderTaken Step = "order_taken"
	// StartsCommitted: planned attempts are committed as started; nothing is sent.
	StartsCommitted Step = "starts_committed"
	// ChargeSending: all checks are made; the call to charge goes out next.
	ChargeSending Step = "charge_sending"
	// ChargeAnswered: the answer of the call is here, and nowhere else.
	ChargeAnswered Step = "charge_answered"
	// ChangeWritten: states, evidence, ledger and events are written; not committed.
	ChangeWritten Step = "change_written"
	// Committed: COMMIT is answered, of whichever transaction; whoever waits for it is not told.
	Committed Step = "committed"
	// ResultCommitted: an answer or a read-back is committed; nobody goes on from it.
	ResultCommitted Step = "result_committed"
	// DueWritten: what is due is written as claimed; not committed.
	DueWritten Step = "due_written"
	// DueClaimed: what is due is claimed; it is not read.
	DueClaimed Step = "due_claimed"
	// DueCommitted: doubt, a retry or a wait is committed; nobody goes on from it.
	DueCommitted Step = "due_committed"
	// LookDone: the gateway was asked; nothing of what it said is written.
	LookDone Step = "look_done"
	// LookCommitted: what it said is committed; nobody goes on from it.
	LookCommitted Step = "look_committed"
	// LookFailureCommitted: that it could not be asked is committed; nobody goes on from it.
	LookFailureCommitted Step = "look_failure_committed"
	// MarkCommitted: a release or cancellation is committed as about to be sent; it is not sent.
	MarkCommitted Step = "mark_committed"
	// AdjustAnswered: a release or cancellation was sent; it is not read back.
	AdjustAnswered Step = "adjust_answered"
	// ReadBackDone: it is read back; nothing of that is written.
	ReadBackDone Step = "read_back_done"
	// CancelNoted: the order is committed as cancelled; its charges have not decided on it.
	CancelNoted Step = "cancel_noted"
	// DecisionCommitted: a cancellation or a person's word is committed with a charge; nobody goes on from it.
	DecisionCommitted Step = "decision_committed"
	// CancelTaken: all charges have decided on it; the platform has no answer.
	CancelTaken Step = "cancel_taken"
	// ProbeDone: the preflight of what is paused is made; nothing of it is written.
	ProbeDone Step = "probe_done"
	// ProbeCommitted: the next preflight is committed.
	ProbeCommitted Step = "probe_committed"
	// PauseEnded: the end of a pause is committed; this host still holds it.
	PauseEnded Step = "pause_ended"
	// RestoreOpened: that the database was put back is committed; nothing is swept.
	RestoreOpened Step = "restore_opened"
	// SweepAsked: the gateway has listed some of what it has; nothing of that is written.
	SweepAsked Step = "sweep_asked"
	// SweepAdopted: what it has of a charge in the books is committed; how far the sweep is, is not.
	SweepAdopted Step = "sweep_adopted"
	// SweepSaved: how far it is and what it kept is committed; it does not go on.
	SweepSaved Step = "sweep_saved"
	// StopLifted: that charging goes on is committed; nobody is told.
	StopLifted Step = "stop_lifted"
)
