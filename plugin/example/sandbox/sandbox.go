package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// The one account, its key, and the one stored card.
const (
	Account = "test-1"
	Key     = "open-sesame-4711"
	Card    = "card-1"
)

// Amounts in minor units with a meaning. Every other is approved.
const (
	Declined = 70000
	Pending  = 60000 // decided later
	TooLarge = 90000 // more than the account may charge
	Review   = 50000 // held by the gateway, whatever was asked for
)

// charge is one charge, as it is written.
type charge struct {
	ID        string    `json:"id"`
	Reference string    `json:"reference"`
	Account   string    `json:"account"`
	Stored    string    `json:"stored"`
	Amount    int64     `json:"amount"`
	Currency  string    `json:"currency"`
	State     string    `json:"state"` // held, due, cancelled, declined, pending
	Code      string    `json:"code"`
	Message   string    `json:"message"`
	Card      string    `json:"card"`
	At        time.Time `json:"at"`
}

// Sandbox is the gateway. The zero value is ready.
type Sandbox struct {
	mu      sync.Mutex
	charges []*charge
}

// Main serves a sandbox on a free port until standard input ends. It prints one
// line of JSON: where it is, and what to charge.
func Main(stdin io.Reader, stdout, stderr io.Writer) int {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // It ends with the process.
	if err != nil {
		fmt.Fprintln(stderr, "open a port:", err)
		return 1
	}
	url := "http://" + listener.Addr().String()
	server := &http.Server{Handler: (&Sandbox{}).Handler(), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	err = json.NewEncoder(stdout).Encode(map[string]string{
		"url": url, "ledger": url + "/ledger", "account": Account, "key": Key, "stored": Card,
	})
	if err == nil {
		_, err = io.Copy(io.Discard, stdin)
	}
	_ = server.Close()
	if served := <-served; err == nil && !errors.Is(served, http.ErrServerClosed) {
		err = served
	}
	if err != nil {
		fmt.Fprintln(stderr, "serve the sandbox:", err)
		return 1
	}
	return 0
}

// Handler serves the gateway, and its ledger at /ledger.
func (s *Sandbox) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /charges", call(s.charge))
	mux.HandleFunc("POST /lookups", call(s.lookup))
	mux.HandleFunc("POST /changes", call(s.change))
	mux.HandleFunc("POST /check", call(check))
	mux.HandleFunc("GET /ledger", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		reply(w, http.StatusOK, s.charges)
	})
	return mux
}

type refused struct {
	Error   string `json:"error"`
	Message string `json:"message"`
}

// call reads a request, checks who makes it, and writes the answer.
func call[Q any](do func(Q) (int, any)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var request Q
		account, key, _ := r.BasicAuth()
		switch err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&request); {
		case account != Account || key != Key:
			reply(w, http.StatusUnauthorized, refused{Error: "unauthorized", Message: "account or key are wrong"})
		case err != nil:
			reply(w, http.StatusBadRequest, refused{Error: "bad_request", Message: "that is no JSON"})
		default:
			status, body := do(request)
			reply(w, status, body)
		}
	}
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) //nolint:errchkjson // A caller that has left can't be told.
}

type chargeRequest struct {
	Reference string `json:"reference"`
	Stored    string `json:"stored"`
	Amount    int64  `json:"amount"`
	Currency  string `json:"currency"`
	Hold      bool   `json:"hold"`
}

func (s *Sandbox) charge(r chargeRequest) (int, any) {
	switch {
	case r.Stored != Card:
		return http.StatusUnprocessableEntity, refused{Error: "unknown_card", Message: "no such card"}
	case r.Amount >= TooLarge:
		return http.StatusUnprocessableEntity, refused{Error: "amount_too_large", Message: "above the account's limit"}
	}
	c := &charge{
		Reference: r.Reference, Account: Account, Stored: r.Stored, Amount: r.Amount, Currency: r.Currency,
		State: "due", Code: "00", Message: "approved", Card: "411111######1111", At: time.Now().UTC(),
	}
	switch {
	case r.Amount == Declined:
		c.State, c.Code, c.Message = "declined", "05", "the bank declined"
	case r.Amount == Pending:
		c.State, c.Code, c.Message = "pending", "", "the bank decides later"
	case r.Hold:
		c.State = "held"
	case r.Amount == Review:
		c.State, c.Message = "held", "held for a review"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// As most gateways: the same reference again is another charge.
	c.ID = "ex-" + strconv.Itoa(len(s.charges)+1)
	s.charges = append(s.charges, c)
	return http.StatusOK, *c
}

type lookupRequest struct {
	References []string `json:"references"`
	IDs        []string `json:"ids"`
}

type lookupAnswer struct {
	Found   int      `json:"found"`
	Charges []charge `json:"charges"`
}

func (s *Sandbox) lookup(r lookupRequest) (int, any) {
	wanted := map[string]bool{}
	for _, name := range append(r.References, r.IDs...) {
		wanted[name] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var a lookupAnswer
	for _, c := range s.charges {
		if wanted[c.Reference] || wanted[c.ID] {
			a.Charges = append(a.Charges, *c)
		}
	}
	a.Found = len(a.Charges)
	return http.StatusOK, a
}

type change struct {
	ID      string `json:"id"`
	Action  string `json:"action,omitempty"`
	Done    bool   `json:"done"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

type changes struct {
	Changes []change `json:"changes"`
}

func (s *Sandbox) change(r changes) (int, any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := changes{Changes: make([]change, 0, len(r.Changes))}
	for _, asked := range r.Changes {
		done := change{ID: asked.ID, Code: "404", Message: "there is nothing to change"}
		for _, c := range s.charges {
			if c.ID == asked.ID && (c.State == "held" || c.State == "due") {
				done.Done, done.Code, done.Message = true, "00", "done"
				if c.State = "due"; asked.Action == "cancel" {
					c.State = "cancelled"
				}
			}
		}
		a.Changes = append(a.Changes, done)
	}
	return http.StatusOK, a
}

type checkRequest struct {
	Stored string `json:"stored"`
}

func check(r checkRequest) (int, any) {
	if r.Stored != "" && r.Stored != Card {
		return http.StatusUnprocessableEntity, refused{Error: "unknown_card", Message: "no such card"}
	}
	return http.StatusOK, map[string]string{"card": "411111######1111", "scheme": "VISA", "expiry": "2031-12", "currency": "GBP"}
}
