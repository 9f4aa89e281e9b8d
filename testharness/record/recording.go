package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// A recording is a file of JSON lines: a Header, then an Exchange a line, in the
// order in which they ended.

// Version is the version of the form of a recording.
const Version = 1

// Header is the first line of a recording.
type Header struct {
	Version int `json:"recording"`
	// Host is the gateway that was recorded.
	Host string `json:"host"`
	// Live tells that live sites were let through.
	Live  bool      `json:"live,omitempty"`
	Began time.Time `json:"began"`
}

// Exchange is one call and its answer, masked.
type Exchange struct {
	// N counts the calls in the order in which they arrived, from 1.
	N int `json:"n"`
	// At is when the call had arrived whole.
	At time.Time `json:"at"`
	// Milliseconds until the answer had passed whole.
	Milliseconds int64    `json:"ms"`
	Request      Request  `json:"request"`
	Answer       *Answer  `json:"answer,omitempty"` // nil if none came
	Lost         string   `json:"lost,omitempty"`   // what became of an answer that did not come, or not whole
	Notes        []string `json:"notes,omitempty"`
}

// Request is a call.
type Request struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Query  string `json:"query,omitempty"`
	// User stands for the name in the Authorization header, which is kept in no
	// form. The same name as alias has the same pseudonym.
	User    string            `json:"user,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    Body              `json:"body"`
}

// Answer is what came back.
type Answer struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    Body              `json:"body"`
}

// Body is a body that could be read, or what is told of one that could not.
type Body struct {
	// JSON, XML or Form, of the one that it is.
	JSON json.RawMessage `json:"json,omitempty"`
	XML  string          `json:"xml,omitempty"`
	Form string          `json:"form,omitempty"`
	// Bytes is the length as it was sent. Hash is a keyed hash of what is not kept.
	Bytes int64  `json:"bytes"`
	Hash  string `json:"hash,omitempty"`
}

// Read reads a recording, its exchanges in the order in which they arrived.
func Read(name string) (Header, []Exchange, error) {
	var h Header
	file, err := os.Open(name)
	if err != nil {
		return h, nil, fmt.Errorf("read recording: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxLine)
	var all []Exchange
	for number := 1; lines.Scan(); number++ {
		if number == 1 {
			if err := json.Unmarshal(lines.Bytes(), &h); err != nil || h.Version != Version {
				return h, nil, fmt.Errorf("%s is no recording of version %d: make one with testharness record", name, Version)
			}
			continue
		}
		var e Exchange
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return h, nil, fmt.Errorf("%s, line %d: %w", name, number, err)
		}
		all = append(all, e)
	}
	if err := lines.Err(); err != nil {
		return h, nil, fmt.Errorf("read recording: %w", err)
	}
	if h.Version == 0 {
		return h, nil, fmt.Errorf("%s is empty", name)
	}
	slices.SortStableFunc(all, func(a, b Exchange) int { return a.N - b.N })
	return h, all, nil
}

// maxLine bounds a line: two bodies, and what masking and JSON add to them.
const maxLine = 64 << 20

// errFull says that a recording has reached its limit.
var errFull = errors.New("the recording is as large as it may get: begin another, or raise --limit")

// tape writes a recording. One goroutine at a time may use it.
type tape struct {
	file  io.WriteCloser
	left  int64
	ended error // why nothing more is written
}

func newTape(name string, limit int64, h Header) (*tape, error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%s is there already: a recording has a file of its own", name)
	}
	if err != nil {
		return nil, fmt.Errorf("make recording: %w", err)
	}
	t := &tape{file: file, left: limit}
	if err := t.write(h); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return t, nil
}

// write adds a line.
func (t *tape) write(line any) error {
	if t.ended != nil {
		return t.ended
	}
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	if holdsCard(string(text)) {
		return errCard
	}
	text = append(text, '\n')
	if t.left -= int64(len(text)); t.left < 0 {
		t.ended = errFull
		return t.ended
	}
	if _, err := t.file.Write(text); err != nil {
		t.ended = fmt.Errorf("write recording: %w", err)
	}
	return t.ended
}

// errCard says that a line seems to hold a card number.
var errCard = errors.New("a line that may hold a card number is not written")
