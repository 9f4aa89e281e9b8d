package conformance

import (
	"context"
	"encoding/base64"
	"net/url"
	"strings"
	"sync"
	"time"
)

// maxCapture bounds what is kept of one stream of a plugin, in bytes; what
// follows is counted and dropped.
const maxCapture = 4 << 20

// maxQuote bounds what a report quotes of a plugin, in bytes.
const maxQuote = 300

// capture keeps what a plugin wrote. The zero value is ready.
type capture struct {
	mu   sync.Mutex
	text []byte
}

// Write never fails.
func (c *capture) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = append(c.text, p[:min(len(p), maxCapture-len(c.text))]...)
	return len(p), nil
}

func (c *capture) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.text)
}

// clip makes what a plugin said fit to be quoted.
func clip(s string) string {
	s = strings.ToValidUTF8(strings.TrimSpace(s), "\uFFFD")
	if len(s) <= maxQuote {
		return s
	}
	return strings.ToValidUTF8(s[:maxQuote], "") + "..."
}

// secrets finds values where they must not be, in the forms that they travel
// in.
type secrets []string

func newSecrets(values []string) secrets {
	var all secrets
	for _, value := range values {
		if len(value) < 4 {
			continue // would be found by chance
		}
		all = append(all, value)
		if escaped := url.QueryEscape(value); escaped != value {
			all = append(all, escaped)
		}
		// In base64, as HTTP Basic has it, a value looks different for each of
		// three offsets; what its neighbours decide is left off.
		for offset := range 3 {
			encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", offset) + value))
			from, to := (offset*8+5)/6, (offset+len(value))*8/6
			if to-from >= 8 {
				all = append(all, encoded[from:to])
			}
		}
	}
	return all
}

// in reports whether a text holds one of them.
func (s secrets) in(text string) bool {
	for _, form := range s {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

// mask takes them out of what a report quotes.
func (s secrets) mask(text string) string {
	for _, form := range s {
		text = strings.ReplaceAll(text, form, "********")
	}
	return text
}

// waitFor waits until done is closed, ctx ends, or the time is up, and reports
// whether done is.
func waitFor(ctx context.Context, done <-chan struct{}, most time.Duration) bool {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// until waits until a condition holds, and reports whether it does.
func until(ctx context.Context, most time.Duration, condition func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return condition()
		}
	}
	return true
}
