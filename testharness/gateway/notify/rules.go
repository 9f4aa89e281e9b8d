package notify

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// AddRules checks rules and adds all or none. It returns them as they are now.
func (s *Sender) AddRules(rules ...Rule) ([]Rule, error) {
	public := s.cfg.Public()
	out := make([]Rule, 0, len(rules))
	for i := range rules {
		r, err := rules[i].ready(public)
		if err != nil {
			return nil, fmt.Errorf("notification rule %d: %w", i+1, err)
		}
		out = append(out, r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rules)+len(rules) > maxRules {
		return nil, fmt.Errorf("at most %d notification rules: delete some", maxRules)
	}
	for i := range out {
		s.lastRule++
		out[i].ID = "n" + strconv.Itoa(s.lastRule)
	}
	s.setRules(append(slices.Clone(s.rules), out...))
	return out, nil
}

// RestoreRule puts a rule back that was kept from an earlier run. It is not
// checked again: its CA file may have gone, and its tries will say so.
func (s *Sender) RestoreRule(r Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n, err := strconv.Atoi(strings.TrimPrefix(r.ID, "n")); err == nil {
		s.lastRule = max(s.lastRule, n)
	}
	s.setRules(append(slices.Clone(s.rules), r))
}

// DeleteRule deletes the rule with that id. What it queued is still sent. It
// returns ErrNotFound if there is none.
func (s *Sender) DeleteRule(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.rules, func(r Rule) bool { return r.ID == id })
	if at < 0 {
		return fmt.Errorf("notification rule %q: %w", id, ErrNotFound)
	}
	s.setRules(slices.Delete(slices.Clone(s.rules), at, at+1))
	return nil
}

// Rules lists the rules in the order they were added.
func (s *Sender) Rules() []Rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.rules)
}

// setRules replaces the list. CA files are read again from then on. s.mu is held.
func (s *Sender) setRules(rules []Rule) {
	s.rules = rules
	s.asked.Store(int32(len(rules))) //nolint:gosec // at most maxRules
	clear(s.clients)
	s.Wake()
}
