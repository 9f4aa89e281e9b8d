package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/notify"
)

// routeNotifications adds the admin API's routes about notifications.
func (g *Gateway) routeNotifications(mux *http.ServeMux) {
	mux.HandleFunc("GET /notifications", func(w http.ResponseWriter, r *http.Request) {
		reply(w, g.Notifications(r.URL.Query().Get("transactionreference")))
	})
	mux.HandleFunc("GET /notifications/rules", func(w http.ResponseWriter, _ *http.Request) { reply(w, g.NotificationRules()) })
	mux.HandleFunc("POST /notifications/rules", g.postNotificationRules)
	mux.HandleFunc("DELETE /notifications/rules/{id}", func(w http.ResponseWriter, r *http.Request) {
		if err := g.DeleteNotificationRule(r.PathValue("id")); err != nil {
			fail(w, http.StatusNotFound, err)
			return
		}
		done(w, nil)
	})
	mux.HandleFunc("POST /notifications/resend", act(func(in ResendRequest) (any, error) {
		id, err := g.ResendNotification(in.ID)
		return NotificationIDs{IDs: []int64{id}}, err
	}))
	mux.HandleFunc("POST /notifications/forge", act(func(in Forging) (any, error) {
		ids, err := g.ForgeNotification(in)
		return NotificationIDs{IDs: ids}, err
	}))
	mux.HandleFunc("POST /notifications/wait", func(w http.ResponseWriter, r *http.Request) {
		act(func(in WaitRequest) (any, error) { return g.wait(r.Context(), in) })(w, r) //nolint:contextcheck // the request has its own
	})
}

// ResendRequest is the body of POST /notifications/resend.
type ResendRequest struct {
	ID int64 `json:"id"`
}

// NotificationIDs are the ids under which the log has what was sent.
type NotificationIDs struct {
	IDs []int64 `json:"ids"`
}

// WaitRequest is the body of POST /notifications/wait.
type WaitRequest struct {
	// Limit is how long to wait, in real time; at most maxWait.
	Limit Duration `json:"limit"`
}

// WaitAnswer tells whether nothing was due or on its way any more.
type WaitAnswer struct {
	Idle bool `json:"idle"`
}

// maxWait bounds how long one call of the admin API may wait.
const maxWait = 10 * time.Minute

func (g *Gateway) wait(ctx context.Context, in WaitRequest) (WaitAnswer, error) {
	if time.Duration(in.Limit) > maxWait {
		return WaitAnswer{}, fmt.Errorf("limit %s: at most %s", time.Duration(in.Limit), maxWait)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(in.Limit))
	defer cancel()
	err := g.AwaitNotifications(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return WaitAnswer{}, nil
	}
	return WaitAnswer{Idle: err == nil}, err
}

// postNotificationRules takes one rule or a list of them.
func (g *Gateway) postNotificationRules(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	given, err := ParseNotificationRules(body)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	added, err := g.AddNotificationRules(given...)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	reply(w, added)
}

// ParseNotificationRules reads a JSON list of rules, or one rule.
func ParseNotificationRules(text []byte) ([]notify.Rule, error) {
	trimmed := bytes.TrimSpace(text)
	if len(trimmed) > 0 && trimmed[0] == '{' {
		var one notify.Rule
		if err := strict(trimmed, &one); err != nil {
			return nil, fmt.Errorf("read notification rule: %w", err)
		}
		return []notify.Rule{one}, nil
	}
	var list []notify.Rule
	if err := strict(trimmed, &list); err != nil {
		return nil, fmt.Errorf("read notification rules: %w", err)
	}
	return list, nil
}
