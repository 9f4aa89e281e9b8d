package pluginhost

import "time"

// State is where a plugin stands.
type State string

// The states.
const (
	StateStarting State = "starting"
	StateReady    State = "ready"
	// StateBackoff: its process ended or could not be started; it is started
	// again after a pause.
	StateBackoff State = "backoff"
	// StateQuarantined: it failed too often; a person has to look.
	StateQuarantined State = "quarantined"
	StateDraining    State = "draining"
	StateStopped     State = "stopped"
	// StateRefused: what is installed is no plugin; nothing happens until the
	// host is started again.
	StateRefused State = "refused"
)

// Status is how a plugin does.
type Status struct {
	Name    string
	Version string
	SHA256  string // of the binary, in hexadecimal
	// Previous is what `chargehand plugin rollback` goes back to; zero if there
	// is nothing.
	Previous Release
	State    State
	// PID is the process's; zero while there is none.
	PID int
	// Generation counts the processes started, from 1.
	Generation int
	StartedAt  time.Time // of the newest process that got ready, UTC
	// Restarts counts how often a process ended or could not be started.
	Restarts int
	InFlight int
	// Confined says whether its processes are kept from what they were not given.
	Confined bool
	// LastError is why the newest process that is no more ended, or why the
	// plugin was refused.
	LastError string
	// Advice is what a person has to do; empty if nothing.
	Advice string
}

// Release is one version of a plugin.
type Release struct {
	Version string
	SHA256  string
}
