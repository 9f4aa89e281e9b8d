package chaos

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Print writes the report for people who read along.
func (r *Report) Print(w io.Writer) {
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	line("")
	line("%d orders accepted of %d, with %d requests, in %s (and %s for the dust to settle)",
		r.Orders, r.Size.Orders+r.Size.Shops, r.Requests, r.Calm.Round(time.Second), (r.Took - r.Calm).Round(time.Second))
	line("  killed         %d: %s", r.Kills, counts(r.KillsOf))
	line("  beside that    %s", counts(r.Steps))
	line("  at the gateway %d faults: %s", r.Faults, counts(r.FaultsOf))
	line("  unknown        %d: %s", r.Unknowns, counts(r.ResolvedBy))
	line("                 lasted p50 %.2f s, p99 %.2f s, max %.2f s", r.Doubt.P50, r.Doubt.P99, r.Doubt.Max)
	for _, name := range slices.Sorted(maps.Keys(r.Recover)) {
		t := r.Recover[name]
		line("  recovery       %-8s p50 %.2f s, p99 %.2f s, max %.2f s", name, t.P50, t.P99, t.Max)
	}
	line("  states         %s", counts(r.States))
	if r.NeedsPerson > 0 {
		line("  with a person  %d: %s", r.NeedsPerson, counts(r.Cases))
	}
	if r.Quarantines > 0 {
		line("  quarantines    %d ended by an operator", r.Quarantines)
	}
	if p := r.PutBack; p != nil {
		line("  put back       after %.1f s, to what it was at %.1f s; noticed by all hosts after %.1f s, swept %.1f s later",
			p.Back.Seconds(), p.Copied.Seconds(), (p.Noticed - p.Back).Seconds(), (p.Lifted - p.Noticed).Seconds())
		line("                 %d orders forgotten, %d of them posted again before the sweep; it found %d transactions of charges in the books, and %d of others",
			p.Forgotten, p.Waited, p.Adopted, p.Kept)
	}
	for kind, why := range r.NotDone {
		line("  not done       %s: %s", kind, why)
	}
	line("")
	for i, text := range r.Wrong {
		if i == maxWrong {
			line("WRONG: and %d more", len(r.Wrong)-i)
			break
		}
		line("WRONG: %s", text)
	}
	if r.Good {
		line("Every accepted order stands in the books once, and both ledgers agree to the penny.")
	}
}

// maxWrong is how many things that are wrong are printed.
const maxWrong = 40

// counts lists counts by name, the largest first.
func counts[K ~string](of map[K]int) string {
	names := slices.SortedFunc(maps.Keys(of), func(a, b K) int {
		return cmp.Or(cmp.Compare(of[b], of[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%d %s", of[name], name))
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing")
}
