package pluginrpc

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/chargehand/chargehand/shared/payment"
	pb "github.com/chargehand/chargehand/shared/paymentv1"
)

// Whatever the domain can say comes back the same after a trip over the wire.
// The values are made by reflection, so a field added to the domain and
// forgotten here fails.
func TestRoundTripIsIdentity(t *testing.T) {
	t.Parallel()
	roundTrip(t, "description", descriptionToProto, descriptionFromProto)
	roundTrip(t, "settings request", settingsRequestToProto, settingsRequestFromProto)
	roundTrip(t, "settings report", settingsReportToProto, settingsReportFromProto)
	roundTrip(t, "preflight request", preflightRequestToProto, preflightRequestFromProto)
	roundTrip(t, "preflight report", preflightReportToProto, preflightReportFromProto)
	roundTrip(t, "charge request", chargeRequestToProto, chargeRequestFromProto)
	roundTrip(t, "charge result", chargeResultToProto, chargeResultFromProto)
	roundTrip(t, "query request", queryRequestToProto, queryRequestFromProto)
	roundTrip(t, "query result", queryResultToProto, queryResultFromProto)
	roundTrip(t, "adjust request", adjustRequestToProto, adjustRequestFromProto)
	roundTrip(t, "adjust result", adjustResultToProto, adjustResultFromProto)
}

func roundTrip[D any, M any, P interface {
	*M
	proto.Message
}](t *testing.T, name string, toProto func(D) P, fromProto func(P) D,
) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(rt *rapid.T) {
			var want D
			fill(rt, reflect.ValueOf(&want).Elem())
			wire, err := proto.Marshal(toProto(want))
			require.NoError(rt, err)
			message := P(new(M))
			require.NoError(rt, proto.Unmarshal(wire, message))
			require.Empty(rt, cmp.Diff(want, fromProto(message)))
		})
	})
}

// words lists the values that an enum's type may have.
var words = map[reflect.Type][]string{}

func init() {
	addWords(outcomes)
	addWords(settleModes)
	addWords(statuses)
	addWords(kinds)
	addWords(modes)
	addWords(faults)
	addWords(declines)
	addWords(actions)
	addWords(levels)
	addWords(fieldKinds)
	addWords(owners)
	addWords(errorKinds)
}

func addWords[D ~string, P ~int32](e enum[D, P]) {
	all := []string{""}
	for word := range e.numbers {
		all = append(all, string(word))
	}
	words[reflect.TypeFor[D]()] = all
}

// fill sets v to anything that its type allows.
func fill(rt *rapid.T, v reflect.Value) {
	if all, ok := words[v.Type()]; ok {
		v.SetString(rapid.SampledFrom(all).Draw(rt, v.Type().Name()))
		return
	}
	switch v.Interface().(type) {
	case time.Time:
		if rapid.Bool().Draw(rt, "has time") {
			seconds := rapid.Int64Range(-62135596800+1, 253402300799).Draw(rt, "seconds")
			v.Set(reflect.ValueOf(time.Unix(seconds, rapid.Int64Range(0, 999_999_999).Draw(rt, "nanoseconds")).UTC()))
		}
		return
	case time.Duration:
		v.SetInt(rapid.Int64Range(math.MinInt64, math.MaxInt64).Draw(rt, "duration"))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.String().Draw(rt, "string"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(rt, "bool"))
	case reflect.Int64:
		v.SetInt(rapid.Int64().Draw(rt, "int64"))
	case reflect.Pointer:
		if rapid.Bool().Draw(rt, "has pointer") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(rt, v.Elem())
		}
	case reflect.Slice:
		if n := rapid.IntRange(0, 3).Draw(rt, "length"); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fill(rt, v.Index(i))
			}
		}
	case reflect.Map:
		if m := rapid.MapOfN(rapid.String(), rapid.String(), 0, 3).Draw(rt, "map"); len(m) > 0 {
			v.Set(reflect.ValueOf(m).Convert(v.Type()))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(rt, v.Field(i))
		}
	default:
		rt.Fatalf("no way to fill a %s", v.Type())
	}
}

// A gateway's answer survives whatever bytes it is made of.
func TestAnswersOfAnyBytesCanBeSent(t *testing.T) {
	t.Parallel()
	const junk = "caf\xe9 \xff\xfe"
	result := payment.ChargeResult{
		Outcome: payment.OutcomeApproved, Code: junk, Reason: junk, Evidence: junk,
		Transaction: &payment.Transaction{
			ID: junk, Parent: junk, Reference: junk, Amount: payment.Amount{Minor: 1, Currency: junk}, Code: junk,
			Message: junk, Site: junk, User: junk, Card: junk, Scheme: junk, Expiry: junk,
		},
	}
	for name, message := range map[string]proto.Message{
		"charge": chargeResultToProto(result),
		"query":  queryResultToProto(payment.QueryResult{Transactions: []payment.Transaction{*result.Transaction}}),
		"adjust": adjustResultToProto(payment.AdjustResult{Adjusted: []payment.Adjusted{{ID: junk, Code: junk, Message: junk}}}),
		"preflight": preflightReportToProto(payment.PreflightReport{
			Findings: []payment.Finding{{Check: junk, Field: junk, Text: junk, Todo: junk, Code: junk}},
			Card:     junk, Scheme: junk, Expiry: junk, Currency: junk,
		}),
		"validate": settingsReportToProto(payment.SettingsReport{
			Problems: []payment.FieldProblem{{Field: junk, Label: junk, Rule: junk, Text: junk}},
			Profile:  payment.Profile{Endpoint: junk, Site: junk, User: junk, Stored: junk},
		}),
		"describe": descriptionToProto(payment.Description{
			Name: junk, Title: junk, Version: junk, Revision: junk, Capabilities: []string{junk},
			Settings: []payment.Field{{
				Name: junk, Label: junk, Rule: junk, Default: junk, Help: junk,
				Choices: []payment.Choice{{Value: junk, Label: junk}},
			}},
		}),
	} {
		_, err := proto.Marshal(message)
		require.NoError(t, err, name)
	}
	require.Equal(t, payment.OutcomeApproved, chargeResultFromProto(chargeResultToProto(result)).Outcome)
}

func TestUnknownEnumNumbersMeanNothing(t *testing.T) {
	t.Parallel()
	result := chargeResultFromProto(&pb.ChargeResponse{
		Outcome: 99, Decline: 99, Fault: 99,
		Transaction: &pb.Transaction{Kind: 99, Status: 99, Outcome: 99, Mode: 99},
	})
	require.Equal(t, payment.ChargeResult{Transaction: &payment.Transaction{}}, result)
	require.False(t, result.Outcome.Known())
}

func TestAbsentMessagesAreZeroValues(t *testing.T) {
	t.Parallel()
	require.Equal(t, payment.ChargeRequest{}, chargeRequestFromProto(&pb.ChargeRequest{}))
	require.Equal(t, payment.ChargeResult{}, chargeResultFromProto(&pb.ChargeResponse{}))
	require.Equal(t, payment.SettingsReport{}, settingsReportFromProto(&pb.ValidateSettingsResponse{}))
	require.Equal(t, payment.Transaction{}, transactionFromProto(&pb.Transaction{}))
}
