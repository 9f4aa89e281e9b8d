package pluginrpc

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"pgregory.net/rapid"

	"github.com/chargehand/chargehand/shared/payment"
	pb "github.com/chargehand/chargehand/shared/paymentv1"
)

var charge = verb{name: "charge", changes: true}

func TestErrorRoundTripIsIdentity(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		want := payment.Error{
			Op: rapid.String().Draw(rt, "op"), Field: rapid.String().Draw(rt, "field"),
			Text: rapid.String().Draw(rt, "text"), NotSent: rapid.Bool().Draw(rt, "not sent"),
		}
		fill(rt, reflect.ValueOf(&want.Kind).Elem())
		got := errorFrom(charge, StatusError(fmt.Errorf("around: %w", &want)))
		if want.Kind == "" {
			want.Kind = payment.ErrorInternal
		}
		require.Empty(rt, cmp.Diff(want, *got, cmpopts.IgnoreFields(payment.Error{}, "Err")))
	})
}

func TestErrorCauseStaysBehind(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		errors.New("password hunter2 was refused"),
		&payment.Error{Kind: payment.ErrorInvalid, Text: "wrong", Err: errors.New("password hunter2 was refused")},
	} {
		got := errorFrom(charge, StatusError(err))
		for e := error(got); e != nil; e = errors.Unwrap(e) {
			require.NotContains(t, e.Error(), "hunter2")
		}
		require.False(t, got.NotSent)
	}
}

func TestErrorWithoutDetailNeverProvesAnything(t *testing.T) {
	t.Parallel()
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		got := errorFrom(charge, status.Error(code, "not sent, I swear"))
		require.False(t, got.NotSent, code)
		require.False(t, payment.NotSent(got), code)
		require.Equal(t, code, status.Code(got), "the status stays within reach")
		require.NotContains(t, got.Error(), "I swear", "a text of unknown origin is not for people")
		if code == codes.Unimplemented {
			require.Equal(t, payment.ErrorUnsupported, got.Kind)
		} else {
			require.Equal(t, payment.ErrorUnknown, got.Kind, code)
		}
	}
}

func TestErrorOfUnknownKind(t *testing.T) {
	t.Parallel()
	st, err := status.New(codes.Aborted, "new words").WithDetails(&pb.ErrorDetail{Kind: 99, NotSent: true, Op: "charge"})
	require.NoError(t, err)
	got := errorFrom(charge, st.Err())
	require.Equal(t, payment.ErrorUnknown, got.Kind)
	require.True(t, got.NotSent)
	require.Equal(t, "charge: new words", got.Error())
}

func TestErrorOfEndedContext(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
		got := errorFrom(charge, StatusError(&payment.Error{Kind: payment.ErrorUnknown, Err: fmt.Errorf("read answer: %w", cause)}))
		require.ErrorIs(t, got, cause)
		require.Equal(t, payment.ErrorUnknown, got.Kind)
		for _, noticed := range []error{
			status.FromContextError(cause).Err(),                                       // by the host
			StatusError(cause), StatusError(fmt.Errorf("password hunter2: %w", cause)), // by the plugin
		} {
			got := errorFrom(charge, noticed)
			require.ErrorIs(t, got, cause)
			require.Equal(t, payment.ErrorUnknown, got.Kind)
			require.False(t, got.NotSent)
			require.NotContains(t, fmt.Sprint(got, got.Err), "hunter2")
			require.Equal(t, payment.ErrorUnavailable, errorFrom(verb{name: "query"}, noticed).Kind)
		}
	}
}

func TestErrorOfReadIsPlain(t *testing.T) {
	t.Parallel()
	for code, want := range map[codes.Code]payment.ErrorKind{
		codes.Unavailable:      payment.ErrorUnavailable,
		codes.DeadlineExceeded: payment.ErrorUnavailable,
		codes.Canceled:         payment.ErrorUnavailable,
		codes.InvalidArgument:  payment.ErrorInvalid,
		codes.Unimplemented:    payment.ErrorUnsupported,
		codes.Internal:         payment.ErrorInternal,
		codes.Unknown:          payment.ErrorInternal,
	} {
		got := errorFrom(verb{name: "query"}, status.Error(code, "x"))
		require.Equal(t, want, got.Kind, code)
		require.NotContains(t, got.Error(), "look it up")
	}
}

func TestErrorTextIsBounded(t *testing.T) {
	t.Parallel()
	got := errorFrom(charge, StatusError(&payment.Error{Kind: payment.ErrorInvalid, Text: strings.Repeat("é", 1<<20)}))
	require.LessOrEqual(t, len(got.Text), maxErrorText+len("\uFFFD"))
	require.NoError(t, StatusError(nil))
}
