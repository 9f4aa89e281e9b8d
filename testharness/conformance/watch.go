package conformance

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// The cases that judge what was watched during all others.
const (
	caseShutdown      = "process.shutdown"
	caseLitter        = "process.litter"
	caseSurvives      = "process.survives"
	caseStdout        = "process.stdout"
	caseLogSecrets    = "process.log-secrets" //nolint:gosec // A name, no secret.
	caseAnswerSecrets = "answers.secrets"
	caseAnswerForm    = "answers.form"
	caseOnce          = "charge.once"
	caseLedger        = "charge.ledger"
)

// watch keeps what must never happen, by the case that judges it.
type watch struct {
	mu    sync.Mutex
	found map[string][]string
	sent  map[string]bool // references of charges that may have been sent

	ends    atomic.Int64 // processes ended by the kit
	forced  atomic.Int64 // of these, those that had to be killed
	answers atomic.Int64
	charges atomic.Int64
}

func newWatch() *watch { return &watch{found: map[string][]string{}, sent: map[string]bool{}} }

func (w *watch) broken(rule, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found[rule] = append(w.found[rule], fmt.Sprintf(format, args...))
}

// verdict is what was found against a rule: the first, and how many more.
func (w *watch) verdict(rule string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.found[rule]
	switch len(all) {
	case 0:
		return ""
	case 1:
		return all[0]
	}
	return fmt.Sprintf("%s (and %d more of this kind)", all[0], len(all)-1)
}
