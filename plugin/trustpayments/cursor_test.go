package trustpayments

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
)

var (
	testSweep    = settings{Region: "EU", Site: testSite}
	testStretch  = payment.Window{From: today.Add(300 * time.Millisecond), To: today.Add(72*time.Hour + time.Millisecond)}
	anotherSweep = settings{Region: "EU", Site: testSite + "1"}
)

func TestCursor(t *testing.T) {
	t.Parallel()
	first, err := readCursor(testSweep, testStretch)
	require.NoError(t, err)
	require.Equal(t, cursor{at: today, length: time.Hour}, first, "a window begins in the second of its beginning")

	for _, c := range []cursor{
		{today, time.Second},
		{today, longestSlice},
		{today.Add(time.Second), 7 * time.Minute},
		{today.Add(72 * time.Hour), time.Hour},
	} {
		w := testStretch
		w.Cursor = c.write(testSweep, w)
		require.LessOrEqual(t, len(w.Cursor), payment.MaxCursor)
		got, err := readCursor(testSweep, w)
		require.NoError(t, err, w.Cursor)
		require.Equal(t, c, got)

		_, err = readCursor(anotherSweep, w)
		require.ErrorIs(t, err, errCursor, "of another site")
		_, err = readCursor(settings{Region: "US", Site: testSite}, w)
		require.ErrorIs(t, err, errCursor, "of another region")
		for name, change := range map[string]func(*payment.Window){
			"earlier":   func(w *payment.Window) { w.From = w.From.Add(-1) },
			"longer":    func(w *payment.Window) { w.To = w.To.Add(1) },
			"elsewhere": func(w *payment.Window) { w.From, w.To = w.From.Add(time.Second), w.To.Add(time.Second) },
		} {
			other := w
			change(&other)
			_, err = readCursor(testSweep, other)
			require.ErrorIs(t, err, errCursor, name)
		}
	}
}

// A cursor with a sum that is right is refused all the same if no sweep of
// this window could have got there.
func TestCursor_ErrOutOfReach(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]cursor{
		"before":          {today.Add(-time.Second), time.Hour},
		"behind":          {today.Add(72*time.Hour + time.Second), time.Hour},
		"no length":       {today, 0},
		"negative length": {today, -time.Second},
		"too long":        {today, longestSlice + time.Second},
		"far behind":      {time.Unix(math.MaxInt64, 0), time.Hour},
		"far before":      {time.Unix(math.MinInt64, 0), time.Hour},
	} {
		w := testStretch
		w.Cursor = c.write(testSweep, w)
		_, err := readCursor(testSweep, w)
		require.ErrorIs(t, err, errCursor, name)
	}
}

func TestCursor_ErrForm(t *testing.T) {
	t.Parallel()
	good := cursor{today, time.Hour}.write(testSweep, testStretch)
	parts := strings.Split(good, ".")
	for _, text := range []string{
		"x", ".", "...", "tp1...", "tp1.a.b.c", good + ".", "." + good, " " + good, good + "\n", strings.ToUpper(good),
		strings.Join(parts[:3], "."), "tp2." + strings.Join(parts[1:], "."),
		strings.Join([]string{parts[0], "+" + parts[1], parts[2], parts[3]}, "."),
		strings.Join([]string{parts[0], "0" + parts[1], parts[2], parts[3]}, "."),
		strings.Join([]string{parts[0], parts[1], "99999999999999999999", parts[3]}, "."),
	} {
		w := testStretch
		w.Cursor = text
		_, err := readCursor(testSweep, w)
		require.ErrorIs(t, err, errCursor, "%q", text)
	}
}

// The slices of a window follow one another without a gap, from its beginning
// to its end, whatever their lengths.
func TestCursor_End(t *testing.T) {
	t.Parallel()
	for _, length := range []time.Duration{time.Second, 59 * time.Minute, time.Hour, longestSlice} {
		w := payment.Window{From: today.Add(time.Millisecond), To: today.Add(25*time.Hour + 1)}
		if length == time.Second {
			w.To = today.Add(3*time.Second + 1)
		}
		c := cursor{at: today, length: length}
		for slices := 0; ; slices++ {
			require.Less(t, slices, 30)
			end := c.end(w)
			require.True(t, end.After(c.at))
			if !end.Before(w.To) {
				require.Less(t, end.Sub(w.To), time.Second)
				break
			}
			require.Equal(t, c.at.Add(length), end)
			c.at = end
		}
	}
}

func TestCursor_Length(t *testing.T) {
	t.Parallel()
	length, times := longestSlice, 0
	for ; length > time.Second; times++ {
		half := halved(length)
		require.Less(t, half, length)
		require.Zero(t, half%time.Second)
		length = half
	}
	require.Equal(t, 16, times)
	require.Equal(t, 2*time.Hour, cursor{length: time.Hour}.grown(124))
	require.Equal(t, time.Hour, cursor{length: time.Hour}.grown(125))
	require.Equal(t, longestSlice, cursor{length: 13 * time.Hour}.grown(0))
}

// What a cursor is made of may come from anywhere. One that is taken is one
// that was given, and goes on inside the window.
func FuzzCursor(f *testing.F) {
	from, to := testStretch.From.UnixNano(), testStretch.To.UnixNano()
	for _, c := range []cursor{{today, time.Second}, {today.Add(time.Hour), longestSlice}, {today.Add(-1), time.Hour}, {today, 0}} {
		f.Add(c.write(testSweep, testStretch), from, to, c.at.Unix(), int64(c.length/time.Second))
	}
	f.Add("tp1.1773144000.3600.0011223344556677", from, to, int64(math.MinInt64), int64(math.MaxInt64))
	f.Add("", int64(0), int64(1), int64(0), int64(1))
	f.Add("tp1.-1.1.", int64(-2e9), int64(2e9), int64(-1), int64(1))
	f.Fuzz(func(t *testing.T, text string, from, to, at, seconds int64) {
		w := payment.Window{From: time.Unix(0, from).UTC(), To: time.Unix(0, to).UTC()}
		if (payment.QueryRequest{Window: &w}).Validate() != nil {
			return
		}
		seconds = min(max(seconds, -1), 2*int64(longestSlice/time.Second)) // so that it does not overflow a Duration
		made := cursor{at: time.Unix(at, 0).UTC(), length: time.Duration(seconds) * time.Second}
		for _, w.Cursor = range []string{text, made.write(testSweep, w)} {
			got, err := readCursor(testSweep, w)
			if err != nil {
				require.ErrorIs(t, err, errCursor)
				continue
			}
			if w.Cursor != "" {
				require.Equal(t, w.Cursor, got.write(testSweep, w))
			}
			require.False(t, got.at.Before(w.From.Truncate(time.Second)))
			require.True(t, got.at.Before(w.To))
			require.True(t, got.end(w).After(got.at), "the window goes on")
			require.LessOrEqual(t, got.length, longestSlice)
		}
	})
}
