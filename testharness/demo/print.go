package demo

import (
	"fmt"
	"strings"
	"time"

	"github.com/chargehand/chargehand/shared/currency"
	"github.com/chargehand/chargehand/testharness/client"
)

// example is the story that is told in full: most happens in it.
const example = "lost-before-1"

// print shows people how it all came out.
func (e *ending) print(s *screen) {
	s.head("What became of each order")
	e.printTable(s)
	for _, o := range e.orders {
		if c, there := e.charges[o.id]; there && o.name == example {
			s.head(fmt.Sprintf("The story of %s: %s", o.name, o.tells))
			printStory(s, c)
		}
	}
	s.head("The gateway's ledger against ours")
	e.printBooks(s)
}

func (e *ending) printTable(s *screen) {
	heads := []string{"order", "what happens", "amount", "state", "produce", "at the gateway", ""}
	const columnProduce, columnMark = 4, 6
	var rows [][]string
	for _, o := range e.orders {
		c := e.charges[o.id]
		state := c.State
		if c.NeedsPerson != nil {
			state += ", for a person"
		}
		mark := "ok"
		if len(o.wrong) > 0 {
			mark = "NOT AS EXPECTED: " + strings.Join(o.wrong, "; ")
		}
		rows = append(rows, []string{o.name, o.tells, currency.Format(o.amount()), state, c.Produce, e.atGateway(c.ID), mark})
	}
	s.table(heads, rows, func(row, column int) colour {
		switch {
		case column == columnMark && rows[row][column] != "ok":
			return red
		case column == columnMark, column == columnProduce && rows[row][column] == "yes":
			return green
		case column == columnProduce && rows[row][column] == "wait":
			return yellow
		case column == columnProduce:
			return red
		}
		return ""
	})
}

// atGateway lists what the gateway's own ledger has for a charge.
func (e *ending) atGateway(charge string) string {
	var list []string
	for _, h := range e.gateway[charge] {
		list = append(list, currency.Format(h.Amount)+" "+h.Words())
	}
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

// printStory tells one charge's story. Looks that say the same as the one
// before are counted instead.
func printStory(s *screen, c client.Detail) {
	var began time.Time
	skipped := 0
	for i, event := range c.Story {
		if began.IsZero() {
			began = event.At
		}
		if i > 0 && i < len(c.Story)-1 && event.Class == "look" && c.Story[i-1].Class == "look" && c.Story[i+1].Class == "look" {
			skipped++
			continue
		}
		if skipped > 0 {
			s.say("  %s", s.paint(dim, fmt.Sprintf("         %d more looks like that", skipped)))
			skipped = 0
		}
		s.say("  %s %s %s", s.paint(dim, fmt.Sprintf("%6.2f s", event.At.Sub(began).Seconds())), event.Text,
			s.paint(dim, fmt.Sprintf("[%s, produce: %s]", event.State, event.Produce)))
	}
}

func (e *ending) printBooks(s *screen) {
	var live int
	sums := map[string]int64{}
	for _, list := range e.gateway {
		for _, h := range list {
			if h.Live() {
				live++
				sums[h.Words()] += h.Amount.Minor
			}
		}
	}
	if len(e.books.Differences) == 0 {
		var parts []string
		for _, words := range []string{"settled", "settling", "due", "suspended"} {
			if sums[words] > 0 {
				parts = append(parts, words+" "+currency.Format(sterling(sums[words])))
			}
		}
		s.say("  %s they agree: %d live transactions, %s", s.paint(green, "ok"), live, strings.Join(parts, ", "))
		return
	}
	for _, d := range e.books.Differences {
		s.say("  %s %s", s.paint(red, "DIFFERENCE"), d)
	}
}
