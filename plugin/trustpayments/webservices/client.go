package webservices

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/chargehand/chargehand/shared/payment"
)

// Limits of a call.
const (
	// DefaultAnswerWithin is how long an answer may take: the gateway waits up
	// to 60 s for a bank.
	DefaultAnswerWithin = payment.AnswerLimit
	// DefaultMaxBody bounds an answer's body, in bytes. One takes a few KiB.
	DefaultMaxBody = 1 << 20
	// MaxQueryBody is for the answer to a query, which may hold 500 records.
	MaxQueryBody = 8 << 20
	// maxHeader bounds an answer's header, in bytes.
	maxHeader = 64 << 10
)

// Config is what a Client is made from.
type Config struct {
	// URLEU and URLUS replace the gateway's own addresses; empty keeps them.
	// They start with https://. They come from the operator, never from a
	// tenant, who could bring a gateway that approves everything.
	URLEU, URLUS string
	// CAFile names a PEM file of authorities that are trusted besides the
	// system's; empty means none.
	CAFile string
	// UserAgent is what the gateway is told; empty means "chargehand".
	UserAgent string
	// Now is the clock; nil means time.Now. For the check of a moment to send
	// by its readings should be monotonic too, as time.Now's are.
	Now func() time.Time
	// Proxy picks the proxy for a request; nil means that of the environment.
	Proxy func(*http.Request) (*url.URL, error)
	// Dial opens a connection to host:port; nil means over the network, within
	// ten seconds. Tests bring a network in memory.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client makes calls. It may be used by any number of goroutines; waiting
// calls cost their connection and nothing else.
type Client struct {
	endpoints map[string]*endpoint
	dialTCP   func(ctx context.Context, network, address string) (net.Conn, error)
	proxy     func(*http.Request) (*url.URL, error)
	userAgent string
	now       func() time.Time
}

// New makes a client. It reaches no network.
func New(cfg Config) (*Client, error) {
	c := &Client{
		endpoints: map[string]*endpoint{},
		dialTCP:   cfg.Dial,
		proxy:     cfg.Proxy,
		userAgent: cfg.UserAgent,
		now:       cfg.Now,
	}
	if c.dialTCP == nil {
		c.dialTCP = (&net.Dialer{Timeout: connectTimeout}).DialContext
	}
	if c.proxy == nil {
		c.proxy = http.ProxyFromEnvironment
	}
	if c.userAgent == "" {
		c.userAgent = "chargehand"
	}
	if c.now == nil {
		c.now = time.Now
	}
	roots, err := loadRoots(cfg.CAFile)
	if err != nil {
		return nil, err
	}
	for region, address := range map[string]string{
		RegionEU: firstOf(cfg.URLEU, DefaultURLEU),
		RegionUS: firstOf(cfg.URLUS, DefaultURLUS),
	} {
		e, err := newEndpoint(address, roots, &pool{now: c.now})
		if err != nil {
			return nil, fmt.Errorf("region %s: %w", region, err)
		}
		c.endpoints[region] = e
	}
	return c, nil
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Close drops idle connections. Calls under way end as they would have.
func (c *Client) Close() {
	for _, e := range c.endpoints {
		e.pool.close()
	}
}

// Call is one request to the gateway.
type Call struct {
	Region   string // RegionX
	Format   string // FormatX; empty means FormatJSON
	User     string
	Password payment.Secret
	Requests []Request
	// SendBefore is the moment after which the first byte must not leave; zero
	// means any time.
	SendBefore time.Time
	// AnswerWithin is counted from the first byte; zero means
	// DefaultAnswerWithin.
	AnswerWithin time.Duration
	// MaxBody bounds the answer in bytes; zero means DefaultMaxBody.
	MaxBody int64
}

// Do makes one call, at most once. Every error is a *CallError, which says
// whether the request was sent. A nil error means HTTP 200 and an envelope
// that belongs to this request; what its elements say is for the caller.
func (c *Client) Do(ctx context.Context, call Call) (Answer, error) {
	a, err := c.do(ctx, call)
	if err == nil {
		return a, nil
	}
	if f, ok := errors.AsType[*CallError](err); ok {
		return a, f
	}
	return a, notSent(err) // each error after the first byte is made a CallError where it arises
}

func (c *Client) do(ctx context.Context, call Call) (Answer, error) {
	door := newDoor(c.now(), call.SendBefore)
	if call.AnswerWithin <= 0 {
		call.AnswerWithin = DefaultAnswerWithin
	}
	if call.MaxBody <= 0 {
		call.MaxBody = DefaultMaxBody
	}
	e, ok := c.endpoints[call.Region]
	if !ok {
		return Answer{}, fmt.Errorf("%w: there is no region %q", ErrRequest, call.Region)
	}
	in, err := codecOf(call.Format)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	reference := newReference()
	payload, err := c.payload(e, in, call, reference)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if err := door.open(ctx, c.now()); err != nil {
		return Answer{}, err
	}
	w := e.pool.get()
	if w == nil {
		if w, err = c.dialBefore(ctx, e, door); err != nil {
			return Answer{}, err
		}
	}
	got, reusable, err := c.exchange(ctx, w, call, door, payload)
	if reusable {
		e.pool.put(w)
	} else {
		w.close()
	}
	if err != nil {
		return Answer{}, err
	}
	return got.answer(in, reference)
}

// dialBefore dials, but not beyond the moment to send by: a connection that
// is ready after it is of no use.
func (c *Client) dialBefore(ctx context.Context, e *endpoint, d door) (*conn, error) {
	if left, limited := d.remaining(c.now()); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, left, ErrTooLate)
		defer cancel()
	}
	w, err := c.dial(ctx, e)
	if err != nil && errors.Is(context.Cause(ctx), ErrTooLate) {
		return nil, fmt.Errorf("%w: %w", ErrTooLate, err)
	}
	return w, err
}

// payload builds the whole request, header and body, so that one Write can
// send it.
func (c *Client) payload(e *endpoint, in codec, call Call, reference string) ([]byte, error) {
	body, err := encode(in, call.User, reference, call.Requests)
	if err != nil {
		return nil, err
	}
	at, err := e.of(call.Format)
	if err != nil {
		return nil, err
	}
	accept, _, _ := strings.Cut(in.contentType(), ";")
	req := &http.Request{
		Method:        http.MethodPost,
		URL:           at,
		Host:          at.Host,
		ContentLength: int64(len(body)),
		Body:          io.NopCloser(bytes.NewReader(body)),
		Header: http.Header{
			"Content-Type":     {in.contentType()},
			"Accept":           {accept},
			"User-Agent":       {c.userAgent},
			"REQUESTREFERENCE": {reference}, // spelled as the gateway's own libraries do
		},
	}
	req.SetBasicAuth(call.User, call.Password.Reveal())
	var b bytes.Buffer
	b.Grow(len(body) + 512)
	if err := req.Write(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
