package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/chargehand/chargehand/shared/payment"
)

// Config is what a Kit is made from.
type Config struct {
	// Plugin is the path of the binary. Required.
	Plugin string
	// Profile says how to work with it. Required.
	Profile Profile
	// Dir is the folder of the profile, which its commands may name; "." if
	// empty.
	Dir string
	// Run selects cases by name; nil is all.
	Run *regexp.Regexp
	// CallLimit bounds each call; 10 s if zero. A plugin that needs it for a
	// call that the gateway answers at once fails.
	CallLimit time.Duration
	// StartLimit bounds a start; 10 s if zero, as it is for a host.
	StartLimit time.Duration
	// Temp is the folder for sockets, which must be short; os.TempDir if empty.
	Temp string
	// PluginLog gets what the plugin writes to standard error, secrets masked;
	// nil drops it.
	PluginLog io.Writer
	// OnResult is told of each result as it comes; nil for no one.
	OnResult func(Result)
}

// caseLimit bounds a case. Its calls have limits of their own; this is for all
// of them together.
const caseLimit = 3 * time.Minute

// Kit examines one plugin. It is used once.
type Kit struct {
	cfg       Config
	values    placeholders
	settings  payment.Settings
	secrets   secrets
	watch     *watch
	simulator *simulator
	front     *front

	// What the cases share.
	current     *subject
	started     bool   // once, it could be
	lame        string // why it can't be started
	description payment.Description
	access      payment.Access
	profile     payment.Profile
	sequence    int64
	unready     string // why no charge can be tried
	many        []made // a hundred
	manyTried   bool
}

// New checks the configuration.
func New(cfg Config) (*Kit, error) {
	path, err := filepath.Abs(cfg.Plugin)
	if err != nil {
		return nil, fmt.Errorf("plugin %s: %w", cfg.Plugin, err)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("plugin: %w", err)
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return nil, fmt.Errorf("plugin %s: it is no executable file", path)
	}
	if err := cfg.Profile.check(); err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	cfg.Plugin = path
	if cfg.CallLimit <= 0 {
		cfg.CallLimit = 10 * time.Second
	}
	if cfg.StartLimit <= 0 {
		cfg.StartLimit = 10 * time.Second
	}
	if cfg.Dir == "" {
		cfg.Dir = "."
	}
	return &Kit{cfg: cfg, watch: newWatch()}, nil
}

// Run examines the plugin. An error means that the examination could not be
// made; what is wrong with the plugin is in the report.
func (k *Kit) Run(ctx context.Context) (Report, error) {
	report := Report{Plugin: k.cfg.Plugin, Profile: k.cfg.Profile.Name, LeftOut: map[string]string{}}
	maps.Copy(report.LeftOut, k.cfg.Profile.Never)
	chosen := k.chosen()
	if len(chosen) == 0 {
		return report, fmt.Errorf("no case matches %s; --list shows them", k.cfg.Run)
	}
	if err := k.setUp(ctx); err != nil {
		return report, err
	}
	defer k.tearDown()
	for _, c := range chosen {
		if err := ctx.Err(); err != nil {
			return report, fmt.Errorf("interrupted before %s: %w", c.name, err)
		}
		r := k.examine(ctx, c)
		if r.Verdict == leftOut {
			report.LeftOut[c.name] = r.Reason
			continue
		}
		report.Results = append(report.Results, r)
		if k.cfg.OnResult != nil {
			k.cfg.OnResult(r)
		}
	}
	return report, nil
}

// chosen are the cases to run, in their order.
func (k *Kit) chosen() []testCase {
	var chosen []testCase
	for _, c := range cases(k.cfg.Profile) {
		if k.cfg.Run == nil || k.cfg.Run.MatchString(c.name) {
			chosen = append(chosen, c)
		}
	}
	return chosen
}

// setUp starts the simulator and the front.
func (k *Kit) setUp(ctx context.Context) (err error) {
	if k.simulator, err = startSimulator(ctx, k.cfg.Profile, k.cfg.Dir, k.cfg.Plugin); err != nil {
		return fmt.Errorf("gateway simulator: %w", err)
	}
	if k.front, err = newFront(ctx, k.simulator.facts["url"], k.simulator.roots); err != nil {
		k.simulator.stop()
		return fmt.Errorf("front: %w", err)
	}
	file, err := os.CreateTemp(k.cfg.Temp, "chc*.pem")
	if err == nil {
		_, err = file.Write(k.front.ca)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		k.tearDown()
		return fmt.Errorf("write the certificate authority: %w", err)
	}
	k.values = placeholders{}
	for name, value := range k.simulator.facts {
		k.values[name] = value
	}
	k.values["gateway"], k.values["ca_file"] = k.front.url(), file.Name()
	p := k.cfg.Profile
	k.settings = k.values.fillAll(p.Settings)
	var values []string
	for _, name := range p.Secrets {
		values = append(values, k.settings[name], p.BadCredentials[name])
	}
	k.secrets = newSecrets(values)
	return nil
}

func (k *Kit) tearDown() {
	k.endCurrent()
	k.front.close()
	k.simulator.stop()
	if file := k.values["ca_file"]; file != "" {
		_ = os.Remove(file)
	}
}

func (k *Kit) endCurrent() {
	if k.current != nil {
		k.end(k.current)
		k.current = nil
	}
}

// What ends a case before its end.
type (
	failure   struct{ reason string }
	omission  struct{ reason string }
	exception struct{ reason string } // it has no meaning for this plugin
)

// examine runs one case to its verdict.
func (k *Kit) examine(ctx context.Context, c testCase) (r Result) {
	begun := time.Now()
	r = Result{Case: c.name, About: c.about, Verdict: Passed}
	ctx, cancel := context.WithTimeout(ctx, caseLimit)
	defer cancel()
	defer func() {
		switch end := recover().(type) {
		case nil:
		case failure:
			r.Verdict, r.Reason, r.Look = Failed, k.secrets.mask(end.reason), c.look
		case omission:
			r.Verdict, r.Reason = NotExamined, end.reason
		case exception:
			r.Verdict, r.Reason = leftOut, end.reason
		default:
			r.Verdict, r.Reason = NotExamined, fmt.Sprintf("the kit itself failed: %v\n%s", end, debug.Stack())
		}
		k.front.set(nil)
		k.lookAfter(ctx, c, r.Verdict)
		r.Seconds = time.Since(begun).Seconds()
	}()
	c.run(&exam{Kit: k, ctx: ctx, name: c.name})
	return r
}

// lookAfter replaces the shared process if it has not outlived the case.
func (k *Kit) lookAfter(ctx context.Context, c testCase, v Verdict) {
	s := k.current
	if s == nil || !s.dead() && (v == Passed || s.alive(context.WithoutCancel(ctx))) {
		return
	}
	if waitFor(context.WithoutCancel(ctx), s.ended, ownLimit) {
		k.watch.broken(caseSurvives, "the process ended during %s; its last words: %q", c.name, clip(k.secrets.mask(lastWords(s.said.String()))))
	} else {
		k.watch.broken(caseSurvives, "after %s the process answers no more", c.name)
	}
	k.endCurrent()
}

// lastWords is the end of a log.
func lastWords(log string) string { return log[max(0, len(log)-maxQuote):] }
