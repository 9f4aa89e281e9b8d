package conformance

import (
	"fmt"
	"slices"
	"strings"
)

// testCase is one case. Its name is fixed: scripts select by it.
type testCase struct {
	name  string
	about string // what is examined
	look  string // what an author should look at when it fails
	run   func(*exam)
}

// Case is a case as it is listed.
type Case struct {
	Name  string `json:"case"`
	About string `json:"about"`
}

// Cases lists the cases for a profile, in their order.
func Cases(p Profile) []Case {
	var list []Case
	for _, c := range cases(p) {
		list = append(list, Case{Name: c.name, About: c.about})
	}
	return list
}

// cases are all cases but those that have no meaning for the profile's gateway.
func cases(p Profile) []testCase {
	all := slices.Concat(
		handshakeCases(), describeCases(), settingsCases(), preflightCases(), outcomeCases(p), chargeCases(), doubtCases(),
		queryCases(), callCases(), windowCases(), adjustCases(), processCases(), watchedCases(p),
	)
	return slices.DeleteFunc(all, func(c testCase) bool { return p.Never[c.name] != "" })
}

// checkNever refuses a profile that leaves out what is no case.
func (p Profile) checkNever() error {
	names := map[string]bool{}
	bare := p
	bare.Never = nil
	for _, c := range cases(bare) {
		names[c.name] = true
	}
	var unknown []string
	for name := range p.Never {
		if !names[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return fmt.Errorf("never: there is no case %s", strings.Join(unknown, ", "))
	}
	return nil
}
