package conformance

import (
	"context"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	goplugin "github.com/hashicorp/go-plugin"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/pluginrpc"
)

const (
	lookProcess = `plugin/README.md, "The process"`
	// orphanLimit is how long a plugin may outlive its host.
	orphanLimit = 5 * time.Second
)

func processCases() []testCase {
	return []testCase{
		{
			"process.sigterm", "SIGTERM and SIGINT, while the host lives, end neither the plugin nor a charge on its way",
			lookProcess + ": a host drains its plugins before it ends them", survivesSignals,
		},
		{"process.orphan", "when the host dies, the plugin ends, and leaves nothing behind", lookProcess + ": the lifeline, or the parent", endsWithHost},
	}
}

func survivesSignals(e *exam) {
	e.account()
	s, end := e.own()
	defer end()
	f := holding(&fault{reaches: true})
	e.front.set(f)
	r := e.request(payment.SettleRecorded)
	done := make(chan charged, 1)
	go func() { done <- e.chargeBy(s.gateway, r) }()
	if !until(e.ctx, e.cfg.CallLimit/2, func() bool { return e.front.now().count(string(r.Reference)) > 0 }) {
		f.release()
		<-done
		e.omit("the charge did not get to the gateway; see outcome.approved")
	}
	s.signal(syscall.SIGTERM)
	s.signal(syscall.SIGINT)
	// Who takes a signal as the end may take a moment for it.
	waitFor(e.ctx, s.ended, time.Second)
	f.release()
	c := <-done
	if c.err != nil || c.result.Outcome != payment.OutcomeApproved {
		e.fail("a charge was on its way when the signals came, and the gateway approved it; the plugin answers %s", c.said())
	}
	ctx, cancel := e.limit()
	defer cancel()
	if _, err := s.gateway.Describe(ctx); err != nil {
		e.fail("after the signals it answers no more: %v", err)
	}
}

// endsWithHost starts the plugin under a shell, the host, which holds the other
// end of the lifeline, and kills the shell.
func endsWithHost(e *exam) {
	if e.lame != "" {
		e.omit("%s", e.lame)
	}
	certificate, err := newCertificate()
	if err != nil {
		e.omit("%v", err)
	}
	s, err := e.prepare()
	if err != nil {
		e.omit("%v", err)
	}
	defer s.removeAll()
	theirs, ours, err := os.Pipe()
	if err != nil {
		e.omit("make the lifeline: %v", err)
	}
	handshake := pluginrpc.Handshake()
	// Descriptor 3 is the plugin's end, 4 the host's.
	cmd := exec.Command("/bin/sh", "-c", `"$0" 4>&- & exec 1>&- 2>&- 3<&-; wait`, e.cfg.Plugin) //nolint:gosec,noctx // The plugin to examine; it is killed below.
	cmd.Dir, cmd.ExtraFiles, cmd.SysProcAttr = s.dir, []*os.File{theirs, ours}, &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = e.environment(map[string]string{
		handshake.MagicCookieKey: handshake.MagicCookieValue, "PLUGIN_PROTOCOL_VERSIONS": "1", "PLUGIN_CLIENT_CERT": string(certificate.pem),
		"PLUGIN_MIN_PORT": "10000", "PLUGIN_MAX_PORT": "25000",
		goplugin.EnvUnixSocketDir: s.sockets, pluginrpc.LifelineEnv: "3",
	})
	read, write, err := os.Pipe()
	if err != nil {
		e.omit("make a pipe: %v", err)
	}
	defer read.Close()
	cmd.Stdout = write
	err = cmd.Start()
	for _, f := range []*os.File{theirs, ours, write} {
		_ = f.Close()
	}
	if err != nil {
		e.omit("start a shell to be the host: %v", err)
	}
	defer func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait() // it was killed
	}()
	printed := &capture{}
	gone := make(chan struct{}) // the plugin alone holds standard output
	go func() {
		defer close(gone)
		_, _ = io.Copy(printed, read)
	}()
	if !until(e.ctx, e.cfg.StartLimit, func() bool { _, err := parseLine(firstLine(printed.String())); return err == nil }) {
		e.omit("the plugin does not start under a shell; see handshake.line")
	}
	_ = syscall.Kill(cmd.Process.Pid, syscall.SIGKILL) // the shell alone
	if !waitFor(e.ctx, gone, orphanLimit) {
		e.fail("%s after its host was killed it still runs", orphanLimit)
	}
	if !until(e.ctx, time.Second, func() bool { return empty(s.sockets) }) {
		e.fail("after its host was killed it has ended, and left its socket behind")
	}
}

