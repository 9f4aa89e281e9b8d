package gateway

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// compactFrom is the least number of lines at which a journal is worth being
// written anew; above, it is when two lines in three are out of date.
const compactFrom = 10_000

// lineKey reads what a line of the journal is about.
type lineKey struct {
	Transaction *struct{ Ref string } `json:"transaction"`
	User        *struct {
		Name string `json:"name"`
	} `json:"user"`
	Site *struct {
		Reference string `json:"sitereference"`
	} `json:"site"`
	Token *struct {
		ID    string
		Spent bool
	} `json:"token"`
	Rule *struct {
		ID string `json:"id"`
	} `json:"rule"`
	RuleGone     string `json:"rule_gone"`
	Notification *struct {
		ID int64 `json:"id"`
	} `json:"notification"`
	NotificationGone int64           `json:"notification_gone"`
	Clock            json.RawMessage `json:"clock"`
	Call             json.RawMessage `json:"call"`
	Forgotten        json.RawMessage `json:"forgotten"`
	Reset            bool            `json:"reset"`
}

// span is where a line lies in the file.
type span struct{ at, size int64 }

// survivors are the lines of a journal that still count: the last about each
// thing, in the order in which things were first heard of.
type survivors struct {
	order    []string
	last     map[string]span
	calls    []span
	lastGone int64 // the highest id of a notification that is gone
}

func (s *survivors) set(key string, at span) {
	if _, known := s.last[key]; !known {
		s.order = append(s.order, key)
	}
	s.last[key] = at
}

// note takes in a line. Transactions count if they are in the book.
func (s *survivors) note(b *book, text []byte, at span) error {
	var l lineKey
	if err := json.Unmarshal(text, &l); err != nil {
		return fmt.Errorf("line at byte %d: %w", at.at, err)
	}
	switch {
	case l.Reset:
		*s = survivors{last: map[string]span{}, lastGone: s.lastGone}
	case l.Transaction != nil && b.byRef[l.Transaction.Ref] != nil:
		s.set("transaction "+l.Transaction.Ref, at)
	case l.User != nil:
		s.set("user "+l.User.Name, at)
	case l.Site != nil:
		s.set("site "+l.Site.Reference, at)
	case l.Token != nil && l.Token.Spent:
		delete(s.last, "token "+l.Token.ID)
	case l.Token != nil:
		s.set("token "+l.Token.ID, at)
	case l.Rule != nil:
		s.set("rule "+l.Rule.ID, at)
	case l.RuleGone != "": // the Config may have the rule, so this must stay known
		s.set("rule "+l.RuleGone, at)
	case l.Notification != nil:
		s.set("notification "+strconv.FormatInt(l.Notification.ID, 10), at)
	case l.NotificationGone != 0:
		delete(s.last, "notification "+strconv.FormatInt(l.NotificationGone, 10))
		s.lastGone = max(s.lastGone, l.NotificationGone)
	case len(l.Clock) > 0:
		s.set("clock", at)
	case len(l.Call) > 0:
		s.calls = append(s.calls, at)
	}
	return nil
}

// compact writes the journal anew if most of it is out of date. g.mu is held.
func (g *Gateway) compact() {
	j := g.kept
	if j == nil || j.err != nil || j.lines < max(compactFrom, 3*j.fresh) {
		return
	}
	if err := g.rewrite(); err != nil {
		j.err = fmt.Errorf("compact the journal: %w", err)
	}
}

func (g *Gateway) rewrite() error {
	j := g.kept
	found := survivors{last: map[string]span{}}
	if _, err := j.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	at := int64(0)
	for in := bufio.NewReader(j.file); ; {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = found.note(g.book, text, span{at, int64(len(text))})
		}
		if err != nil {
			return err
		}
		at += int64(len(text))
	}
	path := g.config.Journal
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	next := &journal{file: file}
	if err := found.write(g, j.file, next); err != nil {
		return errors.Join(err, file.Close())
	}
	// Closed before it takes the old one's place: not every system moves open files.
	if err := errors.Join(file.Close(), j.file.Close(), os.Rename(path+".new", path)); err != nil {
		return err
	}
	if j.file, err = os.OpenFile(path, os.O_RDWR, 0o600); err == nil {
		_, err = j.file.Seek(0, io.SeekEnd)
	}
	j.lines, j.fresh = next.lines, next.lines
	return err
}

// write copies the lines that count, and what they leave out.
func (s *survivors) write(g *Gateway, from io.ReaderAt, to *journal) error {
	out := bufio.NewWriter(to.file)
	spans := s.calls[max(0, len(s.calls)-g.config.Calls):]
	for _, key := range s.order {
		if at, ok := s.last[key]; ok {
			spans = append(spans, at)
			delete(s.last, key) // one that was gone and came back is in the order twice
		}
	}
	for _, at := range spans {
		if _, err := io.Copy(out, io.NewSectionReader(from, at.at, at.size)); err != nil {
			return err
		}
		to.lines++
	}
	for _, l := range []journalLine{{NotificationGone: s.lastGone}, {Forgotten: g.book.forgotten.list()}} {
		text, err := json.Marshal(l)
		if err != nil {
			return err
		}
		if bytes.Equal(text, []byte("{}")) {
			continue
		}
		if _, err := out.Write(append(text, '\n')); err != nil {
			return err
		}
		to.lines++
	}
	return out.Flush()
}
