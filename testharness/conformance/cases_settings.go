package conformance

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"reflect"
	"slices"
	"syscall"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymentcheck"
	"github.com/chargehand/chargehand/shared/pluginkit"
	"github.com/chargehand/chargehand/shared/pluginrpc"
)

const (
	lookSchema    = `plugin/README.md, "The settings"`
	lookPreflight = `plugin/README.md, "Preflight"`
)

func describeCases() []testCase {
	return []testCase{
		{"describe.schema", "it says what it is, and its settings schema can be drawn and checked", lookSchema, func(e *exam) {
			d := e.describe()
			e.right(paymentcheck.Description(d), "what it says of itself")
			fields := map[string]payment.Field{}
			for _, f := range d.Settings {
				fields[f.Name] = f
			}
			for name := range e.settings {
				if fields[name].Name == "" {
					e.fail("the profile has the setting %s, and the schema does not", name)
				}
			}
			for _, name := range e.cfg.Profile.Secrets {
				if !fields[name].Secret() {
					e.fail("the setting %s is a secret, and the schema does not say so: it would be stored and shown in the open", name)
				}
			}
		}},
		{"describe.again", "asked twice, it says the same", lookSchema + ": Describe depends on nothing but the build", func(e *exam) {
			if first, second := e.describe(), e.describe(); !reflect.DeepEqual(first, second) {
				e.fail("the first answer is %+v, the second %+v", first, second)
			}
		}},
		{
			"describe.command", `the command "describe", without a host, prints the same as JSON`, `plugin/README.md, "describe"; the manifest is made from it`,
			describeCommand,
		},
	}
}

func (e *exam) describe() payment.Description {
	ctx, cancel := e.limit()
	defer cancel()
	d, err := e.plugin().gateway.Describe(ctx)
	e.note(d, err)
	e.right(err, "Describe")
	return d
}

func describeCommand(e *exam) {
	s, err := e.prepare()
	if err != nil {
		e.omit("%v", err)
	}
	defer s.removeAll()
	ctx, cancel := e.limit()
	defer cancel()
	stdout, stderr := &capture{}, &capture{}
	cmd := exec.CommandContext(ctx, e.cfg.Plugin, "describe") //nolint:gosec // The plugin to examine.
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, e.environment(nil), stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = killLimit
	if err := cmd.Run(); err != nil {
		e.fail(`the command "describe" fails: %v; it said %q`, err, clip(stderr.String()))
	}
	var said pluginkit.Self
	decoder := json.NewDecoder(bytes.NewBufferString(stdout.String()))
	if err := decoder.Decode(&said); err != nil {
		e.fail("what it prints can't be read: %v", err)
	}
	if said.Type != pluginrpc.PluginType || !slices.Contains(said.ProtocolVersions, pluginrpc.ProtocolVersion) {
		e.fail("it says the type %q and the protocol versions %v; it must be %q and hold %d", said.Type, said.ProtocolVersions,
			pluginrpc.PluginType, pluginrpc.ProtocolVersion)
	}
	if d := e.describe(); said.Plugin.Name != d.Name || said.Plugin.Title != d.Title || !slices.Equal(said.Plugin.Capabilities, d.Capabilities) ||
		len(said.Plugin.Settings) != len(d.Settings) {
		e.fail("it prints %+v, and the call Describe says %+v", said.Plugin, d)
	}
}

func settingsCases() []testCase {
	return []testCase{
		{"settings.right", "right settings are found right, and it says where they lead", lookSchema, func(e *exam) {
			report := e.validate(payment.SettingsRequest{Settings: e.settings})
			if len(report.Problems) > 0 {
				e.fail("it finds fault with %s: %s", report.Problems[0].Field, report.Problems[0].Text)
			}
			p := report.Profile
			switch {
			case p.Endpoint == "" || p.Site == "" || p.User == "":
				e.fail("it does not say the endpoint (%q), site (%q) and user (%q) that they lead to", p.Endpoint, p.Site, p.User)
			case p.Mode != payment.ModeTest && p.Mode != payment.ModeLive:
				e.fail("it does not say whether they are for test or live money")
			case p.Stored.Validate() != nil:
				e.fail("it does not say the stored reference")
			case p.Settle != payment.SettleRecorded && p.Settle != payment.SettleAtOnce:
				e.fail("it does not say the way to settle")
			}
		}},
		{"settings.partial", "what is not there yet is no problem in partial settings", lookSchema, func(e *exam) {
			report := e.validate(payment.SettingsRequest{Settings: payment.Settings{}, Partial: true})
			if len(report.Problems) > 0 {
				e.fail("it finds fault with %s in partial settings that hold nothing: %s", report.Problems[0].Field, report.Problems[0].Text)
			}
		}},
		{"settings.missing", "each required field that is missing from complete settings is named", lookSchema, func(e *exam) {
			for _, f := range e.describe().Settings {
				if f.Required && f.Default == "" {
					e.findsWrong("without "+f.Name, with(e.settings, map[string]string{f.Name: ""}), f.Name)
				}
			}
		}},
		{"settings.wrong", "wrong settings are found wrong, at the right field, without any network", lookSchema, func(e *exam) {
			if len(e.cfg.Profile.Wrong) == 0 {
				e.omit("the profile has no wrong settings")
			}
			for _, wrong := range e.cfg.Profile.Wrong {
				e.findsWrong("with "+wrong.Name, with(e.settings, e.values.fillAll(wrong.Set)), wrong.Field)
			}
		}},
	}
}

