package pluginrpc

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/chargehand/chargehand/shared/payment"
	pb "github.com/chargehand/chargehand/shared/paymentv1"
)

// maxErrorText bounds the public text of an error, in bytes: it travels in a
// header, and a header too large would cost the whole answer.
const maxErrorText = 4 << 10

// statusCodes is how a kind looks to whoever knows gRPC alone. The kind itself
// travels in the detail.
var statusCodes = map[payment.ErrorKind]codes.Code{
	payment.ErrorInternal:     codes.Internal,
	payment.ErrorInvalid:      codes.InvalidArgument,
	payment.ErrorUnauthorized: codes.Unauthenticated,
	payment.ErrorForbidden:    codes.PermissionDenied,
	payment.ErrorNotFound:     codes.NotFound,
	payment.ErrorConflict:     codes.FailedPrecondition,
	payment.ErrorUnavailable:  codes.Unavailable,
	payment.ErrorRateLimited:  codes.ResourceExhausted,
	payment.ErrorUnknown:      codes.Unknown,
	payment.ErrorUnsupported:  codes.Unimplemented,
}

// StatusError turns an error of a gateway into the status error that crosses
// the wire: kind, field and public text, never the cause. An error that is no
// *payment.Error crosses as ErrorInternal with a text of ours, since what it
// says may be meant for nobody; but the end of the call's context crosses as what
// it is, so that it looks the same whichever side notices it first.
func StatusError(err error) error {
	if err == nil {
		return nil
	}
	ended := codes.OK
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		ended = codes.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		ended = codes.Canceled
	}
	e, ok := errors.AsType[*payment.Error](err)
	switch {
	case !ok && ended != codes.OK:
		return status.Error(ended, "the time of the call was over, or it was cancelled")
	case !ok:
		e = &payment.Error{Text: "the payment plugin failed; its log says why"}
	}
	code, ok := statusCodes[payment.KindOf(e)]
	switch {
	case ended != codes.OK:
		code = ended
	case !ok:
		code = codes.Internal
	}
	st := status.New(code, text(clip(e.Text, maxErrorText)))
	detailed, detailErr := st.WithDetails(&pb.ErrorDetail{
		NotSent: e.NotSent,
		Field:   text(clip(e.Field, maxErrorText)),
		Kind:    errorKinds.toProto(payment.KindOf(e)),
		Op:      text(clip(e.Op, maxErrorText)),
	})
	if detailErr != nil {
		return st.Err() // proves nothing, which is always allowed
	}
	return detailed.Err()
}

// errorFrom turns what a call came back with into a *payment.Error.
func errorFrom(v verb, err error) *payment.Error {
	st := status.Convert(err)
	e := &payment.Error{
		Kind: kindFrom(st.Code(), v.changes),
		Op:   v.name,
		Text: textFrom(st.Code(), v.changes),
		Err:  causeFrom(st.Code(), err),
	}
	for _, d := range st.Details() {
		detail, ok := d.(*pb.ErrorDetail)
		if !ok {
			continue
		}
		if kind := errorKinds.fromProto(detail.GetKind()); kind != "" {
			e.Kind = kind
		}
		e.Op, e.Field, e.NotSent = detail.GetOp(), detail.GetField(), detail.GetNotSent()
		e.Text = st.Message()
		break
	}
	return e
}

// kindFrom reads a status that carries no kind: it comes from the connection,
// or from a plugin that was not made with this package.
func kindFrom(code codes.Code, changes bool) payment.ErrorKind {
	switch {
	case code == codes.Unimplemented:
		return payment.ErrorUnsupported
	case changes:
		return payment.ErrorUnknown
	}
	switch code {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.ResourceExhausted, codes.Aborted:
		return payment.ErrorUnavailable
	case codes.InvalidArgument, codes.OutOfRange:
		return payment.ErrorInvalid
	}
	return payment.ErrorInternal
}

func textFrom(code codes.Code, changes bool) string {
	what := "the payment plugin failed; its log and the host's say why"
	switch code {
	case codes.Unavailable:
		what = "the payment plugin stopped, or could not be reached"
	case codes.DeadlineExceeded:
		what = "the payment plugin did not answer in time"
	case codes.Canceled:
		what = "the call was cancelled before the payment plugin answered"
	case codes.ResourceExhausted:
		what = fmt.Sprintf("the payment plugin refused the call or its answer was larger than %d bytes", MaxMessage)
	case codes.Unimplemented:
		what = "the payment plugin does not offer this call; install a version that does"
	}
	if changes {
		what += "; whether the gateway acted is not known, look it up"
	}
	return what
}

// causeFrom keeps the status, and makes errors.Is find what the code stands
// for.
func causeFrom(code codes.Code, err error) error {
	switch code {
	case codes.DeadlineExceeded:
		return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	case codes.Canceled:
		return fmt.Errorf("%w: %w", context.Canceled, err)
	}
	return err
}

func clip(s string, most int) string {
	if len(s) > most {
		return s[:most]
	}
	return s
}
