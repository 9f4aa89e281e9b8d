package demo

import (
	"context"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/stand"
)

// simulator is the gateway, with what the demo arranges there.
type simulator struct{ *stand.Simulator }

// startSimulator starts the gateway and returns once it answers.
func startSimulator(ctx context.Context, bin, dir string, env []string) (*simulator, error) {
	s, err := stand.StartSimulator(ctx, bin, dir, env)
	return &simulator{s}, err
}

// lose makes a site lose every transaction it had, as far as callers see.
func (s *simulator) lose(ctx context.Context, site string) error {
	return s.Post(ctx, "/faults", []gateway.Fault{
		{Effect: gateway.EffectQueryEmpty, Site: site},
		{Effect: gateway.EffectCode, Type: "AUTH", Site: site, Code: "20004", Unrecorded: true},
	}, nil)
}

// arrange has the gateway do what the story tells, once.
func (s *simulator) arrange(ctx context.Context, story story) error {
	if len(story.faults) == 0 {
		return nil
	}
	faults := make([]gateway.Fault, len(story.faults))
	for i, f := range story.faults {
		if f.Type == "" {
			f.Type, f.Amount = "AUTH", gateway.Exactly(story.minor)
		}
		f.Times = 1
		faults[i] = f
	}
	return s.Post(ctx, "/faults", faults, nil)
}

// met counts the stories whose charge has come to its fault at the gateway.
func (s *simulator) met(ctx context.Context, orders []*order) (int, error) {
	var faults []gateway.FaultState
	if err := s.Get(ctx, "/faults", &faults); err != nil {
		return 0, err
	}
	fired := map[int64]bool{}
	for _, f := range faults {
		if f.Amount != nil && f.Fired > 0 {
			fired[f.Amount.From] = true
		}
	}
	n := 0
	for _, o := range orders {
		if fired[o.minor] {
			n++
		}
	}
	return n, nil
}

// down makes the gateway refuse connections, or take them again.
func (s *simulator) down(ctx context.Context, down bool) error {
	return s.Post(ctx, "/switches", map[string]bool{"down": down}, nil)
}

// tick winds the gateway's clock on.
func (s *simulator) tick(ctx context.Context, d time.Duration) error {
	return s.Post(ctx, "/tick", gateway.TickRequest{Duration: gateway.Duration(d)}, nil)
}

// printUse prints what can be tried by hand.
func (s *simulator) printUse(screen *screen) {
	admin := s.Info.AdminURL
	screen.say("  %-18s %s", "service", s.Info.JSONURL)
	screen.say("  %-18s %s", "its CA", s.Info.CAFile)
	screen.say("  %-18s %s / %s", "user", s.User().Name, s.User().Password)
	screen.say("  %-18s %s/myst/", "in a browser", admin)
	screen.say("  %-18s curl -sS %s/ledger", "what it holds", admin)
	screen.say("  %-18s curl -sS %s/tick -d '{\"duration\":\"48h\"}'", "two nights pass", admin)
	screen.say("  %-18s curl -sS %s/faults -d '{\"effect\":\"process_then_drop\",\"type\":\"AUTH\",\"times\":1}'", "lose an answer", admin)
}
