package config

import (
	"sort"
	"time"

	"github.com/chargehand/chargehand/host/charge"
)

// The money clocks by their names in the configuration.
var clocks = map[string]func(*charge.Clocks) *time.Duration{
	"send_window":      func(c *charge.Clocks) *time.Duration { return &c.SendWindow },
	"answer_limit":     func(c *charge.Clocks) *time.Duration { return &c.AnswerLimit },
	"call_slack":       func(c *charge.Clocks) *time.Duration { return &c.CallSlack },
	"lease_slack":      func(c *charge.Clocks) *time.Duration { return &c.LeaseSlack },
	"first_look":       func(c *charge.Clocks) *time.Duration { return &c.FirstLook },
	"absence_recorded": func(c *charge.Clocks) *time.Duration { return &c.AbsenceRecorded },
	"absence_at_once":  func(c *charge.Clocks) *time.Duration { return &c.AbsenceAtOnce },
	"doubt_person":     func(c *charge.Clocks) *time.Duration { return &c.DoubtPerson },
	"watch_after":      func(c *charge.Clocks) *time.Duration { return &c.WatchAfter },
	"release_overdue":  func(c *charge.Clocks) *time.Duration { return &c.ReleaseOverdue },
	"handoff":          func(c *charge.Clocks) *time.Duration { return &c.Handoff },
	"follow":           func(c *charge.Clocks) *time.Duration { return &c.Follow },
	"settle_overdue":   func(c *charge.Clocks) *time.Duration { return &c.SettleOverdue },
	"retry_first":      func(c *charge.Clocks) *time.Duration { return &c.RetryFirst },
	"retry_most":       func(c *charge.Clocks) *time.Duration { return &c.RetryMost },
	"setup_patience":   func(c *charge.Clocks) *time.Duration { return &c.SetupPatience },
	"probe_first":      func(c *charge.Clocks) *time.Duration { return &c.ProbeFirst },
	"probe_most":       func(c *charge.Clocks) *time.Duration { return &c.ProbeMost },
}

func clockNames() []string {
	names := make([]string, 0, len(clocks))
	for name := range clocks {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func clock(c *charge.Clocks, name string) *time.Duration { return clocks[name](c) }
