package pluginrpc

import (
	"github.com/chargehand/chargehand/shared/payment"
	pb "github.com/chargehand/chargehand/shared/paymentv1"
)

// enum translates between the words of the domain and the numbers of the
// protocol. What is not in it becomes the zero value of the other side.
type enum[D ~string, P ~int32] struct {
	numbers map[D]P
	words   map[P]D
}

func newEnum[D ~string, P ~int32](numbers map[D]P) enum[D, P] {
	words := make(map[P]D, len(numbers))
	for word, number := range numbers {
		words[number] = word
	}
	return enum[D, P]{numbers: numbers, words: words}
}

func (e enum[D, P]) toProto(word D) P     { return e.numbers[word] }
func (e enum[D, P]) fromProto(number P) D { return e.words[number] }

var (
	outcomes = newEnum(map[payment.Outcome]pb.Outcome{
		payment.OutcomeApproved: pb.Outcome_OUTCOME_APPROVED,
		payment.OutcomeHeld:     pb.Outcome_OUTCOME_HELD,
		payment.OutcomeDeclined: pb.Outcome_OUTCOME_DECLINED,
		payment.OutcomePending:  pb.Outcome_OUTCOME_PENDING,
		payment.OutcomeNotSent:  pb.Outcome_OUTCOME_NOT_SENT,
		payment.OutcomeRejected: pb.Outcome_OUTCOME_REJECTED,
		payment.OutcomeUnknown:  pb.Outcome_OUTCOME_UNKNOWN,
	})
	settleModes = newEnum(map[payment.SettleMode]pb.SettleMode{
		payment.SettleRecorded: pb.SettleMode_SETTLE_MODE_RECORDED,
		payment.SettleAtOnce:   pb.SettleMode_SETTLE_MODE_AT_ONCE,
	})
	statuses = newEnum(map[payment.Status]pb.Status{
		payment.StatusDue:          pb.Status_STATUS_DUE,
		payment.StatusDueUnchecked: pb.Status_STATUS_DUE_UNCHECKED,
		payment.StatusSuspended:    pb.Status_STATUS_SUSPENDED,
		payment.StatusCancelled:    pb.Status_STATUS_CANCELLED,
		payment.StatusSettling:     pb.Status_STATUS_SETTLING,
		payment.StatusSettled:      pb.Status_STATUS_SETTLED,
	})
	kinds = newEnum(map[payment.Kind]pb.TransactionKind{
		payment.KindAuthorisation: pb.TransactionKind_TRANSACTION_KIND_AUTHORISATION,
		payment.KindAccountCheck:  pb.TransactionKind_TRANSACTION_KIND_ACCOUNT_CHECK,
		payment.KindRefund:        pb.TransactionKind_TRANSACTION_KIND_REFUND,
		payment.KindOther:         pb.TransactionKind_TRANSACTION_KIND_OTHER,
	})
	modes = newEnum(map[payment.Mode]pb.Mode{
		payment.ModeTest: pb.Mode_MODE_TEST,
		payment.ModeLive: pb.Mode_MODE_LIVE,
	})
	faults = newEnum(map[payment.Fault]pb.Fault{
		payment.FaultOrder:           pb.Fault_FAULT_ORDER,
		payment.FaultStoredReference: pb.Fault_FAULT_STORED_REFERENCE,
		payment.FaultSite:            pb.Fault_FAULT_SITE,
		payment.FaultGateway:         pb.Fault_FAULT_GATEWAY,
	})
	declines = newEnum(map[payment.Decline]pb.Decline{
		payment.DeclineHard: pb.Decline_DECLINE_HARD,
		payment.DeclineSoft: pb.Decline_DECLINE_SOFT,
	})
	actions = newEnum(map[payment.Action]pb.Action{
		payment.ActionRelease: pb.Action_ACTION_RELEASE,
		payment.ActionCancel:  pb.Action_ACTION_CANCEL,
	})
	levels = newEnum(map[payment.Level]pb.Level{
		payment.LevelOK:      pb.Level_LEVEL_OK,
		payment.LevelWarning: pb.Level_LEVEL_WARNING,
		payment.LevelProblem: pb.Level_LEVEL_PROBLEM,
	})
	fieldKinds = newEnum(map[payment.FieldKind]pb.FieldKind{
		payment.FieldText:    pb.FieldKind_FIELD_KIND_TEXT,
		payment.FieldSecret:  pb.FieldKind_FIELD_KIND_SECRET,
		payment.FieldChoice:  pb.FieldKind_FIELD_KIND_CHOICE,
		payment.FieldInteger: pb.FieldKind_FIELD_KIND_INTEGER,
	})
	owners = newEnum(map[payment.Owner]pb.FieldOwner{
		payment.OwnerFulfiller: pb.FieldOwner_FIELD_OWNER_FULFILLER,
		payment.OwnerLink:      pb.FieldOwner_FIELD_OWNER_LINK,
	})
	errorKinds = newEnum(map[payment.ErrorKind]pb.ErrorKind{
		payment.ErrorInternal:     pb.ErrorKind_ERROR_KIND_INTERNAL,
		payment.ErrorInvalid:      pb.ErrorKind_ERROR_KIND_INVALID,
		payment.ErrorUnauthorized: pb.ErrorKind_ERROR_KIND_UNAUTHORIZED,
		payment.ErrorForbidden:    pb.ErrorKind_ERROR_KIND_FORBIDDEN,
		payment.ErrorNotFound:     pb.ErrorKind_ERROR_KIND_NOT_FOUND,
		payment.ErrorConflict:     pb.ErrorKind_ERROR_KIND_CONFLICT,
		payment.ErrorUnavailable:  pb.ErrorKind_ERROR_KIND_UNAVAILABLE,
		payment.ErrorRateLimited:  pb.ErrorKind_ERROR_KIND_RATE_LIMITED,
		payment.ErrorUnknown:      pb.ErrorKind_ERROR_KIND_UNKNOWN,
		payment.ErrorUnsupported:  pb.ErrorKind_ERROR_KIND_UNSUPPORTED,
	})
)
