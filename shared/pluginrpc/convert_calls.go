package pluginrpc

import (
	"github.com/chargehand/chargehand/shared/payment"
	pb "github.com/chargehand/chargehand/shared/paymentv1"
)

func preflightRequestToProto(r payment.PreflightRequest) *pb.PreflightRequest {
	return &pb.PreflightRequest{Access: accessToProto(r.Access), Stored: string(r.Stored)}
}

func preflightRequestFromProto(r *pb.PreflightRequest) payment.PreflightRequest {
	return payment.PreflightRequest{
		Access: accessFromProto(r.GetAccess()),
		Stored: payment.TransactionID(r.GetStored()),
	}
}

func preflightReportToProto(r payment.PreflightReport) *pb.PreflightResponse {
	return &pb.PreflightResponse{
		Findings: list(r.Findings, func(f payment.Finding) *pb.Finding {
			return &pb.Finding{
				Check: text(f.Check),
				Level: levels.toProto(f.Level),
				Field: text(f.Field),
				Text:  text(f.Text),
				Todo:  text(f.Todo),
				Fault: faults.toProto(f.Fault),
				Code:  text(f.Code),
			}
		}),
		Mode:     modes.toProto(r.Mode),
		Card:     text(r.Card),
		Scheme:   text(r.Scheme),
		Expiry:   text(r.Expiry),
		Currency: text(r.Currency),
	}
}

func preflightReportFromProto(r *pb.PreflightResponse) payment.PreflightReport {
	return payment.PreflightReport{
		Findings: list(r.GetFindings(), func(f *pb.Finding) payment.Finding {
			return payment.Finding{
				Check: f.GetCheck(),
				Level: levels.fromProto(f.GetLevel()),
				Field: f.GetField(),
				Text:  f.GetText(),
				Todo:  f.GetTodo(),
				Fault: faults.fromProto(f.GetFault()),
				Code:  f.GetCode(),
			}
		}),
		Mode:     modes.fromProto(r.GetMode()),
		Card:     r.GetCard(),
		Scheme:   r.GetScheme(),
		Expiry:   r.GetExpiry(),
		Currency: r.GetCurrency(),
	}
}

func chargeRequestToProto(r payment.ChargeRequest) *pb.ChargeRequest {
	return &pb.ChargeRequest{
		Access:       accessToProto(r.Access),
		Reference:    string(r.Reference),
		Amount:       amountToProto(r.Amount),
		Stored:       string(r.Stored),
		Settle:       settleModes.toProto(r.Settle),
		Mode:         modes.toProto(r.Mode),
		Sequence:     r.Sequence,
		SendBefore:   timeToProto(r.SendBefore),
		AnswerWithin: durationToProto(r.AnswerWithin),
	}
}

func chargeRequestFromProto(r *pb.ChargeRequest) payment.ChargeRequest {
	return payment.ChargeRequest{
		Access:       accessFromProto(r.GetAccess()),
		Reference:    payment.Reference(r.GetReference()),
		Amount:       amountFromProto(r.GetAmount()),
		Stored:       payment.TransactionID(r.GetStored()),
		Settle:       settleModes.fromProto(r.GetSettle()),
		Mode:         modes.fromProto(r.GetMode()),
		Sequence:     r.GetSequence(),
		SendBefore:   timeFromProto(r.GetSendBefore()),
		AnswerWithin: r.GetAnswerWithin().AsDuration(),
	}
}

func chargeResultToProto(r payment.ChargeResult) *pb.ChargeResponse {
	response := &pb.ChargeResponse{
		Outcome:  outcomes.toProto(r.Outcome),
		Decline:  declines.toProto(r.Decline),
		Fault:    faults.toProto(r.Fault),
		Code:     text(r.Code),
		Reason:   text(r.Reason),
		Evidence: text(r.Evidence),
	}
	if r.Transaction != nil {
		response.Transaction = transactionToProto(*r.Transaction)
	}
	return response
}