func (e *exam) validate(r payment.SettingsRequest) payment.SettingsReport {
	ctx, cancel := e.limit()
	defer cancel()
	w := e.front.open()
	report, err := e.plugin().gateway.ValidateSettings(ctx, r)
	e.note(report, err)
	e.right(err, "ValidateSettings")
	if n := w.count(""); n > 0 {
		e.fail("it reaches the gateway while it checks settings (%d requests)", n)
	}
	return report
}

func (e *exam) findsWrong(what string, settings payment.Settings, field string) {
	report := e.validate(payment.SettingsRequest{Settings: settings})
	e.right(paymentcheck.Problems(e.describe(), report.Problems), "settings "+what)
	if !slices.ContainsFunc(report.Problems, func(p payment.FieldProblem) bool { return p.Field == field }) {
		e.fail("settings %s: it has no problem with %s", what, field)
	}
}

func preflightCases() []testCase {
	return []testCase{
		{"preflight.right", "settings that work pass, and the card is shown masked", lookPreflight, func(e *exam) {
			r := e.preflight(payment.PreflightRequest{Access: e.account(), Stored: e.profile.Stored}, true)
			if r.Mode != e.profile.Mode || r.Card == "" {
				e.fail("it reports the mode %q (the settings say %q) and the card %q", r.Mode, e.profile.Mode, r.Card)
			}
		}},
		{"preflight.without-card", "without a stored reference it checks credentials and site", lookPreflight, func(e *exam) {
			e.preflight(payment.PreflightRequest{Access: e.account()}, true)
		}},
		{"preflight.missing-card", "a stored reference that is not there does not pass", lookPreflight, func(e *exam) {
			if e.cfg.Profile.MissingStored == "" {
				e.omit("the profile has no missing_stored")
			}
			e.preflight(payment.PreflightRequest{Access: e.account(), Stored: payment.TransactionID(e.cfg.Profile.MissingStored)}, false)
		}},
		{"preflight.credentials", "refused credentials do not pass", lookPreflight, func(e *exam) {
			e.preflight(payment.PreflightRequest{Access: e.refusedAccess(), Stored: e.profile.Stored}, false)
		}},
		{"preflight.doubt", "without an answer of the gateway nothing passes", lookPreflight, func(e *exam) {
			for _, d := range doubts {
				if d.name == "other-answer" {
					continue // an answer to a charge is none to another question
				}
				access := e.account()
				ctx, cancel := e.limit()
				e.front.set(d.fault())
				report, err := e.plugin().gateway.Preflight(ctx, payment.PreflightRequest{Access: access, Stored: e.profile.Stored})
				e.front.set(nil)
				cancel()
				e.note(report, err)
				if err == nil && report.Passed() {
					e.fail("%s, and the preflight passes", d.about)
				}
			}
		}},
	}
}

func (e *exam) refusedAccess() payment.Access {
	if len(e.cfg.Profile.BadCredentials) == 0 {
		e.omit("the profile has no bad_credentials")
	}
	return e.changed(e.cfg.Profile.BadCredentials)
}

func (e *exam) preflight(r payment.PreflightRequest, passes bool) payment.PreflightReport {
	ctx, cancel := e.limit()
	defer cancel()
	report, err := e.plugin().gateway.Preflight(ctx, r)
	e.note(report, err)
	e.right(err, "what a check finds is part of the report, and this is an error")
	e.right(paymentcheck.Preflight(report), "the report")
	if report.Passed() != passes {
		e.fail("it must pass: %t, and it passes: %t (%+v)", passes, report.Passed(), report.Findings)
	}
	return report
}
