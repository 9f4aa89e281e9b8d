package example

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/chargehand/chargehand/shared/payment"
)

const (
	connectLimit = 10 * time.Second
	// maxAnswer bounds an answer in bytes.
	maxAnswer = 1 << 20
)

var errTooLate = errors.New("the moment to send it by had passed")

// request is one request to the gateway.
type request struct {
	path       string
	access     payment.Access
	body       any
	sendBefore time.Time     // zero is any time
	within     time.Duration // how long the answer may take; zero is payment.AnswerLimit
}

// answer is what came back. sent is false only if it is proven that not one
// byte of the request left.
type answer struct {
	sent   bool
	status int
	body   []byte
}

// post sends a request at most once. With an error there is no answer.
//
// A connection is made for this request alone, so that net/http has none to
// send it over a second time. Every byte of the request passes line.Write,
// which lies above TLS: what it did not see did not leave.
func (g *Gateway) post(ctx context.Context, r request) (answer, error) {
	body, err := json.Marshal(r.body)
	if err != nil {
		return answer{}, err
	}
	if !strings.HasPrefix(g.url, "https://") {
		return answer{}, errors.New("the operator has set no address of the gateway that begins with https://: EXAMPLE_URL")
	}
	if err := ctx.Err(); err != nil {
		return answer{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(g.url, "/")+r.path, bytes.NewReader(body))
	if err != nil {
		return answer{}, errors.New("the address of the gateway is none: EXAMPLE_URL")
	}
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth(r.access.Settings[fieldAccount], r.access.Settings[fieldKey])

	l := &line{sendBefore: r.sendBefore, within: r.within}
	if l.within <= 0 || l.within > payment.AnswerLimit {
		l.within = payment.AnswerLimit
	}
	transport := &http.Transport{DisableKeepAlives: true, DialTLSContext: l.dial}
	resp, err := transport.RoundTrip(req) // unlike a Client, it follows no redirects
	if err != nil {
		return answer{sent: l.sent}, err
	}
	defer resp.Body.Close()
	a := answer{sent: true, status: resp.StatusCode}
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if len(a.body) > maxAnswer {
		err = fmt.Errorf("the answer is larger than %d bytes", maxAnswer)
	}
	return a, err
}

// line is the one connection of a request.
type line struct {
	net.Conn
	sendBefore time.Time
	within     time.Duration
	sent       bool
}

func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectLimit)
	defer cancel()
	if !l.sendBefore.IsZero() {
		ctx, cancel = context.WithDeadline(ctx, l.sendBefore)
		defer cancel()
	}
	conn, err := (&tls.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.Conn = conn
	return l, nil
}

// Write is the last gate before the first byte, and notes that it was passed.
func (l *line) Write(p []byte) (int, error) {
	if !l.sent {
		if !l.sendBefore.IsZero() && !time.Now().Before(l.sendBefore) {
			return 0, errTooLate
		}
		l.sent = true
		if err := l.SetReadDeadline(time.Now().Add(l.within)); err != nil {
			return 0, err
		}
	}
	return l.Conn.Write(p)
}

// unusable is the error of a call that is no charge and brought no answer that
// proves anything.
func unusable(op string, kind payment.ErrorKind, a answer, err error) error {
	e := &payment.Error{Kind: kind, Op: op, NotSent: !a.sent, Err: err}
	switch {
	case !a.sent:
		e.Kind, e.Text = payment.ErrorUnavailable, "the gateway could not be reached; check the connection of this host"
	case a.status == http.StatusUnauthorized && err == nil:
		e.Kind, e.Text = payment.ErrorUnauthorized, "the gateway refused the account or its key; enter them again"
	default:
		e.Text = "the gateway gave no answer that can be read; look again later"
	}
	return e
}
