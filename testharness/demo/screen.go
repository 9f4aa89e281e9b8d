package demo

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/mattn/go-isatty"
)

// screen is where people read along. Orders that run side by side may use it
// at the same time.
type screen struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	colours  bool
	passing  string // the progress line that stands there now
}

func newScreen(f *os.File) *screen {
	terminal := isatty.IsTerminal(f.Fd())
	return &screen{w: f, terminal: terminal, colours: terminal && os.Getenv("NO_COLOR") == ""}
}

type colour string

const (
	bold   colour = "1"
	dim    colour = "2"
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
)

func (s *screen) paint(c colour, text string) string {
	if !s.colours || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// say prints a line that stays.
func (s *screen) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	_, _ = fmt.Fprintf(s.w, format+"\n", args...)
}

// head begins a new part.
func (s *screen) head(text string) { s.say("\n%s", s.paint(bold, text)) }

// progress shows what is being waited for. On a terminal the line is written
// over; elsewhere it is printed whenever it changes.
func (s *screen) progress(format string, args ...any) {
	text := fmt.Sprintf("  "+format, args...)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case text == s.passing:
	case s.terminal:
		_, _ = io.WriteString(s.w, "\r\x1b[K"+s.paint(dim, text))
	default:
		_, _ = io.WriteString(s.w, text+"\n")
	}
	s.passing = text
}

// clear takes the progress line away. The caller holds the lock.
func (s *screen) clear() {
	if s.terminal && s.passing != "" {
		_, _ = io.WriteString(s.w, "\r\x1b[K")
	}
	s.passing = ""
}

// table prints columns under their heads. The colour of each row's mark is
// the caller's; widths are counted without it.
func (s *screen) table(heads []string, rows [][]string, paint func(row, column int) colour) {
	widths := make([]int, len(heads))
	for _, row := range append([][]string{heads}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	write := func(cells []string, paint func(column int) colour) {
		var b strings.Builder
		for i, cell := range cells {
			gap := ""
			if i < len(cells)-1 {
				gap = strings.Repeat(" ", widths[i]-len([]rune(cell))+2)
			}
			if c := paint(i); c != "" {
				cell = s.paint(c, cell)
			}
			b.WriteString(cell + gap)
		}
		s.say("  %s", strings.TrimRight(b.String(), " "))
	}
	write(heads, func(int) colour { return bold })
	for r, row := range rows {
		write(row, func(c int) colour { return paint(r, c) })
	}
}