func firstLine(text string) string {
	for i := range len(text) {
		if text[i] == '\n' {
			return text[:i+1]
		}
	}
	return ""
}

// empty reports whether a folder holds nothing, or is gone.
func empty(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err != nil || len(entries) == 0
}

// watchedCases judge what was watched during all others, so they come last.
func watchedCases(p Profile) []testCase {
	watched := func(name, about, look string, enough func(*watch) bool) testCase {
		return testCase{name, about, look, func(e *exam) {
			e.endCurrent() // what it has written is looked through at its end
			if wrong := e.watch.verdict(name); wrong != "" {
				e.fail("%s", wrong)
			}
			if !enough(e.watch) {
				e.omit("nothing was watched: run it with other cases")
			}
		}}
	}
	ended := func(w *watch) bool { return w.ends.Load() > 0 }
	answered := func(w *watch) bool { return w.answers.Load() > 0 }
	charged := func(w *watch) bool { return w.charges.Load() > 0 }
	all := []testCase{
		watched(caseOnce, "through all cases, the gateway got at most one request for each charge, of whatever kind", lookDoubt+": no query, and nothing a second time, inside Charge", charged),
		watched(caseAnswerForm, "through all cases, answers and errors were complete: kind, text, reason, times in UTC, evidence within its limit", lookOutcome, answered),
		watched(caseAnswerSecrets, "through all cases, no answer held a secret", lookProcess+": secrets", answered),
		watched(caseLogSecrets, "through all cases, no line of the log held a secret", lookProcess+": secrets", answered),
		watched(caseStdout, "through all cases, nothing was printed to standard output", lookProcess+": standard output", answered),
		watched(caseSurvives, "through all cases, the process lived until it was told to end", lookProcess+": a call that fails must not take its neighbours with it", answered),
		{caseShutdown, "told to by GRPCController.Shutdown, it ends within 2 s", lookHandshake + ": the controller", func(e *exam) {
			e.endCurrent()
			ends, forced := e.watch.ends.Load(), e.watch.forced.Load()
			switch {
			case ends == 0:
				e.omit("nothing was watched: run it with other cases")
			case 2*forced > ends: // once in a while it is the machine that is busy
				e.fail("in %d of %d runs it did not end within %s of Shutdown, and had to be killed", forced, ends, grace)
			}
		}},
		watched(caseLitter, "what ended left nothing behind: no socket, no file, no process", lookProcess, ended),
	}
	if p.Gateway.Ledger != "" {
		all = append(all, testCase{
			caseLedger, "the simulator's ledger holds each charge at most once, and none that was said not to be sent", lookDoubt,
			checkLedger,
		})
	}
	return all
}

func checkLedger(e *exam) {
	e.settle()
	held, err := ledger(context.WithoutCancel(e.ctx), e.cfg.Profile.Gateway, e.values)
	if err != nil {
		e.omit("the ledger can't be read: %v", err)
	}
	e.watch.mu.Lock()
	sent := make(map[string]bool, len(e.watch.sent))
	for reference, maybe := range e.watch.sent {
		sent[reference] = maybe
	}
	e.watch.mu.Unlock()
	if len(sent) == 0 {
		e.omit("no charge was made: run it with other cases")
	}
	for reference, maybe := range sent {
		switch n := held[reference]; {
		case n > 1:
			e.fail("the charge %s is there %d times", reference, n)
		case n > 0 && !maybe:
			e.fail("the charge %s is there, and the plugin said that nothing was sent", reference)
		}
	}
}
