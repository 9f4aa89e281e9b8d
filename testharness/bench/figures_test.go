package bench

import (
	"errors"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
)

func TestMedianAndQuantile(t *testing.T) {
	t.Parallel()
	require.Zero(t, median(nil))
	require.InDelta(t, 3, median([]float64{9, 1, 3}), 0)
	require.InDelta(t, 2.5, median([]float64{9, 1, 3, 2}), 0)
	require.Zero(t, quantile(nil, 0.99))
	times := make([]time.Duration, 100)
	for i := range times {
		times[i] = time.Duration(100-i) * time.Millisecond
	}
	require.Equal(t, 50*time.Millisecond, quantile(times, 0.5))
	require.Equal(t, 99*time.Millisecond, quantile(times, 0.99))
}

// reading is what the host shows of one histogram: cumulative counts up to 1,
// 2 and 4 seconds.
func reading(sum float64, within ...uint64) metrics {
	h := &dto.Histogram{SampleCount: &within[len(within)-1], SampleSum: &sum}
	for i, n := range within {
		upper := float64(uint64(1) << i)
		h.Bucket = append(h.Bucket, &dto.Bucket{UpperBound: &upper, CumulativeCount: &n})
	}
	return metrics{"own": {Metric: []*dto.Metric{{Histogram: h}}}}
}

func TestHistogramTellsWhatCameBetweenTwoReadings(t *testing.T) {
	t.Parallel()
	h := between(reading(100, 50, 60, 70), reading(115, 50, 70, 90), "own", "")
	require.InDelta(t, 20, h.count, 0)
	require.InDelta(t, 0.75, h.mean(), 0)
	// Ten lie between 1 and 2, ten between 2 and 4; the fifty of before are gone.
	require.InDelta(t, 1.5, h.quantile(0.25), 1e-9)
	require.InDelta(t, 2, h.quantile(0.5), 1e-9)
	require.InDelta(t, 3.9, h.quantile(0.975), 1e-9)
	require.Zero(t, between(metrics{}, metrics{}, "own", "").quantile(0.5))
}

func TestDriveDoesEachOnce(t *testing.T) {
	t.Parallel()
	done := make([]bool, 1000)
	l, err := drive(time.Now, len(done), 16, func(i int) (time.Duration, error) {
		if done[i] {
			return 0, errors.New("twice")
		}
		done[i] = true
		return time.Duration(i), nil
	})
	require.NoError(t, err)
	require.NotContains(t, done, false)
	require.Equal(t, time.Duration(999), l.times[999])
}

func TestDriveStopsAtTheFirstError(t *testing.T) {
	t.Parallel()
	fault := errors.New("no more")
	calls := 0
	_, err := drive(time.Now, 1000, 1, func(i int) (time.Duration, error) {
		calls++
		if i == 3 {
			return 0, fault
		}
		return 0, nil
	})
	require.ErrorIs(t, err, fault)
	require.Equal(t, 4, calls)
}

func TestTheBestLevelIsTheOneWithTheHighestMedian(t *testing.T) {
	t.Parallel()
	plain := map[int]*sample{}
	for _, c := range bareLevels {
		plain[c] = &sample{rates: []float64{float64(c), 1, 5000}}
	}
	plain[16].rates = []float64{900, 800, 10}
	level, rate := bestOf(plain)
	require.Equal(t, 16, level)
	require.InDelta(t, 800, rate, 0)
}

func TestSimulatorShare(t *testing.T) {
	t.Parallel()
	plain := map[int]*sample{
		1: {cpu: cpu{"simulator": 1, "bare loop": 9}, charges: 10_000},
		8: {cpu: cpu{"simulator": 2}, charges: 20_000},
	}
	host := &sample{cpu: cpu{"host": 3, "plugin": 1, "simulator": 5}, charges: 4_000}
	require.InDelta(t, 0.1, simulatorShare(plain, host), 1e-9, "100 µs an AUTH, 1 ms a charge")
	require.Zero(t, simulatorShare(plain, &sample{cpu: cpu{}}), "a system that does not tell")
	require.Zero(t, simulatorShare(map[int]*sample{}, host))
}
