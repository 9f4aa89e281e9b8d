package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// AdminHandler serves the admin API; the package comment lists its routes. It
// asks for no password: serve it on a loopback address alone.
func (g *Gateway) AdminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ledger", func(w http.ResponseWriter, _ *http.Request) { reply(w, g.Ledger()) })
	mux.HandleFunc("GET /calls", func(w http.ResponseWriter, _ *http.Request) { reply(w, g.Calls()) })
	mux.HandleFunc("GET /totals", func(w http.ResponseWriter, _ *http.Request) { reply(w, g.Totals()) })
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) { reply(w, g.Stats()) })
	mux.HandleFunc("POST /tick", act(func(in TickRequest) (any, error) {
		now, err := g.Tick(time.Duration(in.Duration))
		return TickAnswer{Now: now}, err
	}))
	mux.HandleFunc("POST /vt", act(func(in Entered) (any, error) { return g.Enter(in) }))
	mux.HandleFunc("GET /bank", func(w http.ResponseWriter, _ *http.Request) { reply(w, g.BankSessions()) })
	mux.HandleFunc("POST /bank", act(func(in BankRequest) (any, error) { return g.DecideBank(in.ID, in.Decision) }))
	mux.HandleFunc("POST /reset", func(w http.ResponseWriter, r *http.Request) { done(w, g.Reset(r.Context())) })
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) { reply(w, g.Faults()) })
	mux.HandleFunc("POST /faults", g.postFaults)
	mux.HandleFunc("DELETE /faults", func(w http.ResponseWriter, _ *http.Request) { g.ClearFaults(); done(w, nil) })
	mux.HandleFunc("DELETE /faults/{id}", func(w http.ResponseWriter, r *http.Request) {
		if !g.DeleteFault(r.PathValue("id")) {
			fail(w, http.StatusNotFound, fmt.Errorf("no fault %q", r.PathValue("id")))
			return
		}
		done(w, nil)
	})
	mux.HandleFunc("GET /sites", func(w http.ResponseWriter, _ *http.Request) { reply(w, g.Sites()) })
	mux.HandleFunc("POST /sites", g.postSite)
	mux.HandleFunc("GET /users", func(w http.ResponseWriter, _ *http.Request) { reply(w, g.Users()) })
	mux.HandleFunc("POST /users", g.postUser)
	mux.HandleFunc("GET /switches", func(w http.ResponseWriter, _ *http.Request) { reply(w, g.Switches()) })
	mux.HandleFunc("POST /switches", g.postSwitches)
	g.routeNotifications(mux)
	return mux
}

// TickRequest is the body of POST /tick.
type TickRequest struct {
	Duration Duration `json:"duration"`
}

// TickAnswer tells the new time of the settlement clock.
type TickAnswer struct {
	Now time.Time `json:"now"`
}

// BankRequest is the body of POST /bank.
type BankRequest struct {
	// ID is a session's id, its transaction reference or its order reference.
	ID       string       `json:"id"`
	Decision BankDecision `json:"decision"`
}

// postFaults takes a fault script.
func (g *Gateway) postFaults(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	faults, err := ParseFaults(body)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	ids, err := g.AddFaults(faults...)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	reply(w, map[string][]string{"ids": ids})
}

// postSite creates a site, or changes the members that are given.
func (g *Gateway) postSite(w http.ResponseWriter, r *http.Request) {
	change(w, r, func(given Site) Site {
		s, _ := g.Site(given.Reference)
		return s
	}, func(_ context.Context, s Site) error { return g.SetSite(s) })
}

// postUser creates a user, or changes the members that are given.
func (g *Gateway) postUser(w http.ResponseWriter, r *http.Request) {
	change(w, r, func(given User) User {
		u, _ := g.User(given.Name)
		return u
	}, func(_ context.Context, u User) error { return g.SetUser(u) })
}

// postSwitches changes the switches that are given.
func (g *Gateway) postSwitches(w http.ResponseWriter, r *http.Request) {
	change(w, r, func(Switches) Switches { return g.Switches() }, g.SetSwitches)
}

// change reads a body over what is there already, so that members left out
// stay as they are.
func change[T any](w http.ResponseWriter, r *http.Request, present func(given T) T, set func(context.Context, T) error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	var given T
	if err := strict(body, &given); err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	merged := present(given)
	if err := strict(body, &merged); err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	if err := set(r.Context(), merged); err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	reply(w, merged)
}

// act reads a body and answers what do makes of it.
func act[T any](do func(T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			fail(w, http.StatusBadRequest, err)
			return
		}
		var in T
		if err := strict(body, &in); err != nil {
			fail(w, http.StatusBadRequest, err)
			return
		}
		out, err := do(in)
		if err != nil {
			fail(w, http.StatusBadRequest, err)
			return
		}
		reply(w, out)
	}
}

// strict decodes one JSON value and refuses members it doesn't know: a fault
// with a misspelt condition would match everything.
func strict(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("read JSON: something follows its end")
	}
	return nil
}

func reply(w http.ResponseWriter, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, '\n')) // a caller that has left can't be told
}

func done(w http.ResponseWriter, err error) {
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	reply(w, struct{}{})
}

func fail(w http.ResponseWriter, status int, err error) {
	body, _ := json.Marshal(map[string]string{"error": err.Error()}) //nolint:errchkjson // texts always encode
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
