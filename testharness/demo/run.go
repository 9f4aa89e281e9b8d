package demo

import (
	"context"
	"errors"
	"fmt"
)

// Stay sets up the same as Run, prints how to use it, and stays until ctx ends.
func Stay(ctx context.Context, cfg Config) error {
	w, err := open(ctx, cfg, newScreen(cfg.Out))
	if err == nil {
		err = w.stay(ctx)
	}
	return errors.Join(err, w.close(err != nil && ctx.Err() == nil))
}

func (w *world) stay(ctx context.Context) error {
	s := w.screen
	w.introduce()
	s.head("A fulfiller and its sales channels")
	if err := w.setUp(ctx); err != nil {
		return err
	}
	if err := w.printUse(ctx); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		s.say("\nStopping.")
		return nil
	case <-w.host.Process.Done():
		return fmt.Errorf("the host ended by itself:\n%s", w.host.Process.Tail())
	case <-w.simulator.Process.Done():
		return fmt.Errorf("the gateway simulator ended by itself:\n%s", w.simulator.Process.Tail())
	}
}

// printUse prints keys, addresses and commands that work as they stand.
func (w *world) printUse(ctx context.Context) error {
	s := w.screen
	companies, err := w.api.Companies(ctx)
	if err != nil {
		return err
	}
	s.head("Keys")
	s.say("  %-18s %s", "platform", w.host.Key)
	for _, c := range companies {
		key, err := w.api.CreateKey(ctx, c.ID, "by hand")
		if err != nil {
			return err
		}
		s.say("  %-18s %s", c.Reference, key)
	}
	s.head("Post an order")
	s.say(`  curl -sS %s/v1/orders \
    -H 'Authorization: Bearer %s' \
    -H 'Content-Type: application/json' -H 'Prefer: wait=5' \
    -d '{"channel":"%s","reference":"order-1","placed_at":"'$(date -u +%%Y-%%m-%%dT%%H:%%M:%%SZ)'","parts":[{"fulfiller":"%s","amount":{"minor":2499,"currency":"GBP"}}]}'`,
		w.host.Address, w.host.Key, channelOne, fulfiller)
	s.head("The same, and more, with the command")
	s.say("  export CHARGEHAND_URL=%s CHARGEHAND_KEY=%s", w.host.Address, w.host.Key)
	s.say("  %s explain %s order-1", w.bin("chargehand"), channelOne)
	s.head("Look at it")
	for _, path := range []string{"/v1/charges", "/v1/ledger", "/v1/pauses"} {
		s.say("  curl -sS -H 'Authorization: Bearer %s' %s%s", w.host.Key, w.host.Address, path)
	}
	s.say("  curl -sS %s/readyz", w.host.Address)
	s.head("At the gateway")
	w.simulator.printUse(s)
	s.say("\nLogs, configuration and database lie in %s. Ctrl-C ends everything and removes it.", w.dir)
	return nil
}
