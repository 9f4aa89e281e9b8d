package notify_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway/notify"
)

func TestRuleErrors(t *testing.T) {
	t.Parallel()
	junk := filepath.Join(t.TempDir(), "junk.pem")
	require.NoError(t, os.WriteFile(junk, []byte("junk"), 0o600))
	b := stopped(t, nil)
	for text, change := range map[string]func(*notify.Rule){
		"sitereference":        func(r *notify.Rule) { r.Site = "" },
		"mode \"x\"":           func(r *notify.Rule) { r.Mode = "x" },
		"on \"x\"":             func(r *notify.Rule) { r.On = []string{"x"} },
		"field \"No\"":         func(r *notify.Rule) { r.Fields = []string{"No"} },
		"are not chosen":       func(r *notify.Rule) { r.Fields = []string{"responsesitesecurity"} },
		"there twice":          func(r *notify.Rule) { r.Fields = []string{"a", "a"} },
		"more than 100 fields": func(r *notify.Rule) { r.Fields = make([]string, 101) },
		"more than 20 cond":    func(r *notify.Rule) { r.When = make([]notify.Condition, 21) },
		"condition on \"\"":    func(r *notify.Rule) { r.When = []notify.Condition{{In: []string{"0"}}} },
		"1 to 100 values":      func(r *notify.Rule) { r.When = []notify.Condition{{Field: "errorcode"}} },
		"a value is longer": func(r *notify.Rule) {
			r.When = []notify.Condition{{Field: "a", In: []string{strings.Repeat("x", 256)}}}
		},
		"password is longer":    func(r *notify.Rule) { r.Password = strings.Repeat("x", 256) },
		"from 1s to 48h":        func(r *notify.Rule) { r.Retry = notify.Spacing{time.Millisecond} },
		"more than 50 steps":    func(r *notify.Rule) { r.Retry = make(notify.Spacing, 51) },
		"no such file":          func(r *notify.Rule) { r.CAFile = junk + "x" },
		"no certificate in PEM": func(r *notify.Rule) { r.CAFile = junk },
		"not a file":            func(r *notify.Rule) { r.CAFile = filepath.Dir(junk) },
		"write it like https":   func(r *notify.Rule) { r.URL = "ftp://example.com" },
		"https://[":             func(r *notify.Rule) { r.URL = "https://[" },
		"longer than 2048":      func(r *notify.Rule) { r.URL = "https://example.com/" + strings.Repeat("x", 2048) },
		"without user":          func(r *notify.Rule) { r.URL = "https://a:b@example.com/" },
		"to this machine":       func(r *notify.Rule) { r.URL = "http://192.0.2.1/" },
	} {
		r := notify.Rule{Site: site, URL: "https://example.com/"}
		change(&r)
		_, err := b.s.AddRules(notify.Rule{Site: site, URL: "https://example.com/"}, r)
		require.ErrorContains(t, err, text)
		require.ErrorContains(t, err, "rule 2")
		require.Empty(t, b.s.Rules(), "all or none")
	}
	require.ErrorIs(t, b.s.DeleteRule("n1"), notify.ErrNotFound)
}

// The service's own rule for addresses is a switch.
func TestPublicAddressesOnly(t *testing.T) {
	t.Parallel()
	b := stopped(t, func(c *notify.Config) { c.Public = func() bool { return true } })
	for _, url := range []string{
		"http://localhost/", "https://localhost/", "https://x.localhost./", "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/",
		"https://224.0.0.1/", "https://0.0.0.0/", "https://169.254.1.1/", "https://[::ffff:127.0.0.1]/", "https://example.com:8443/",
	} {
		_, err := b.s.AddRules(notify.Rule{Site: site, URL: url})
		require.ErrorContains(t, err, "public", url)
	}
	for _, url := range []string{"https://example.com", "https://example.com:443/x?y=z", "https://8.8.8.8/"} {
		_, err := b.s.AddRules(notify.Rule{Site: site, URL: url})
		require.NoError(t, err)
	}
}

// The switch holds for rules that were there before, too.
func TestPublicAddressesOnlyWhenSent(t *testing.T) {
	t.Parallel()
	public := false
	r := listen(t, false)
	b := stopped(t, func(c *notify.Config) { c.Public = func() bool { return public } }, r.rule(mode(notify.Online)))
	public = true
	b.s.Start(t.Context())
	b.tell("K1")
	b.idle()
	require.Equal(t, notify.Failed, b.only().State)
	require.Contains(t, b.only().Tries[0].Error, "public")
	require.Empty(t, r.all())
}

