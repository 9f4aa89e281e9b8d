package gateway

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Distribution is how delays vary around Fault.Delay.
type Distribution string

// Distributions.
const (
	// DistributionFixed is Delay each time.
	DistributionFixed Distribution = "fixed"
	// DistributionUniform is Delay and up to Spread more, all alike likely.
	DistributionUniform Distribution = "uniform"
	// DistributionNormal has the mean Delay and the standard deviation Spread.
	DistributionNormal Distribution = "normal"
	// DistributionExponential is Delay and Spread more on average: mostly little,
	// seldom very much. This is the long tail of a busy service.
	DistributionExponential Distribution = "exponential"
)

// checkDelay checks the members that make a delay.
func (f *Fault) checkDelay() error {
	for name, d := range map[string]Duration{"delay": f.Delay, "spread": f.Spread, "max": f.Max} {
		if d < 0 || time.Duration(d) > maxTick {
			return fmt.Errorf("%s is not within 0 and %s", name, maxTick)
		}
	}
	switch f.Distribution {
	case "", DistributionUniform:
		return nil
	case DistributionFixed:
		if f.Spread != 0 {
			return fmt.Errorf("distribution %s has no spread", f.Distribution)
		}
		return nil
	case DistributionNormal, DistributionExponential:
		if f.Spread == 0 {
			return fmt.Errorf("distribution %s needs a spread", f.Distribution)
		}
		return nil
	}
	return fmt.Errorf("distribution %q is none of %s, %s, %s, %s", f.Distribution,
		DistributionFixed, DistributionUniform, DistributionNormal, DistributionExponential)
}

// tail is how many spreads a long tail goes beyond Delay if Max does not end it.
const tail = 20

// wait draws one delay.
func (f *Fault) wait(rng *rand.Rand) time.Duration {
	delay, spread := float64(f.Delay), float64(f.Spread)
	limit := delay + tail*spread
	switch {
	case spread == 0:
	case f.Distribution == DistributionNormal:
		delay += rng.NormFloat64() * spread
	case f.Distribution == DistributionExponential:
		delay += rng.ExpFloat64() * spread
	default:
		delay += float64(rng.Int64N(int64(f.Spread)))
	}
	if f.Max > 0 {
		limit = min(limit, float64(f.Max))
	}
	return time.Duration(max(0, min(delay, limit)))
}
