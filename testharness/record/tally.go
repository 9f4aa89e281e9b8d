package record

import (
	"fmt"
	"maps"
	"slices"
)

// tally counts over all answers of a kind which fields they had.
type tally struct {
	answers map[string]int
	fields  map[[2]string]*[2]int // kind and field: at the gateway, at the simulator
}

func newTally() *tally { return &tally{answers: map[string]int{}, fields: map[[2]string]*[2]int{}} }

func (t *tally) add(at string, both ...*element) {
	t.answers[at]++
	for i, e := range both {
		for name := range e.members {
			key := [2]string{at, name}
			if t.fields[key] == nil {
				t.fields[key] = &[2]int{}
			}
			t.fields[key][i]++
		}
	}
}

// Finding is what holds for all compared answers of a kind.
type Finding struct {
	At    string `json:"at"`
	Field string `json:"field"`
	// Answers is how many there were, Gateway and Simulator in how many of them
	// each gave the field.
	Answers   int `json:"answers"`
	Gateway   int `json:"gateway"`
	Simulator int `json:"simulator"`
}

// String is one line for people.
func (f Finding) String() string {
	if f.Simulator == 0 {
		return fmt.Sprintf("the gateway gives %s in %s answers (%d of %d), the simulator never does", f.Field, f.At, f.Gateway, f.Answers)
	}
	return fmt.Sprintf("the simulator gives %s in %s answers (%d of %d), the gateway never does", f.Field, f.At, f.Simulator, f.Answers)
}

// enough is how many answers must lack an optional field before that says
// anything: the simulator leaves one out of ten away.
const enough = 30

// findings are the fields that only one of both has ever given.
func (t *tally) findings() []Finding {
	var out []Finding
	for _, key := range slices.SortedFunc(maps.Keys(t.fields), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		f := Finding{At: key[0], Field: key[1], Answers: t.answers[key[0]], Gateway: t.fields[key][0], Simulator: t.fields[key][1]}
		if (f.Gateway == 0) == (f.Simulator == 0) || (optional[f.Field] || noise[f.Field]) && f.Answers < enough {
			continue
		}
		out = append(out, f)
	}
	return out
}
