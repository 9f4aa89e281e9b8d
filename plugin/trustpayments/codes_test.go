package trustpayments

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/plugin/trustpayments/webservices"
	"github.com/chargehand/chargehand/shared/payment"
)

// What each code stands for, written down apart from the table.
const (
	wantSuccess   = "0"
	wantAmbiguous = `1 10500 21031 21038 25001 50000 50002-50005 50008 50011-50012 50014-50016 60010 60020 60026 60030 60034
		60038-60039 60100-60120 60500 62000 70001 79000 90011 99998-99999`
	wantConfig = `2 6 10300-10302 20004 20008-20009 20018 20028 20030 20032-20033 20040 21002 21005 21007 21041 21044 25000 25002
		30001 30006 30008-30009 30011 40000 40002 50006 60012 60023 60027 60031-60032 60041 61002 90004`
	wantCommunication  = `4-5 7-9 31005 51000-51001`
	wantInvalidRequest = `10 10003 10100-10103 10200-10205 10600 20005-20007 20010-20015 20019-20027 20029 20031 20034-20038 21014
		21017 25003 30000 30003-30005 30007 30010 30012 30014-30015 31000-31004 31006-31007 31010 40001 60013-60014 60016-60019
		60024-60025 60028-60029 60033 60035 60037 60040`
	wantRetryableFault = `20039 21000 50001 50007 50009 60021 79001 88000 90007`
	wantNonAPI         = `21001 21003-21004 21006 21009-21010 21012-21013 21015-21016 21018-21030 21032-21037 21039-21040 21042-21043
		21045-21060 22000 31009 50010 60003 60011 61000-61001 61003 90001-90003 90005-90006 90008-90010`
	wantDeclinedHard = `30002 60022 60036 60043-60045 70000`
	wantDeclinedSoft = `60042 71000 72000 88888`

	wantStoredReference = `20004 20028 20030 20032 20033 20040 30004 40002 60041`
	wantOrder           = `20009 20014 20015 30000 60025 60029`
	wantGateway         = `21000`
)

// expand lists the codes of "1 3-5" that the table has. Ranges skip what does
// not exist, so the counts are checked apart.
func expand(t *testing.T, table codeTable, text string) []string {
	t.Helper()
	var codes []string
	for _, part := range strings.Fields(text) {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			codes = append(codes, from)
			continue
		}
		first, err := strconv.Atoi(from)
		require.NoError(t, err)
		last, err := strconv.Atoi(to)
		require.NoError(t, err)
		for n := first; n <= last; n++ {
			if _, there := table[strconv.Itoa(n)]; there {
				codes = append(codes, strconv.Itoa(n))
			}
		}
	}
	return codes
}

func loaded(t *testing.T) codeTable {
	t.Helper()
	table, err := loadCodes()
	require.NoError(t, err)
	return table
}

func TestCodes_Table(t *testing.T) {
	t.Parallel()
	table := loaded(t)
	require.Len(t, table, 255)
	seen := map[string]class{}
	for _, group := range []struct {
		class class
		codes string
		count int
	}{
		{classSuccess, wantSuccess, 1},
		{"ambiguous", wantAmbiguous, 51},
		{classConfig, wantConfig, 37},
		{"communication", wantCommunication, 8},
		{classInvalidRequest, wantInvalidRequest, 73},
		{"retryable_fault", wantRetryableFault, 9},
		{"non_api", wantNonAPI, 65},
		{classDeclinedHard, wantDeclinedHard, 7},
		{classDeclinedSoft, wantDeclinedSoft, 4},
	} {
		codes := expand(t, table, group.codes)
		require.Len(t, codes, group.count, group.class)
		for _, code := range codes {
			seen[code] = group.class
		}
	}
	got := map[string]class{}
	for code, row := range table {
		got[code] = row.class
		require.NotEmpty(t, row.message, code)
		require.NotEmpty(t, row.meaning, code)
		require.True(t, code == codeOK || row.todo != "", "code %s does not say what to do", code)
	}
	require.Empty(t, cmp.Diff(seen, got))
}

