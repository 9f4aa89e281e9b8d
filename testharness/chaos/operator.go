package chaos

import (
	"context"
	"time"

	"github.com/chargehand/chargehand/testharness/stand"
)

// operate does what an operator does who was called: a plugin that failed so
// often that it went to quarantine is started again.
func (w *world) operate(ctx context.Context) {
	for wait(ctx, time.Second) {
		for _, h := range w.hosts {
			w.operateOn(ctx, h)
		}
	}
}

func (w *world) operateOn(ctx context.Context, h *host) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	api, err := h.direct()
	if err != nil {
		return // it is down; what it does when it is up again is looked at then
	}
	defer api.Close()
	plugins, err := api.Plugins(ctx)
	if err != nil {
		return
	}
	for _, p := range plugins {
		if p.Name != stand.Plugin || p.State != "quarantined" {
			continue
		}
		if err := api.RestartPlugin(ctx, p.Name); err != nil {
			// What always helps: a host that is started again starts its plugins.
			w.diary.trouble("end the quarantine of a plugin on "+h.name, err)
			h.restart(context.WithoutCancel(ctx), time.Millisecond)
		}
		w.diary.quarantine()
	}
}
