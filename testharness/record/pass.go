package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// ServeHTTP passes a call on, and its answer back.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-r.Context().Done():
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		refuse(w, http.StatusRequestEntityTooLarge, fmt.Errorf("the request has more than %d bytes", maxRequest))
		return
	}
	if err != nil {
		return // the caller is gone before the request was complete
	}
	content, err := parse(r.URL.Path, r.Header.Get("Content-Type"), body)
	if !p.config.Live {
		if err == nil {
			err = onlyTestSites(content)
		} else {
			err = errors.New("it can't be read, so it could be about a live site")
		}
		if err != nil {
			refuse(w, http.StatusForbidden, fmt.Errorf("this call is not passed on: %w. --live passes everything on", err))
			return
		}
	}
	n, err := p.begin()
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, err)
		return
	}
	e := Exchange{N: n, At: p.config.Now().UTC(), Request: p.masker.request(r, body, content)}
	complete := p.pass(w, r, body, &e)
	e.Milliseconds = p.config.Now().Sub(e.At).Milliseconds()
	p.end(&e)
	if !complete {
		panic(http.ErrAbortHandler) // closes the caller's connection, as the gateway did
	}
}

// refuse answers for the proxy itself. The gateway never answers plain text.
func refuse(w http.ResponseWriter, status int, why error) {
	http.Error(w, "testharness record: "+why.Error(), status)
}

// begin counts a call, unless it could not be written.
func (p *Proxy) begin() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tape.ended != nil {
		return 0, p.tape.ended
	}
	p.n++
	return p.n, nil
}

// end writes an exchange. If the last look finds what could be a card number,
// what it may have come in is left out.
func (p *Proxy) end(e *Exchange) {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.tape.write(e)
	if errors.Is(err, errCard) {
		bare := Exchange{
			N: e.N, At: e.At, Milliseconds: e.Milliseconds, Lost: e.Lost, Notes: []string{"its content might hold a card number"},
			Request: Request{Method: e.Request.Method, Body: Body{Bytes: e.Request.Body.Bytes}},
		}
		if e.Answer != nil {
			bare.Answer = &Answer{Status: e.Answer.Status, Body: Body{Bytes: e.Answer.Body.Bytes}}
		}
		err = p.tape.write(&bare)
	}
	if err == nil {
		p.kept++
	}
}

// hopByHop are the headers that belong to one connection.
var hopByHop = []string{"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// pass asks the gateway and gives the answer back as it comes. It reports
// whether it came whole. The gateway's answer is waited for even if the caller
// has left: what became of the call is worth knowing.
func (p *Proxy) pass(w http.ResponseWriter, r *http.Request, body []byte, e *Exchange) (complete bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), callLimit)
	defer cancel()
	target := *r.URL
	target.Scheme, target.Host = p.to.Scheme, p.to.Host
	request, err := http.NewRequestWithContext(ctx, r.Method, target.String(), bytes.NewReader(body)) //nolint:gosec // Its host is the one of the configuration.
	if err != nil {
		e.Lost = "not sent"
		return false
	}
	request.Header = r.Header.Clone()
	for _, name := range hopByHop {
		request.Header.Del(name)
	}
	if _, given := request.Header["User-Agent"]; !given {
		request.Header["User-Agent"] = nil // or Go adds its own
	}
	answer, err := p.transport.RoundTrip(request)
	if err != nil {
		e.Lost = lost(err)
		return false
	}
	defer answer.Body.Close()
	header := w.Header()
	for name, values := range answer.Header {
		header[name] = values
	}
	for _, name := range hopByHop {
		header.Del(name)
	}
	for _, name := range []string{"Date", "Content-Type"} {
		if _, given := header[name]; !given {
			header[name] = nil // or Go adds its own
		}
	}
	w.WriteHeader(answer.StatusCode)
	hash := p.masker.hash()
	kept := &copied{hash: hash}
	err = stream(w, answer.Body, kept)
	if err != nil {
		e.Lost = "broke off: " + lost(err)
	}
	e.Answer = &Answer{Status: answer.StatusCode, Headers: p.masker.headers(answer.Header)}
	content := kept.content(answer.Header.Get("Content-Encoding"))
	// The format of an answer is what it says it is.
	if found, failed := parse("", answer.Header.Get("Content-Type"), content); failed == nil && content != nil && err == nil {
		e.Answer.Body = p.masker.masked(found)
	} else if kept.bytes > 0 {
		e.Answer.Body.Hash = letters(hash.Sum(nil))
	}
	e.Answer.Body.Bytes = kept.bytes
	return err == nil
}

// stream copies an answer to its caller, part by part, and to the recorder even
// when the caller has left.
func stream(w http.ResponseWriter, from io.Reader, kept *copied) error {
	flusher := http.NewResponseController(w)
	part := make([]byte, 32<<10)
	var gone error
	for {
		n, err := from.Read(part)
		_, _ = kept.Write(part[:n])
		if gone == nil && n > 0 {
			if _, gone = w.Write(part[:n]); gone == nil {
				gone = flusher.Flush()
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// lost says what became of an answer, without words of others.
func lost(err error) string {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed"
	default:
		return "connection failed"
	}
}