// TestCodes_Outcomes walks every code through every settle status and both
// ways of settling.
func TestCodes_Outcomes(t *testing.T) {
	t.Parallel()
	table := loaded(t)
	sets := map[string]map[string]bool{}
	for name, text := range map[string]string{
		"config": wantConfig, "invalid": wantInvalidRequest, "hard": wantDeclinedHard, "soft": wantDeclinedSoft,
		"stored": wantStoredReference, "order": wantOrder, "gateway": wantGateway,
	} {
		sets[name] = map[string]bool{}
		for _, code := range expand(t, table, text) {
			sets[name][code] = true
		}
	}
	codes := append(slices.Collect(maps.Keys(table)), "", "00", "0.0", "-1", "77777", "not a code")
	for _, code := range codes {
		for _, settle := range []string{"", "0", "1", "2", "3", "10", "100", "4", "x"} {
			for _, asked := range []payment.SettleMode{payment.SettleRecorded, payment.SettleAtOnce, payment.SettleUnspecified} {
				want := reading{outcome: payment.OutcomeUnknown}
				failed := settle == "" || settle == "3"
				switch {
				case code == codeOK:
					want.outcome = wantOfSuccess(settle, asked)
				case failed && sets["hard"][code]:
					want.outcome, want.decline = payment.OutcomeDeclined, payment.DeclineHard
				case failed && sets["soft"][code]:
					want.outcome, want.decline = payment.OutcomeDeclined, payment.DeclineSoft
				case failed && (sets["config"][code] || sets["invalid"][code]):
					want.outcome = payment.OutcomeRejected
					switch {
					case sets["stored"][code]:
						want.fault = payment.FaultStoredReference
					case sets["order"][code]:
						want.fault = payment.FaultOrder
					case sets["config"][code]:
						want.fault = payment.FaultSite
					}
				case failed && sets["gateway"][code]:
					want.fault = payment.FaultGateway
				}
				got := table.read(webservices.Element{Fields: map[string]string{"errorcode": code, "settlestatus": settle}}, asked)
				require.NotEmpty(t, got.reason)
				require.Equal(t, code, got.code)
				got.reason, got.code = "", ""
				require.Equal(t, want, got, "code %q, settle status %q, asked %q", code, settle, asked)
			}
		}
	}
}

func wantOfSuccess(settle string, asked payment.SettleMode) payment.Outcome {
	switch settle {
	case "0", "1", "3", "10", "100":
		return payment.OutcomeApproved
	case "2":
		switch asked {
		case payment.SettleRecorded:
			return payment.OutcomeApproved
		case payment.SettleAtOnce:
			return payment.OutcomeHeld
		}
	}
	return payment.OutcomeUnknown
}

func TestRead_NoCardPayment(t *testing.T) {
	t.Parallel()
	table := loaded(t)
	for _, tc := range []struct {
		fields map[string]string
		want   payment.Outcome
	}{
		{map[string]string{"paymenttypedescription": "TRUSTLY"}, payment.OutcomePending},
		{map[string]string{"paymenttypedescription": "VISA", "redirecturl": "https://bank.example/"}, payment.OutcomePending},
		{map[string]string{"paymenttypedescription": "Visa"}, payment.OutcomeApproved},
		{nil, payment.OutcomeApproved},
	} {
		fields := map[string]string{"errorcode": "0", "settlestatus": "10"}
		maps.Copy(fields, tc.fields)
		require.Equal(t, tc.want, table.read(webservices.Element{Fields: fields}, payment.SettleAtOnce).outcome, "%v", tc.fields)
	}
}

func TestRead_InvalidField(t *testing.T) {
	t.Parallel()
	table := loaded(t)
	for _, tc := range []struct {
		fields []string
		want   payment.Fault
	}{
		{[]string{"parenttransactionreference"}, payment.FaultStoredReference},
		{[]string{"sitereference"}, payment.FaultSite},
		{[]string{"accounttypedescription"}, payment.FaultSite},
		{[]string{"orderreference"}, payment.FaultOrder},
		{nil, payment.FaultOrder},
	} {
		got := table.read(webservices.Element{Fields: map[string]string{"errorcode": "30000"}, ErrorData: tc.fields}, payment.SettleRecorded)
		require.Equal(t, payment.OutcomeRejected, got.outcome)
		require.Equal(t, tc.want, got.fault, "%v", tc.fields)
	}
	got := table.read(webservices.Element{
		Fields: map[string]string{"errorcode": "30000"}, ErrorData: []string{"orderreference", "4111111111111111", "Some One"},
	}, payment.SettleRecorded)
	require.Equal(t, "A field of the request is missing or wrong; the gateway names it. (Gateway code 30000, about orderreference) "+
		"Report it to the maintainers of this plugin, with the code and the time.", got.reason)
}