func chargeResultFromProto(r *pb.ChargeResponse) payment.ChargeResult {
	result := payment.ChargeResult{
		Outcome:  outcomes.fromProto(r.GetOutcome()),
		Decline:  declines.fromProto(r.GetDecline()),
		Fault:    faults.fromProto(r.GetFault()),
		Code:     r.GetCode(),
		Reason:   r.GetReason(),
		Evidence: r.GetEvidence(),
	}
	if r.GetTransaction() != nil {
		transaction := transactionFromProto(r.GetTransaction())
		result.Transaction = &transaction
	}
	return result
}

func queryRequestToProto(r payment.QueryRequest) *pb.QueryRequest {
	return &pb.QueryRequest{
		Access: accessToProto(r.Access),
		Lookups: list(r.Lookups, func(l payment.Lookup) *pb.Lookup {
			return &pb.Lookup{Reference: string(l.Reference), Id: string(l.ID), Asked: settleModes.toProto(l.Asked)}
		}),
		Window: windowToProto(r.Window),
	}
}

func queryRequestFromProto(r *pb.QueryRequest) payment.QueryRequest {
	return payment.QueryRequest{
		Access: accessFromProto(r.GetAccess()),
		Lookups: list(r.GetLookups(), func(l *pb.Lookup) payment.Lookup {
			return payment.Lookup{
				Reference: payment.Reference(l.GetReference()),
				ID:        payment.TransactionID(l.GetId()),
				Asked:     settleModes.fromProto(l.GetAsked()),
			}
		}),
		Window: windowFromProto(r.GetWindow()),
	}
}

func windowToProto(w *payment.Window) *pb.Window {
	if w == nil {
		return nil
	}
	return &pb.Window{From: timeToProto(w.From), To: timeToProto(w.To), Cursor: w.Cursor}
}

func windowFromProto(w *pb.Window) *payment.Window {
	if w == nil {
		return nil
	}
	return &payment.Window{From: timeFromProto(w.GetFrom()), To: timeFromProto(w.GetTo()), Cursor: w.GetCursor()}
}

func queryResultToProto(r payment.QueryResult) *pb.QueryResponse {
	return &pb.QueryResponse{
		Transactions: list(r.Transactions, transactionToProto),
		Next:         text(r.Next),
	}
}

func queryResultFromProto(r *pb.QueryResponse) payment.QueryResult {
	return payment.QueryResult{
		Transactions: list(r.GetTransactions(), transactionFromProto),
		Next:         r.GetNext(),
	}
}

func adjustRequestToProto(r payment.AdjustRequest) *pb.AdjustRequest {
	return &pb.AdjustRequest{
		Access: accessToProto(r.Access),
		Adjustments: list(r.Adjustments, func(a payment.Adjustment) *pb.Adjustment {
			return &pb.Adjustment{Id: string(a.ID), Action: actions.toProto(a.Action)}
		}),
	}
}

func adjustRequestFromProto(r *pb.AdjustRequest) payment.AdjustRequest {
	return payment.AdjustRequest{
		Access: accessFromProto(r.GetAccess()),
		Adjustments: list(r.GetAdjustments(), func(a *pb.Adjustment) payment.Adjustment {
			return payment.Adjustment{ID: payment.TransactionID(a.GetId()), Action: actions.fromProto(a.GetAction())}
		}),
	}
}

func adjustResultToProto(r payment.AdjustResult) *pb.AdjustResponse {
	return &pb.AdjustResponse{
		Adjusted: list(r.Adjusted, func(a payment.Adjusted) *pb.Adjusted {
			return &pb.Adjusted{Id: text(a.ID), Accepted: a.Accepted, Code: text(a.Code), Message: text(a.Message)}
		}),
	}
}

func adjustResultFromProto(r *pb.AdjustResponse) payment.AdjustResult {
	return payment.AdjustResult{
		Adjusted: list(r.GetAdjusted(), func(a *pb.Adjusted) payment.Adjusted {
			return payment.Adjusted{
				ID:       payment.TransactionID(a.GetId()),
				Accepted: a.GetAccepted(),
				Code:     a.GetCode(),
				Message:  a.GetMessage(),
			}
		}),
	}
}
