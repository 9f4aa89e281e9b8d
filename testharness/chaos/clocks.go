package chaos

import "time"

// Settings are the clocks and pauses of a run's hosts, as their configuration
// has them: all money clocks divided by the plan's scale, as are the gateway's
// lags. These have times of their own, none of which decides about money:
//
//   - whether a charge has settled is asked more often, since two nights pass
//     at once at the end;
//   - what is paused is tried again sooner, since what is broken is mended
//     sooner;
//   - doubt that the gateway itself never ends is handed to a person after a
//     few times the longest absence.
func Settings(size Size) map[string]any {
	return map[string]any{
		"clocks": map[string]any{
			"scale": size.Scale, "follow": follow(size).String(), "probe_most": "5s", "retry_most": "5s",
			"doubt_person": doubtLimit(size).String(),
		},
		"poll":        "200ms",
		"stop_within": "10s",
		"log":         map[string]any{"level": "info"},
	}
}

// doubtLimit is how long doubt lasts until it is a person's.
func doubtLimit(size Size) time.Duration {
	absence := 20 * time.Minute
	if size.AtOnce {
		absence = 90 * time.Minute
	}
	return time.Duration(float64(absence) / size.Scale)
}

// sendWindow is how long after it was written down an attempt may be sent.
func sendWindow(size Size) time.Duration { return time.Duration(float64(15*time.Second) / size.Scale) }

// follow is the time between two looks whether a charge has settled. All that
// were released are asked for in that time.
func follow(size Size) time.Duration {
	return min(max(time.Duration(size.Orders)*4*time.Millisecond, 2*time.Second), time.Minute)
}
