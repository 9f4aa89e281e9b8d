package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/hashicorp/go-hclog"

	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// Config is what the API stands on. All of it is required, but Metrics.
type Config struct {
	Version  string
	Orders   Orders
	Charges  Charges
	Engine   Engine
	Settings settings.Administration
	Plugins  Plugins
	Health   []Check
	// Trouble recognises errors of the storage, and gives the text for people.
	Trouble func(err error) (text string, known bool)
	Metrics http.Handler
	// Stopping ends when the host begins to stop: nobody is kept waiting then.
	Stopping context.Context
	Logger   hclog.Logger
	Now      func() time.Time
}

// Limits on what a caller may send.
const (
	maxOrderBytes = 64 << 10
	maxBatchBytes = 2 << 20
	maxBatch      = 500
	// batchSide is how many orders of a batch are placed side by side: enough to
	// share their commits, few enough that a small company's order, posted beside
	// a flood of batches, does not wait behind them.
	batchSide = 16
	maxWait   = 60 * time.Second
	maxPage   = 200
)

// New makes the handler of the whole API.
func New(cfg Config) http.Handler {
	mux := http.NewServeMux()
	hc := huma.DefaultConfig("Chargehand", cfg.Version)
	hc.Info.Description = "Charges retailers for the cost of each order, and says whether it may be produced."
	hc.DocsPath = ""     // its page would load scripts from elsewhere
	hc.CreateHooks = nil // answers carry what was asked for, and no more
	hc.RejectUnknownQueryParameters = true
	hc.Formats = map[string]huma.Format{
		"application/json": {Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: readJSON},
		"json":             {Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: readJSON},
	}
	hc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key": {Type: "http", Scheme: "bearer", Description: "A platform's or a company's API key."},
	}
	hc.Security = []map[string][]string{{"key": {}}}
	a := &api{cfg: cfg, huma: humago.New(mux, hc)}
	a.huma.UseMiddleware(a.authenticate)
	a.orderRoutes()
	a.chargeRoutes()
	a.companyRoutes()
	a.linkRoutes()
	a.settingsRoutes()
	a.operationRoutes()
	a.pluginRoutes()
	a.probes(mux)
	return a.protect(routed(mux))
}

type api struct {
	cfg  Config
	huma huma.API
}

type actorKey struct{}

// authenticate finds whose key it is. A request without a good one reaches no
// route.
func (a *api) authenticate(ctx huma.Context, next func(huma.Context)) {
	scheme, key, _ := strings.Cut(ctx.Header("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || key == "" {
		a.refuse(ctx, &payment.Error{Kind: payment.ErrorUnauthorized, Text: "send an API key as \"Authorization: Bearer chk_...\""})
		return
	}
	actor, err := a.cfg.Settings.Authenticate(ctx.Context(), payment.Secret(key))
	if err != nil {
		a.refuse(ctx, err)
		return
	}
	next(huma.WithValue(ctx, actorKey{}, actor))
}

func (a *api) refuse(ctx huma.Context, err error) {
	p := a.problem(ctx.Context(), err)
	if p.Status == http.StatusUnauthorized {
		ctx.SetHeader("WWW-Authenticate", "Bearer")
	}
	if werr := huma.WriteErr(a.huma, ctx, p.GetStatus(), p.Error()); werr != nil {
		a.cfg.Logger.Debug("a refusal could not be sent", "error", werr)
	}
}

func actor(ctx context.Context) settings.Actor {
	who, _ := ctx.Value(actorKey{}).(settings.Actor)
	return who
}

// platformOnly refuses whoever is not the platform.
func platformOnly(ctx context.Context) error {
	if actor(ctx).Kind != settings.ActorPlatform {
		return &payment.Error{Kind: payment.ErrorForbidden, Text: "only the platform may do that; use its key"}
	}
	return nil
}

type requestKey struct{}

// log is the logger with the request's id, which the caller got as well.
func (a *api) log(ctx context.Context) hclog.Logger {
	id, _ := ctx.Value(requestKey{}).(string)
	return a.cfg.Logger.With("request", id)
}

// protect is around everything: an id for the log, headers that hold browsers
// back, and a panic that ends one request alone.
func (a *api) protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := make([]byte, 8)
		_, _ = rand.Read(id)
		request := hex.EncodeToString(id)
		ctx := context.WithValue(r.Context(), requestKey{}, request)
		h := w.Header()
		h.Set("X-Request-Id", request)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		defer func() {
			if v := recover(); v != nil {
				// The value is left out, as it may hold anything a request held.
				a.log(ctx).Error("a request panicked", "method", r.Method, "path", r.URL.Path, "stack", string(debug.Stack()))
				writeProblem(w, a.internal())
			}
		}()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// routed answers what the mux has no route for in the shape of all errors.
func routed(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refusal, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		answer := &unrouted{header: http.Header{}}
		refusal.ServeHTTP(answer, r)
		detail := "there is nothing at this path; /openapi.json lists all that is"
		if allow := answer.header.Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
			detail = r.Method + " is not possible here; " + allow + " is"
		}
		writeProblem(w, &Problem{Title: http.StatusText(answer.status), Status: answer.status, Detail: detail})
	})
}

// unrouted keeps what the mux says of a request that it has no route for.
type unrouted struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (u *unrouted) Header() http.Header { return u.header }

// WriteHeader implements http.ResponseWriter.
func (u *unrouted) WriteHeader(status int) { u.status = status }

// Write implements http.ResponseWriter.
func (u *unrouted) Write(b []byte) (int, error) { return len(b), nil }
