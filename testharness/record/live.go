package record

import (
	"errors"
	"strings"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// testSite begins the reference of every test site.
const testSite = "test_"

var (
	errLive = errors.New("it names a site that is no test site (test_...)")
	errNone = errors.New("one of its requests names no test site, so it could reach a live one")
)

// onlyTestSites refuses a call unless every request in it names a site, and all
// sites that it names are test sites. An update that names a transaction alone
// would reach a live one.
func onlyTestSites(p parsed) error {
	switch {
	case p.xml != nil:
		return requestsIn(p.xml)
	case p.json.Kind == wire.Object:
		named := false
		for _, m := range p.json.Members {
			if !strings.EqualFold(m.Name, "request") {
				if _, err := sitesIn(m.Value, m.Name); err != nil {
					return err
				}
				continue
			}
			items := m.Value.Items
			if m.Value.Kind != wire.Array {
				items = []wire.Value{m.Value}
			}
			for _, item := range items {
				sites, err := sitesIn(item, "")
				if err == nil && sites == 0 {
					err = errNone
				}
				if err != nil {
					return err
				}
				named = true
			}
		}
		if named {
			return nil
		}
	}
	return errNone
}

// sitesIn counts the sites that a value names.
func sitesIn(v wire.Value, name string) (int, error) {
	n := 0
	for _, item := range v.Items {
		below, err := sitesIn(item, name)
		if err != nil {
			return 0, err
		}
		n += below
	}
	for _, m := range v.Members {
		below := m.Name
		if below == "value" {
			below = name
		} else if below == "symbol" {
			continue
		}
		found, err := sitesIn(m.Value, below)
		if err != nil {
			return 0, err
		}
		n += found
	}
	isSite := strings.EqualFold(name, "sitereference") && v.Kind != wire.Array && v.Kind != wire.Object
	switch {
	case isSite && !strings.HasPrefix(v.Text, testSite):
		return 0, errLive
	case isSite:
		n++
	}
	return n, nil
}

// requestsIn is onlyTestSites for XML.
func requestsIn(root *node) error {
	if _, err := sitesBelow(root); err != nil {
		return err
	}
	named := false
	for _, c := range root.below {
		if strings.EqualFold(c.name, "request") {
			if sites, _ := sitesBelow(c); sites == 0 {
				return errNone
			}
			named = true
		}
	}
	if !named {
		return errNone
	}
	return nil
}

func sitesBelow(n *node) (int, error) {
	found := 0
	if strings.EqualFold(n.name, "sitereference") {
		if !strings.HasPrefix(n.text, testSite) {
			return 0, errLive
		}
		found++
	}
	for _, c := range n.below {
		below, err := sitesBelow(c)
		if err != nil {
			return 0, err
		}
		found += below
	}
	return found, nil
}
