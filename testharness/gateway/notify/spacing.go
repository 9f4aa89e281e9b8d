package notify

import (
	"encoding"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Window is how long a notification that was not taken is tried again, on the
// settlement clock.
const Window = 48 * time.Hour

// DefaultSpacing are the times between tries. How the service spaces its own is
// not published.
var DefaultSpacing = Spacing{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour}

// Spacing are the times between tries; the last one holds for all that follow.
// As text: "1m 5m 1h".
type Spacing []time.Duration

var (
	_ encoding.TextMarshaler   = Spacing(nil)
	_ encoding.TextUnmarshaler = (*Spacing)(nil)
)

const maxSteps = 50

// MarshalText writes durations with spaces between them.
func (s Spacing) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String is the text form.
func (s Spacing) String() string {
	words := make([]string, len(s))
	for i, step := range s {
		words[i] = step.String()
	}
	return strings.Join(words, " ")
}

// UnmarshalText reads durations with spaces between them.
func (s *Spacing) UnmarshalText(text []byte) error {
	var out Spacing
	for word := range strings.FieldsSeq(string(text)) {
		step, err := time.ParseDuration(word)
		if err != nil {
			return fmt.Errorf("retry %q is no duration: write it like 30s, 5m or 4h", word)
		}
		if out = append(out, step); len(out) > maxSteps {
			break
		}
	}
	if err := out.check(); err != nil {
		return err
	}
	*s = out
	return nil
}

func (s Spacing) check() error {
	if len(s) > maxSteps {
		return fmt.Errorf("retry has more than %d steps", maxSteps)
	}
	// Below a second it would be a load test, not a retry.
	if slices.ContainsFunc(s, func(step time.Duration) bool { return step < time.Second || step > Window }) {
		return errors.New("retry: each step is from 1s to 48h")
	}
	return nil
}

// after is the time from the given try (the first is 1) to the next.
func (s Spacing) after(try int) time.Duration {
	if len(s) == 0 {
		return DefaultSpacing.after(try)
	}
	return s[max(0, min(try, len(s))-1)]
}
