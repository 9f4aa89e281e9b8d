package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

type pauseView struct {
	Scope       string    `json:"scope" enum:"link,site,endpoint"`
	Key         string    `json:"key"`
	LinkID      string    `json:"link_id"`
	Code        string    `json:"code,omitempty"`
	Text        string    `json:"text" doc:"What is wrong, and what to do"`
	Since       time.Time `json:"since"`
	Probes      int       `json:"probes"`
	NextProbeAt time.Time `json:"next_probe_at"`
}

type pausesAnswer struct {
	Body struct {
		Items []pauseView `json:"items"`
	}
}

func (a *api) operationRoutes() {
	huma.Register(a.huma, huma.Operation{
		OperationID: "list-pauses", Method: http.MethodGet, Path: "/v1/pauses", Summary: "List what is paused, and why", Tags: []string{"operation"},
	}, func(ctx context.Context, _ *struct{}) (*pausesAnswer, error) {
		who := actor(ctx)
		out := &pausesAnswer{}
		out.Body.Items = []pauseView{}
		for _, p := range a.cfg.Engine.Pauses() {
			if platformOnly(ctx) == nil || p.FulfillerID == who.Company {
				out.Body.Items = append(out.Body.Items, pauseView{
					Scope: string(p.Scope), Key: p.Key, LinkID: string(p.LinkID), Code: p.Code, Text: p.Text, Since: p.Since,
					Probes: p.Probes, NextProbeAt: p.NextProbeAt,
				})
			}
		}
		return out, nil
	})
}

// probes are for machines that watch the host. They need no key, and tell
// nothing of companies.
func (a *api) probes(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, "application/json", http.StatusOK, map[string]string{"status": "alive"})
	})
	mux.HandleFunc("GET /readyz", a.ready)
	if a.cfg.Metrics != nil {
		mux.Handle("GET /metrics", a.cfg.Metrics)
	}
}

type checkView struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Text string `json:"text,omitempty"`
}

// readyLimit bounds all checks together.
const readyLimit = 5 * time.Second

func (a *api) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyLimit)
	defer cancel()
	status, ready := http.StatusOK, true
	var checks []checkView
	for _, c := range a.cfg.Health {
		v := checkView{Name: c.Name, OK: true}
		if err := c.Run(ctx); err != nil {
			v.OK, v.Text = false, err.Error()
			status, ready = http.StatusServiceUnavailable, false
		}
		checks = append(checks, v)
	}
	writeJSON(w, "application/json", status, map[string]any{"ready": ready, "checks": checks})
}

func writeJSON(w http.ResponseWriter, contentType string, status int, v any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) //nolint:errchkjson // who asked has gone, and nothing else can fail here
}
