package restore

import (
	"fmt"
	"maps"
	"slices"
)

// Lanes is how many counters each host has. A transaction takes one for as
// long as it runs; with more than there are transactions at a time, none waits
// for another's commit.
const Lanes = 8

// Seen is the highest that was seen of a database's counters.
type Seen struct {
	Database string             `json:"database"`
	Epoch    int64              `json:"epoch"`
	Commits  map[string][]int64 `json:"commits"` // by host, by lane
}

// behind says what a database shows less of than was seen before; empty if
// nothing.
func (s *Seen) behind(shown *Seen) string {
	switch {
	case shown.Epoch > s.Epoch || s.Database == "":
		return ""
	case shown.Database != s.Database:
		return fmt.Sprintf("it is another database (%s) than the one this host has worked on (%s)", shown.Database, s.Database)
	case shown.Epoch < s.Epoch:
		return "it does not know of a restore that was swept before"
	}
	for _, host := range slices.Sorted(maps.Keys(s.Commits)) {
		for lane, seen := range s.Commits[host] {
			if have := shown.count(host, lane); have < seen {
				return fmt.Sprintf("of %d commits that host %s made it knows %d (counter %d)", seen, host, max(have, 0), lane)
			}
		}
	}
	return ""
}

// count is -1 for a counter that is not there.
func (s *Seen) count(host string, lane int) int64 {
	if lanes := s.Commits[host]; lane < len(lanes) {
		return lanes[lane]
	}
	return -1
}

// counts is a copy of all counters of a host, at least zero each.
func (s *Seen) counts(host string) []int64 {
	all := make([]int64, Lanes)
	copy(all, s.Commits[host])
	return all
}

// raise takes in what is higher, and reports whether anything was.
func (s *Seen) raise(host string, lane int, commits int64) bool {
	if s.Commits == nil {
		s.Commits = map[string][]int64{}
	}
	lanes := s.Commits[host]
	for len(lanes) <= lane {
		lanes = append(lanes, 0)
	}
	s.Commits[host] = lanes
	if commits <= lanes[lane] {
		return false
	}
	lanes[lane] = commits
	return true
}

func (s *Seen) raiseAll(other *Seen) (raised bool) {
	for host, lanes := range other.Commits {
		for lane, n := range lanes {
			raised = s.raise(host, lane, n) || raised
		}
	}
	return raised
}

func (s *Seen) clone() Seen {
	c := *s
	c.Commits = make(map[string][]int64, len(s.Commits))
	for host, lanes := range s.Commits {
		c.Commits[host] = slices.Clone(lanes)
	}
	return c
}
