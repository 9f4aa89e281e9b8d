package bench

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
)

func (b *bench) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.cfg.Report, format+"\n", args...)
}

func (b *bench) progress(format string, args ...any) { b.say("  ... "+format, args...) }

func (b *bench) title(text string) string {
	return text + "\n" + strings.Repeat("-", len([]rune(text)))
}

func round(v float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(v*p) / p
}

// introduce says what is measured on what.
func (b *bench) introduce() {
	b.say("Benchmark on %d processor(s), %s, %s/%s.", runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	b.say("Simulator, host, plugin, database and this program share them. Figures are medians of alternating")
	b.say("rounds; compare what stands in one run, and nothing across machines.")
	if b.cfg.Quick {
		b.say("Quick: too short for figures that mean anything.")
	}
}

func (b *bench) reportSpeed(e engine, plain map[int]*sample, best int, host, lone *sample, s speed) {
	b.say("  %-34s %9s %22s", "", "charges/s", "own time p50 / p99, ms")
	for _, c := range bareLevels {
		mark := ""
		if c == best {
			mark = "  <- its best"
		}
		b.say("  %-34s %9.0f %12.2f / %7.2f%s", fmt.Sprintf("bare loop, %d at a time", c), median(plain[c].rates), median(plain[c].p50), median(plain[c].p99), mark)
	}
	b.say("  %-34s %9.0f %12.2f / %7.2f", fmt.Sprintf("host, %d in flight", inFlight), median(host.rates), median(host.p50), median(host.p99))
	b.say("  %-34s %9.0f %12.2f / %7.2f", "host, one order at a time", median(lone.rates), median(lone.p50), median(lone.p99))
	b.say("  An order with %d in flight, as its client sees it: p50 %.1f ms, p99 %.1f ms; alone p50 %.2f ms, p99 %.2f ms.",
		inFlight, median(host.order50), median(host.order99), median(lone.order50), median(lone.order99))
	b.say("  Until the last is released as well: %.0f/s. Outcomes that shared one commit: %.1f.", median(host.whole), host.together)
	b.say("  The host charges %.2f times as fast as the bare loop at its best.", s.ratio)
	b.say("  The bare loop writes an insert and an update, makes one call, and forgets. The host also checks the order and its")
	b.say("  key over HTTP, goes to the plugin and back, keeps evidence, ledger and events, looks whether the authorisation is the")
	b.say("  only one, releases it and reads that back.")
	b.reportCPU("Processor time for each charge, in microseconds, release included", host)
	b.reportCPU(fmt.Sprintf("The same of the bare loop, %d at a time", best), plain[best])
	if s.simulator > 0 {
		b.say("  The simulator needs %.3f of host's and plugin's processor time for a charge to answer an AUTH.", s.simulator)
	}
	if e.pid() == 0 {
		b.say("  (SQLite works within the process that uses it.)")
	}
}

func (b *bench) reportCPU(title string, s *sample) {
	names := make([]string, 0, len(s.cpu))
	total := 0.0
	for name, used := range s.cpu {
		names, total = append(names, name), total+used
	}
	if total == 0 {
		b.say("  %s: this system does not tell.", title)
		return
	}
	slices.SortFunc(names, func(x, y string) int {
		if s.cpu[x] > s.cpu[y] {
			return -1
		}
		return 1
	})
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%s %.0f", name, s.cpu[name]/float64(s.charges)*1e6))
	}
	b.say("  %s: %s; together %.0f.", title, strings.Join(parts, ", "), total/float64(s.charges)*1e6)
}
