package bench

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/procfs"

	"github.com/chargehand/chargehand/testharness/client"
)

// median of what was measured in several rounds.
func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	switch n := len(sorted); {
	case n == 0:
		return 0
	case n%2 == 1:
		return sorted[n/2]
	default:
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
}

// quantile of latencies, which it sorts.
func quantile(list []time.Duration, q float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	at := int(math.Ceil(q*float64(len(list)))) - 1
	return list[max(0, at)]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// The host's metrics that are read.
const (
	metricOwn      = "chargehand_charge_own_seconds"
	metricCommits  = "chargehand_shared_commit_size"
	metricInFlight = "chargehand_calls_in_flight"
)

type metrics map[string]*dto.MetricFamily

func readMetrics(ctx context.Context, api *client.Client) (metrics, error) {
	text, err := api.Metrics(ctx)
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	m, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("read the host's metrics: %w", err)
	}
	return m, nil
}

func (m metrics) gauge(name string) float64 {
	var sum float64
	for _, one := range m[name].GetMetric() {
		sum += one.GetGauge().GetValue()
	}
	return sum
}

// histogram holds what was observed between two readings.
type histogram struct {
	count, sum float64
	upper      []float64 // bounds of the buckets
	within     []float64 // observations up to each bound
}

// between is what a histogram observed from one reading to another. label is
// the value of its one label; empty if it has none.
func between(from, to metrics, name, label string) histogram {
	var h histogram
	add := func(m metrics, sign float64) {
		for _, one := range m[name].GetMetric() {
			if label != "" && one.GetLabel()[0].GetValue() != label {
				continue
			}
			got := one.GetHistogram()
			h.count += sign * float64(got.GetSampleCount())
			h.sum += sign * got.GetSampleSum()
			for i, bucket := range got.GetBucket() {
				if i == len(h.upper) {
					h.upper, h.within = append(h.upper, bucket.GetUpperBound()), append(h.within, 0)
				}
				h.within[i] += sign * float64(bucket.GetCumulativeCount())
			}
		}
	}
	add(to, 1)
	add(from, -1)
	return h
}

func (h histogram) mean() float64 {
	if h.count == 0 {
		return 0
	}
	return h.sum / h.count
}

// quantile supposes that observations lie evenly within a bucket.
func (h histogram) quantile(q float64) float64 {
	rank, below, bound := q*h.count, 0.0, 0.0
	for i, within := range h.within {
		if within >= rank && within > below {
			if math.IsInf(h.upper[i], 1) {
				return bound
			}
			return bound + (h.upper[i]-bound)*(rank-below)/(within-below)
		}
		below, bound = within, h.upper[i]
	}
	return bound
}

// cpu is the processor time that each process has used, in seconds. A process
// that can't be read is not there.
type cpu map[string]float64

func readCPU(pids map[string]int) cpu {
	used := cpu{}
	for name, pid := range pids {
		if pid == 0 {
			continue
		}
		p, err := procfs.NewProc(pid)
		if err != nil {
			continue
		}
		if stat, err := p.Stat(); err == nil {
			used[name] = stat.CPUTime()
		}
	}
	return used
}

func (c cpu) since(earlier cpu) cpu {
	used := cpu{}
	for name, at := range c {
		used[name] = at - earlier[name]
	}
	return used
}

func (c cpu) add(more cpu) {
	for name, used := range more {
		c[name] += used
	}
}

// peakMemory is the most memory that a process has held, in bytes; 0 if the
// system does not tell.
func peakMemory(pid int) uint64 {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return 0
	}
	status, err := p.NewStatus()
	if err != nil {
		return 0
	}
	return status.VmHWM
}
