package chaos

import (
	"fmt"
	"io"
	"time"
)

// screen is where people read along. One goroutine at a time uses it.
type screen struct {
	w        io.Writer
	terminal bool
	passing  bool
	last     time.Time
}

// say prints a line that stays.
func (s *screen) say(format string, args ...any) {
	s.over()
	_, _ = fmt.Fprintf(s.w, format+"\n", args...)
}

// progress shows how far it is: on a terminal a line that is written over,
// elsewhere one every few seconds.
func (s *screen) progress(text string) {
	switch {
	case s.terminal:
		_, _ = io.WriteString(s.w, "\r\x1b[K  "+text)
		s.passing = true
	case time.Since(s.last) >= 10*time.Second:
		s.last = time.Now()
		_, _ = fmt.Fprintf(s.w, "  %s\n", text)
	}
}

// over ends the line of progress.
func (s *screen) over() {
	if s.passing {
		_, _ = io.WriteString(s.w, "\r\x1b[K")
		s.passing = false
	}
}
