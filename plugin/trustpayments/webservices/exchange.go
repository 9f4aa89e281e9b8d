package webservices

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// door is the last check before the first byte: it shuts at the moment to
// send by, on whichever clock gets there first. A wall clock that is set back
// meanwhile does not open it again, nor does a machine that slept, during
// which the monotonic clock may have stood still.
type door struct {
	shuts   time.Time // on the wall; zero: never
	entered time.Time // carries the monotonic clock
	left    time.Duration
}

func newDoor(now, shuts time.Time) door {
	// By the monotonic clock, if both readings carry it: then the wall may have been
	// set back even before the door was reached.
	return door{shuts: shuts.Round(0), entered: now, left: shuts.Sub(now)}
}

// remaining is how long the door stays open, if it shuts at all.
func (d door) remaining(now time.Time) (time.Duration, bool) {
	return min(d.left-now.Sub(d.entered), d.shuts.Sub(now.Round(0))), !d.shuts.IsZero()
}

func (d door) open(ctx context.Context, now time.Time) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("given up before sending: %w", err)
	}
	if left, limited := d.remaining(now); limited && left < 0 {
		return ErrTooLate
	}
	return nil
}

// received is an HTTP answer that was read to its end.
type received struct {
	status int
	body   []byte
}

// answer reads it as the answer to the request with the reference.
func (r received) answer(in codec, reference string) (Answer, error) {
	if r.status != http.StatusOK {
		return Answer{}, &CallError{Sent: true, HTTPStatus: r.status, Err: fmt.Errorf("%w %d", ErrStatus, r.status)}
	}
	a, err := decode(in, r.body)
	if err == nil && a.RequestReference != reference {
		err = fmt.Errorf("%w: it carries another request's reference", ErrAnswer)
	}
	if err != nil {
		return Answer{}, &CallError{Sent: true, HTTPStatus: r.status, Err: err}
	}
	return a, nil
}

// maxInterim bounds the answers of class 1xx that may precede the real one.
const maxInterim = 5

// exchange writes the payload once and reads the answer. The connection may
// be used again only if reusable is true.
func (c *Client) exchange(ctx context.Context, w *conn, call Call, d door, payload []byte) (got received, reusable bool, err error) {
	before := w.attempted
	sent := func() bool { return w.attempted > before }

	// Everything is made ready before the door is asked, so that nothing but
	// the Write follows it.
	stop := w.watch(ctx, time.Now().Add(call.AnswerWithin))
	defer stop()
	if err := d.open(ctx, c.now()); err != nil {
		return got, false, &CallError{Sent: sent(), Err: err}
	}
	if _, err := w.Write(payload); err != nil {
		return got, false, &CallError{Sent: sent(), Err: fmt.Errorf("%w: writing: %w", ErrNoAnswer, why(ctx, err))}
	}
	w.limit.N = maxHeader + call.MaxBody
	got, keep, err := w.receive(call.MaxBody)
	if err != nil {
		if w.limit.N <= 0 {
			err = errTooLarge(call.MaxBody)
		}
		return got, false, &CallError{Sent: sent(), HTTPStatus: got.status, Err: fmt.Errorf("%w: reading: %w", ErrNoAnswer, why(ctx, err))}
	}
	if !stop() || !keep {
		return got, false, nil
	}
	// Without this an idle connection would count as broken at the next look.
	if err := w.raw.SetDeadline(time.Time{}); err != nil {
		return got, false, nil // the answer is whole; only the connection is not kept
	}
	return got, true, nil
}

// receive reads one answer. keep reports whether all went as it should and
// the other side means to leave the connection open.
func (c *conn) receive(maxBody int64) (got received, keep bool, err error) {
	// Only the method matters: it tells the parser that a body follows.
	asked := &http.Request{Method: http.MethodPost}
	var resp *http.Response
	for interim := 0; ; interim++ {
		resp, err = http.ReadResponse(c.reader, asked)
		if err != nil {
			return got, false, plain(err)
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			break
		}
		if interim == maxInterim {
			return got, false, errors.New("too many interim answers")
		}
	}
	defer resp.Body.Close()
	got.status = resp.StatusCode
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return got, false, errors.New("the body is compressed, which was not asked for")
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return got, false, err
	}
	if int64(len(body)) > maxBody {
		return got, false, errTooLarge(maxBody)
	}
	got.body = body
	return got, got.status == http.StatusOK && !resp.Close && c.reader.Buffered() == 0, nil
}

// plain keeps the faults of the connection and drops the parser's words, which
// may quote the answer.
func plain(err error) error {
	_, network := errors.AsType[net.Error](err)
	if network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return errors.New("it is not an HTTP answer")
}

func errTooLarge(limit int64) error {
	return fmt.Errorf("it is larger than %d bytes", limit)
}

// why prefers the end of the caller's patience to the time-out that it shows
// itself as.
func why(ctx context.Context, err error) error {
	if ctxErr := ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("it took too long")
	}
	return err
}
