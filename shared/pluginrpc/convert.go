package pluginrpc

import (
	"maps"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chargehand/chargehand/shared/payment"
	pb "github.com/chargehand/chargehand/shared/paymentv1"
)

// text makes what a gateway said fit for the protocol, which refuses a whole
// message for one byte that is not UTF-8: an approval must not become doubt by
// the spelling of its message.
func text[S ~string](s S) string { return strings.ToValidUTF8(string(s), "\uFFFD") }

// timeToProto leaves the zero time out.
func timeToProto(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func timeFromProto(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime() // UTC
}

func durationToProto(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

// list translates a list; an empty one is nil on both sides.
func list[A, B any](from []A, one func(A) B) []B {
	if len(from) == 0 {
		return nil
	}
	to := make([]B, len(from))
	for i := range from {
		to[i] = one(from[i])
	}
	return to
}

// settingsToProto copies, so that a message in flight has no part in what its
// sender goes on with.
func settingsToProto(s payment.Settings) map[string]string { return maps.Clone(map[string]string(s)) }

func settingsFromProto(s map[string]string) payment.Settings { return payment.Settings(s) }

func accessToProto(a payment.Access) *pb.Access {
	return &pb.Access{
		Company:  a.Company,
		Settings: settingsToProto(a.Settings),
		Endpoint: a.Endpoint,
		Site:     a.Site,
	}
}

func accessFromProto(a *pb.Access) payment.Access {
	return payment.Access{
		Company:  a.GetCompany(),
		Settings: settingsFromProto(a.GetSettings()),
		Endpoint: a.GetEndpoint(),
		Site:     a.GetSite(),
	}
}

func amountToProto(a payment.Amount) *pb.Amount {
	if a == (payment.Amount{}) {
		return nil
	}
	return &pb.Amount{Minor: a.Minor, Currency: text(a.Currency)}
}

func amountFromProto(a *pb.Amount) payment.Amount {
	return payment.Amount{Minor: a.GetMinor(), Currency: a.GetCurrency()}
}

func transactionToProto(t payment.Transaction) *pb.Transaction {
	return &pb.Transaction{
		Id:        text(t.ID),
		Parent:    text(t.Parent),
		Reference: text(t.Reference),
		Kind:      kinds.toProto(t.Kind),
		Amount:    amountToProto(t.Amount),
		Status:    statuses.toProto(t.Status),
		Outcome:   outcomes.toProto(t.Outcome),
		Decline:   declines.toProto(t.Decline),
		Fault:     faults.toProto(t.Fault),
		Code:      text(t.Code),
		Message:   text(t.Message),
		Site:      text(t.Site),
		User:      text(t.User),
		Mode:      modes.toProto(t.Mode),
		Card:      text(t.Card),
		Scheme:    text(t.Scheme),
		Expiry:    text(t.Expiry),
		StartedAt: timeToProto(t.StartedAt),
		SettleDue: timeToProto(t.SettleDue),
		SettledAt: timeToProto(t.SettledAt),
	}
}

func transactionFromProto(t *pb.Transaction) payment.Transaction {
	return payment.Transaction{
		ID:        payment.TransactionID(t.GetId()),
		Parent:    payment.TransactionID(t.GetParent()),
		Reference: payment.Reference(t.GetReference()),
		Kind:      kinds.fromProto(t.GetKind()),
		Amount:    amountFromProto(t.GetAmount()),
		Status:    statuses.fromProto(t.GetStatus()),
		Outcome:   outcomes.fromProto(t.GetOutcome()),
		Decline:   declines.fromProto(t.GetDecline()),
		Fault:     faults.fromProto(t.GetFault()),
		Code:      t.GetCode(),
		Message:   t.GetMessage(),
		Site:      t.GetSite(),
		User:      t.GetUser(),
		Mode:      modes.fromProto(t.GetMode()),
		Card:      t.GetCard(),
		Scheme:    t.GetScheme(),
		Expiry:    t.GetExpiry(),
		StartedAt: timeFromProto(t.GetStartedAt()),
		SettleDue: timeFromProto(t.GetSettleDue()),
		SettledAt: timeFromProto(t.GetSettledAt()),
	}
}
