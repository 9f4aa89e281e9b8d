package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/gateway/notify"
)

// output is what a command that runs on has printed so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// listener runs "notify listen" and returns its URL and what it prints.
func listener(t *testing.T, args ...string) (url string, printed *output) {
	t.Helper()
	printed = &output{}
	said := &output{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	k, err := kong.New(&commands{}, append(options(ctx), kong.Writers(printed, said))...)
	require.NoError(t, err)
	parsed, err := k.Parse(append([]string{"notify", "listen", "--listen", "127.0.0.1:0"}, args...))
	require.NoError(t, err)
	go func() { ended <- parsed.Run() }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	address := regexp.MustCompile(`http://\S+`)
	require.Eventually(t, func() bool { return address.MatchString(said.String()) }, time.Minute, time.Millisecond)
	return address.FindString(said.String()), printed
}

// The way of the README: a rule, a payment, a forged notification on screen.
func TestNotifyCommands(t *testing.T) {
	t.Parallel()
	url, printed := listener(t, "--password", "s3cret")
	admin := simulator(t)
	do := func(args ...string) string {
		t.Helper()
		out, err := run(t.Context(), append(args, "--admin", admin)...)
		require.NoError(t, err)
		return out
	}
	require.Equal(t, "n1", do("notify", "rules", "add", "--url", url, "--password", "s3cret", "--retry", "1m 5m", "--field", "errorcode",
		"--field", "settlestatus", "--field", "transactionreference", "--when", "errorcode!=70000,71000", "--when", "settlestatus=0,100"))
	var rule notify.Rule
	require.NoError(t, json.Unmarshal([]byte(do("notify", "rules", "add", "--json", "--url", url, "--on", "settlement", "--mode", "failover")), &rule))
	require.Equal(t, notify.Rule{ID: "n2", Site: gateway.DefaultSite, URL: url, On: []string{"settlement"}, Mode: notify.Failover}, rule)
	table := do("notify", "rules", "list")
	require.Contains(t, table, "errorcode!=70000,71000 settlestatus=0,100")
	var rules []notify.Rule
	require.NoError(t, json.Unmarshal([]byte(do("notify", "rules", "list", "--json")), &rules))
	require.Len(t, rules, 2)
	require.Equal(t, notify.Spacing{time.Minute, 5 * time.Minute}, rules[0].Retry)
	do("notify", "rules", "delete", "n2")

	do("fault", "add", `{"effect":"notification_forged","variant":"paid","event":"authorisation","times":1}`)
	ref := do("vt", "--site", gateway.DefaultSite, "--amount", "100", "--currency", "GBP")
	require.Contains(t, do("notify", "log", "--wait", "50s"), "forged paid")
	require.Contains(t, printed.String(), `hash WRONG errorcode="0" notificationreference="55-A1" settlestatus="100" transactionreference="`+ref+`"`)
	require.Equal(t, "2", do("notify", "forge", ref, "--variant", "paid", "--signed"))
	require.JSONEq(t, `{"ids":[3]}`, do("notify", "forge", ref, "--json"))
	require.Equal(t, "4", do("notify", "resend", "1"))
	do("tick", "48h")
	var log []notify.Notification
	require.NoError(t, json.Unmarshal([]byte(do("notify", "log", "--wait", "50s", "--transaction", ref, "--json")), &log))
	require.Len(t, log, 5)
	require.Equal(t, "settlement", log[4].Event)
	require.Equal(t, notify.Sent, log[4].State)
	lines := strings.Split(strings.TrimSpace(printed.String()), "\n")
	require.Len(t, lines, 5)
	require.Equal(t, 2, strings.Count(printed.String(), "hash ok"), "the signed lie and the settlement")
}

func TestNotifyCommandErrors(t *testing.T) {
	t.Parallel()
	admin := simulator(t)
	for text, args := range map[string][]string{
		"write it like errorcode": {"notify", "rules", "add", "--admin", admin, "--url", "http://127.0.0.1:1/", "--when", "errorcode"},
		"plain http goes":         {"notify", "rules", "add", "--admin", admin, "--url", "http://192.0.2.1/"},
		"no site":                 {"notify", "rules", "add", "--admin", admin, "--url", "http://127.0.0.1:1/", "--site", "test_x"},
		"no duration":             {"notify", "rules", "add", "--admin", admin, "--url", "http://127.0.0.1:1/", "--retry", "soon"},
		"must be one of":          {"notify", "rules", "add", "--admin", admin, "--url", "http://127.0.0.1:1/", "--mode", "x"},
		`rule "n7": not found`:    {"notify", "rules", "delete", "--admin", admin, "n7"},
		"notification 7":          {"notify", "resend", "--admin", admin, "7"},
		`transaction "55-9-1"`:    {"notify", "forge", "--admin", admin, "55-9-1"},
		"at most 50s":             {"notify", "log", "--admin", admin, "--wait", "51s"},
		"a loopback address":      {"notify", "listen", "--listen", "0.0.0.0:0"},
		"200 to 599":              {"notify", "listen", "--answer", "100"},
		"listen tcp":              {"notify", "listen", "--listen", "127.0.0.1:99999"},
	} {
		_, err := run(t.Context(), args...)
		require.ErrorContains(t, err, text)
	}
}

func TestRulesToBeginWith(t *testing.T) {
	t.Parallel()
	url, printed := listener(t, "--json", "--answer", "503")
	file := filepath.Join(t.TempDir(), "rules.json")
	require.NoError(t, os.WriteFile(file, []byte(`[{"sitereference":"test_site12345","url":"`+url+`"}]`), 0o600))
	admin := simulator(t, "--rules", file)
	_, err := run(t.Context(), "vt", "--admin", admin, "--amount", "100", "--site", gateway.DefaultSite)
	require.NoError(t, err)
	log, err := run(t.Context(), "notify", "log", "--admin", admin, "--wait", "50s")
	require.NoError(t, err)
	require.Regexp(t, `queued\s+1\s+503`, log)
	var one heard
	require.NoError(t, json.Unmarshal([]byte(strings.TrimSpace(printed.String())), &one))
	require.Equal(t, "unchecked", one.Hash)
	require.Equal(t, "100", one.Fields["baseamount"])
	res, err := http.Post(url, "application/x-www-form-urlencoded", strings.NewReader("a=%zz"))
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Contains(t, printed.String(), "invalid URL escape")

	require.NoError(t, os.WriteFile(file, []byte(`[{"site":"x"}]`), 0o600))
	_, err = run(t.Context(), "gateway", "--dir", t.TempDir(), "--rules", file)
	require.ErrorContains(t, err, "unknown field")
}

// A receiver that does not answer keeps the log waiting, which the exit code tells.
func TestLogWaitsInVain(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-gone }))
	defer server.Close()
	admin := simulator(t)
	_, err := run(t.Context(), "notify", "rules", "add", "--admin", admin, "--url", server.URL, "--retry", "1s")
	require.NoError(t, err)
	_, err = run(t.Context(), "vt", "--admin", admin, "--amount", "100", "--site", gateway.DefaultSite)
	require.NoError(t, err)
	out, err := run(t.Context(), "notify", "log", "--admin", admin, "--wait", "1ms")
	close(gone)
	require.ErrorContains(t, err, "still on their way")
	require.Equal(t, exitBusy, exitCode(err))
	require.Contains(t, out, "queued")
}
