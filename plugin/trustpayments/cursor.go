package trustpayments

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/chargehand/chargehand/shared/payment"
)

// The lengths of a slice. The first is one that a busy site has a few hundred
// transactions in; a day is as much as one call should make the gateway search.
const (
	firstSlice   = time.Hour
	longestSlice = 24 * time.Hour
)

// cursorVersion begins every cursor of this form.
const cursorVersion = "tp1"

// cursor is where a window goes on: a slice of it, in whole seconds.
type cursor struct {
	at     time.Time
	length time.Duration
}

var errCursor = errors.New("the cursor is none that was given for this site and window; begin the window anew, without a cursor")

// readCursor reads the cursor of a window, or begins it.
func readCursor(s settings, w payment.Window) (cursor, error) {
	first := cursor{at: w.From.UTC().Truncate(time.Second), length: firstSlice}
	if w.Cursor == "" {
		return first, nil
	}
	parts := strings.Split(w.Cursor, ".")
	if len(parts) != 4 {
		return cursor{}, errCursor
	}
	at, errAt := strconv.ParseInt(parts[1], 10, 64)
	seconds, errSeconds := strconv.ParseInt(parts[2], 10, 32)
	if errAt != nil || errSeconds != nil {
		return cursor{}, errCursor
	}
	c := cursor{at: time.Unix(at, 0).UTC(), length: time.Duration(seconds) * time.Second}
	inWindow := !c.at.Before(first.at) && c.at.Before(w.To)
	if !inWindow || c.length < time.Second || c.length > longestSlice || c.write(s, w) != w.Cursor {
		return cursor{}, errCursor
	}
	return c, nil
}

// write gives the cursor as text. It ends in a sum over what it belongs to, so
// that the cursor of another sweep, which would skip a part of this one, is
// not taken. It guards against mistakes, not against the host, which could as
// well ask for another window.
func (c cursor) write(s settings, w payment.Window) string {
	text := fmt.Sprintf("%s.%d.%d", cursorVersion, c.at.Unix(), c.length/time.Second)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %s %d.%d %d.%d",
		text, s.Region, s.Site, w.From.Unix(), w.From.Nanosecond(), w.To.Unix(), w.To.Nanosecond()))
	return text + "." + hex.EncodeToString(sum[:8])
}

// end is where the slice ends: on a whole second, and with the window's last.
func (c cursor) end(w payment.Window) time.Time {
	end := c.at.Add(c.length)
	if last := w.To.UTC().Add(time.Second - 1).Truncate(time.Second); end.After(last) {
		return last
	}
	return end
}

// halved is the length to try after a slice that held too much.
func halved(length time.Duration) time.Duration {
	return max(length/2, time.Second).Truncate(time.Second)
}

// grown is the length of the next slice: twice as much after one that left
// room for four times as many.
func (c cursor) grown(records int) time.Duration {
	if records >= maxRecords/4 {
		return c.length
	}
	return min(2*c.length, longestSlice)
}
