package conformance

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Verdict is what a case came to.
type Verdict string

// The verdicts.
const (
	Passed      Verdict = "passed"
	Failed      Verdict = "failed"
	NotExamined Verdict = "not examined"

	leftOut Verdict = "left out" // never reported as a result
)

// Result is one case.
type Result struct {
	Case    string  `json:"case"`
	Verdict Verdict `json:"result"`
	// About says what was examined.
	About string `json:"about"`
	// Reason why it did not pass, and what the author should Look at.
	Reason  string  `json:"reason,omitempty"`
	Look    string  `json:"look,omitempty"`
	Seconds float64 `json:"seconds"`
}

// Report is a whole examination.
type Report struct {
	Plugin, Profile string
	Results         []Result
	// LeftOut are the cases that have no meaning for this plugin or its gateway,
	// with the reason. They are not counted.
	LeftOut map[string]string
}

// Summary is the last line of --json.
type Summary struct {
	Cases       int      `json:"cases"`
	Passed      int      `json:"passed"`
	Failed      []string `json:"failed"`
	NotExamined []string `json:"not_examined,omitempty"`
}

// Summary counts the results.
func (r Report) Summary() Summary {
	s := Summary{Cases: len(r.Results), Failed: []string{}}
	for _, result := range r.Results {
		switch result.Verdict {
		case Passed:
			s.Passed++
		case Failed:
			s.Failed = append(s.Failed, result.Case)
		default:
			s.NotExamined = append(s.NotExamined, result.Case)
		}
	}
	return s
}

// Print writes a result for people.
func (r Result) Print(w io.Writer) error {
	var err error
	switch r.Verdict {
	case Passed:
		_, err = fmt.Fprintf(w, "passed        %s (%.1f s)\n", r.Case, r.Seconds)
	case Failed:
		_, err = fmt.Fprintf(w, "FAILED        %s (%.1f s): %s\n              %s\n              Look at: %s\n", r.Case, r.Seconds, r.About, r.Reason, r.Look)
	default:
		_, err = fmt.Fprintf(w, "not examined  %s: %s\n", r.Case, r.Reason)
	}
	return err
}

// Print writes the end of a report for people.
func (r Report) Print(w io.Writer) error {
	for _, name := range slices.Sorted(maps.Keys(r.LeftOut)) {
		if _, err := fmt.Fprintf(w, "left out      %s: %s\n", name, r.LeftOut[name]); err != nil {
			return err
		}
	}
	s := r.Summary()
	_, err := fmt.Fprintf(w, "\n%d cases, %d passed, %d failed, %d not examined\n", s.Cases, s.Passed, len(s.Failed), len(s.NotExamined))
	return err
}

// PrintJSON writes a result, or a Summary, as a line of JSON.
func PrintJSON(w io.Writer, value any) error { return json.NewEncoder(w).Encode(value) }

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Seconds  float64     `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Seconds float64       `xml:"time,attr"`
	Failure *junitMessage `xml:"failure"`
	Skipped *junitMessage `xml:"skipped"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes the report in the form that CI systems read.
func (r Report) JUnit(w io.Writer) error {
	s := r.Summary()
	suite := junitSuite{Name: "conformance " + r.Profile, Tests: s.Cases, Failures: len(s.Failed), Skipped: len(s.NotExamined)}
	for _, result := range r.Results {
		c := junitCase{Name: result.Case, Class: "conformance." + r.Profile, Seconds: result.Seconds}
		switch result.Verdict {
		case Passed:
		case Failed:
			c.Failure = &junitMessage{Message: result.Reason, Text: result.About + "\nLook at: " + result.Look}
		default:
			c.Skipped = &junitMessage{Message: result.Reason}
		}
		suite.Seconds += result.Seconds
		suite.Cases = append(suite.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(suite); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
