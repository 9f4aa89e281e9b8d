package record

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// Result is what became of one exchange.
type Result struct {
	N int `json:"n"`
	// Types are the request types of the call.
	Types []string `json:"types,omitempty"`
	Same  bool     `json:"same"`
	// Skipped says why nothing was compared, if nothing was.
	Skipped     string       `json:"skipped,omitempty"`
	Differences []Difference `json:"differences,omitempty"`
}

// Report sums up.
type Report struct {
	Exchanges int       `json:"exchanges"` // those compared
	Same      int       `json:"same"`
	Different int       `json:"different"`
	Skipped   int       `json:"-"`
	Findings  []Finding `json:"-"`
}

// CompareConfig says what is compared with what.
type CompareConfig struct {
	// File is the recording.
	File string
	// Against is a running simulator; the zero Against starts one, which lives at
	// the recorded times and has the recorded sites and users.
	Against Against
	// OnResult gets each result as it comes; nil for none.
	OnResult func(Result)
}

// Compare plays a recording to the simulator and compares the answers. The error
// says that it could not be done, not that they differ.
func Compare(ctx context.Context, cfg CompareConfig) (Report, error) {
	var report Report
	_, exchanges, err := Read(cfg.File)
	if err != nil {
		return report, err
	}
	contents := make([]parsed, len(exchanges))
	answers := make([]envelope, len(exchanges))
	for i := range exchanges {
		contents[i] = exchanges[i].Request.Body.parsed()
		if exchanges[i].Answer != nil {
			answers[i] = exchanges[i].Answer.Body.parsed().envelope()
		}
	}
	at, closeTarget, err := cfg.Against.open(ctx, exchanges, contents)
	if err != nil {
		return report, err
	}
	defer closeTarget()
	p := &player{target: at.target, names: map[string]string{}, was: recordsIn(answers)}
	sums := newTally()
	for i := range exchanges {
		e := &exchanges[i]
		at.move(e.At)
		result := Result{N: e.N, Types: types(contents[i].requests())}
		if result.Skipped = contents[i].unplayable(e); result.Skipped == "" {
			result.Skipped, result.Differences, err = p.compare(ctx, e, contents[i], &answers[i], sums, at.sameDays)
			if err != nil {
				return report, err
			}
		}
		switch result.Same = result.Skipped == "" && len(result.Differences) == 0; {
		case result.Skipped != "":
			report.Skipped++
		case result.Same:
			report.Same++
		default:
			report.Different++
		}
		if cfg.OnResult != nil {
			cfg.OnResult(result)
		}
	}
	report.Exchanges = report.Same + report.Different
	report.Findings = sums.findings()
	return report, nil
}

// compare plays one exchange and holds the answer against the recorded one.
func (p *player) compare(
	ctx context.Context, e *Exchange, content parsed, theirs *envelope, sums *tally, sameDays bool,
) (skipped string, out []Difference, err error) {
	reply, sent, err := p.play(ctx, e, content, theirs)
	if err != nil {
		return "", nil, err
	}
	var ours envelope
	found, failed := parse(e.Request.Path, reply.contentType, reply.body)
	if failed == nil {
		ours = found.envelope()
	}
	if e.Answer == nil || e.Lost != "" {
		return "no whole answer was recorded: " + e.Lost, nil, nil
	}
	p.learn(theirs, &ours)
	d := &differ{names: p.names, sameDays: sameDays, tally: sums}
	d.same("http", "status", fmt.Sprint(e.Answer.Status), fmt.Sprint(reply.status))
	d.same("http", "content-type", e.Answer.Headers["Content-Type"], reply.contentType)
	if e.Answer.Body.Hash == "" || failed == nil {
		d.envelopes(theirs, &ours, sent)
	}
	return "", d.out, nil
}

// recordsIn is what the answers tell of each transaction.
func recordsIn(answers []envelope) map[string]*element {
	out := map[string]*element{}
	for i := range answers {
		for j := range answers[i].elements {
			for k := range answers[i].elements[j].records {
				r := &answers[i].elements[j].records[k]
				out[r.text("transactionreference")] = r
			}
		}
	}
	return out
}

func types(requests []element) []string {
	var out []string
	for _, r := range requests {
		for _, name := range []string{"requesttypedescription", "requesttypedescriptions"} {
			for _, v := range r.members[name] {
				if !slices.Contains(out, v.Text) {
					out = append(out, v.Text)
				}
			}
		}
	}
	return out
}

// unplayable says why a request can't be sent again, if it can't.
func (c parsed) unplayable(e *Exchange) string {
	switch {
	case e.Request.Path != "/json/" && e.Request.Path != "/xml/":
		return "its path is not one of the simulator's"
	case e.Request.Body.Hash != "" || len(e.Notes) > 0:
		return "its body was not kept"
	}
	return ""
}

// parsed reads a body of a recording.
func (b Body) parsed() parsed {
	var p parsed
	switch {
	case b.JSON != nil:
		p, _ = parse("/json/", typeJSON, b.JSON) // was written by us
	case b.XML != "":
		p, _ = parse("/xml/", "text/xml", []byte(b.XML))
	case b.Form != "":
		p, _ = parse("", typeForm, []byte(b.Form))
	}
	return p
}

// envelope reads an answer.
func (c parsed) envelope() envelope {
	switch {
	case c.xml != nil && strings.HasPrefix(c.xml.name, "responseblock"):
		return newEnvelope(c.xml.document())
	case c.json.Kind == wire.Object:
		return newEnvelope(c.json)
	}
	return envelope{}
}