func TestConditions(t *testing.T) {
	t.Parallel()
	condition := func(field string, in, notIn []string) func(*notify.Rule) {
		return func(r *notify.Rule) { r.When = append(r.When, notify.Condition{Field: field, In: in, NotIn: notIn}) }
	}
	settled := func(e *notify.Event) { e.Kind, e.From, e.Fields["settlestatus"] = notify.Settlement, "10", "100" }
	for _, c := range []struct {
		about  string
		rule   func(*notify.Rule)
		change func(*notify.Event)
		want   int
	}{
		{"no conditions", func(*notify.Rule) {}, nil, 1},
		{"another site", func(r *notify.Rule) { r.Site = "test_other" }, nil, 0},
		{"kind", func(r *notify.Rule) { r.On = []string{notify.Settlement} }, nil, 0},
		{"kind fits", func(r *notify.Rule) { r.On = []string{notify.Settlement} }, settled, 1},
		{"code in", condition("errorcode", []string{"70000", "0"}, nil), nil, 1},
		{"code not in the list", condition("errorcode", []string{"70000"}, nil), nil, 0},
		{"code ruled out", condition("errorcode", nil, []string{"0"}), nil, 0},
		{"another code ruled out", condition("errorcode", nil, []string{"70000"}), nil, 1},
		{"from", condition("settlestatus_from", []string{"10"}, nil), settled, 1},
		{"to", condition("settlestatus", []string{"3"}, nil), settled, 0},
		{"a field that is not there", condition("nothing", []string{"1"}, nil), nil, 0},
		{"all must hold", func(r *notify.Rule) {
			condition("errorcode", []string{"0"}, nil)(r)
			condition("currencyiso3a", []string{"EUR"}, nil)(r)
		}, nil, 0},
	} {
		rule := notify.Rule{Site: site, URL: "https://example.com/"}
		c.rule(&rule)
		b := stopped(t, nil, rule)
		e := b.event("K1")
		if c.change != nil {
			c.change(e)
		}
		require.Len(t, b.s.Tell(e), c.want, c.about)
	}
}

func TestSpacingText(t *testing.T) {
	t.Parallel()
	var r notify.Rule
	require.NoError(t, json.Unmarshal([]byte(`{"retry":"30s  5m 4h"}`), &r))
	require.Equal(t, notify.Spacing{30 * time.Second, 5 * time.Minute, 4 * time.Hour}, r.Retry)
	content, err := json.Marshal(r)
	require.NoError(t, err)
	require.Contains(t, string(content), `"retry":"30s 5m0s 4h0m0s"`)
	require.ErrorContains(t, json.Unmarshal([]byte(`{"retry":"soon"}`), &r), "no duration")
	require.ErrorContains(t, json.Unmarshal([]byte(`{"retry":"49h"}`), &r), "from 1s to 48h")
	require.ErrorContains(t, json.Unmarshal([]byte(`{"retry":"`+strings.Repeat("1s ", 100)+`"}`), &r), "more than 50")
}

// FuzzRule reads rules as the admin API gets them: no panic, and what is
// accepted can be written and read again.
func FuzzRule(f *testing.F) {
	f.Add([]byte(`{"sitereference":"test_demo1","url":"https://example.com/","mode":"failover","retry":"1m 5m","when":[{"field":"errorcode","not_in":["0"]}]}`))
	f.Add([]byte(`{"sitereference":"a","url":"http://[::1]:9/","on":["settlement"],"fields":["settlestatus"],"password":"p"}`))
	f.Add([]byte(`{"retry":"1h1h 2s","url":"https://a%zz"}`))
	s, err := notify.New(notify.Config{Now: time.Now})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var r notify.Rule
		if json.Unmarshal(text, &r) != nil {
			return
		}
		r.CAFile = "" // files of this machine are nothing to try at random
		added, err := s.AddRules(r)
		if err != nil {
			return
		}
		defer func() { require.NoError(t, s.DeleteRule(added[0].ID)) }()
		content, err := json.Marshal(added[0])
		require.NoError(t, err)
		var again notify.Rule
		require.NoError(t, json.Unmarshal(content, &again))
		require.Equal(t, added[0].Retry.String(), again.Retry.String())
		require.Equal(t, added[0].URL, again.URL)
	})
}
