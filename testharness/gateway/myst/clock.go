package myst

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// clockPage shows the settlement clock and what it did.
type clockPage struct {
	frame
	NextBatch time.Time
	Standing  []standing
	// Since is the time before the last tick from this page; zero is none.
	Since time.Time
	Steps []step
	Moves []gateway.Moved
	Moved int
	Other string // the duration that was typed in
}

// standing is how many transactions have a settle status.
type standing struct{ Status, Count int }

// step is how many went from one settle status to another.
type step struct{ From, To, Count int }

// maxMoves bounds the changes that are shown one by one.
const maxMoves = 100

func (p *portal) clock(w http.ResponseWriter, r *http.Request) {
	c := p.clockPage(r)
	since, err := time.Parse(time.RFC3339Nano, r.URL.Query().Get("since"))
	if err == nil && since.Before(c.Now) {
		c.Since = since
		var counted map[[2]int]int
		c.Moves, counted = p.g.Moves(since, c.Now, maxMoves)
		for way, count := range counted {
			c.Steps = append(c.Steps, step{way[0], way[1], count})
			c.Moved += count
		}
		slices.SortFunc(c.Steps, func(a, b step) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	}
	show(w, "clock", c)
}

func (p *portal) clockPage(r *http.Request) *clockPage {
	c := &clockPage{frame: p.frame(r, "clock", "Settlement clock"), NextBatch: p.g.NextBatch()}
	counted := p.g.Statuses()
	for _, value := range slices.Sorted(maps.Keys(counted)) {
		c.Standing = append(c.Standing, standing{value, counted[value]})
	}
	return c
}

// tick moves the clock ahead, to the button's duration or the one typed in.
func (p *portal) tick(w http.ResponseWriter, r *http.Request) {
	typed := text(r, "duration")
	if button := text(r, "by"); button != "" {
		typed = button
	}
	since := p.g.Now()
	by, err := time.ParseDuration(typed)
	switch {
	case err != nil:
		err = errors.New("write how far as 90m, 24h or 168h")
	default:
		_, err = p.g.Tick(by)
	}
	if err == nil {
		leave(w, r, "/myst/clock?since="+url.QueryEscape(since.Format(time.RFC3339Nano)))
		return
	}
	c := p.clockPage(r)
	c.Wrong, c.Other = err.Error(), typed
	refuse(w, "clock", c)
}
