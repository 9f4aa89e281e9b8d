package settings

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLookBack(t *testing.T) {
	t.Parallel()
	at := func(number int64, minute int) Version {
		return Version{Number: number, At: time.Unix(0, 0).Add(time.Duration(minute) * time.Minute)}
	}
	numbers := func(pairs []versionPair) [][2]int64 {
		var out [][2]int64
		for _, p := range pairs {
			out = append(out, [2]int64{p.fulfiller.Number, p.link.Number})
		}
		return out
	}
	fulfiller := []Version{at(3, 50), at(2, 30), at(1, 10)}
	link := []Version{at(2, 40), at(1, 20)}
	require.Equal(t, [][2]int64{
		{3, 2}, {2, 2}, {1, 2}, // the link as it is, with any credentials
		{3, 1},         // older links with the newest
		{2, 1}, {1, 1}, // as they stood together: 3+2, 2+2, 2+1, 1+1
		{1, 0}, // before the link had any
	}, numbers(lookBack(fulfiller, link))[:7])
	require.Equal(t, [][2]int64{{0, 0}}, numbers(lookBack(nil, nil)))
	require.Equal(t, [][2]int64{{2, 0}, {1, 0}}, numbers(lookBack([]Version{at(2, 2), at(1, 1)}, nil)))
	require.Contains(t, numbers(lookBack(nil, link)), [2]int64{0, 1})
}

func TestLink_RetriesAbsent(t *testing.T) {
	t.Parallel()
	require.True(t, Link{AfterAbsence: AbsenceAttempt}.RetriesAbsent(1<<40))
	require.True(t, Link{AfterAbsence: AbsenceAttempt, AfterAbsenceMax: 100}.RetriesAbsent(100))
	require.False(t, Link{AfterAbsence: AbsenceAttempt, AfterAbsenceMax: 100}.RetriesAbsent(101))
	require.False(t, Link{AfterAbsence: AbsencePerson}.RetriesAbsent(1))
	require.False(t, Link{}.RetriesAbsent(1)) // nothing said is no permission
}
