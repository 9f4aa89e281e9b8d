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
	StateBackoff  State = "backoff"
	StateDraining State = "draining"
	StateStopped  State = "stopped"
	// StateRefused: what is installed is no plugin; nothing happens until the
	// host is started again.
	StateRefused State = "refused"
)

// Status is how a plugin does.
type Status struct {
	Name    string
	Version string
	State   State
	// PID is the process's; zero while there is none.
	PID int
	// Generation counts the processes started, from 1.
	Generation int
	StartedAt  time.Time // of the newest process that got ready, UTC
	// Restarts counts how often a process ended or could not be started.
	Restarts int
	InFlight int
	// LastError is why the newest process that is no more ended, or why the
	// plugin was refused.
	LastError string
}
