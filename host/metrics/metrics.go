package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/shared/payment"
)

// Metrics implements engine.Observer and pluginhost.Observer.
type Metrics struct {
	registry *prometheus.Registry
	charged  *prometheus.HistogramVec
	own      prometheus.Histogram
	resolved *prometheus.CounterVec
	commits  *prometheus.HistogramVec
	plugins  pluginFigures
}

// New makes Metrics with the process's own figures.
func New(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		charged: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chargehand_charge_call_seconds", Help: "Calls to charge, by plugin and outcome, from the call to the plugin to its answer.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 15),
		}, []string{"plugin", "outcome"}),
		own: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "chargehand_charge_own_seconds", Help: "Time a charge took from its intake to its recorded outcome, without the call.",
			// A quarter apart from 0.25 ms to 20 s: quantiles are read between
			// bounds, and there is one series of these alone.
			Buckets: prometheus.ExponentialBuckets(0.00025, 1.25, 52),
		}),
		resolved: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chargehand_doubt_resolved_total", Help: "Charges that were in doubt, by the state they came to.",
		}, []string{"state"}),
		commits: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chargehand_shared_commit_size", Help: "How many writes shared one commit.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 9),
		}, []string{"kind"}),
	}
	m.plugins = newPluginFigures(m.registry)
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "chargehand_build_info", Help: "The program's version.",
	}, []string{"version"})
	info.WithLabelValues(version).Set(1)
	m.registry.MustRegister(m.charged, m.own, m.resolved, m.commits, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Gauge shows a figure that is read when somebody asks.
func (m *Metrics) Gauge(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
}

// Handler serves the figures.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Charged implements engine.Observer.
func (m *Metrics) Charged(plugin string, outcome payment.Outcome, took time.Duration) {
	m.charged.WithLabelValues(plugin, string(outcome)).Observe(took.Seconds())
}

// Own implements engine.Observer.
func (m *Metrics) Own(took time.Duration) { m.own.Observe(took.Seconds()) }

// Resolved implements engine.Observer.
func (m *Metrics) Resolved(state charge.State) { m.resolved.WithLabelValues(string(state)).Inc() }

// Commit notes how many writes shared a commit.
func (m *Metrics) Commit(kind string, size int) {
	m.commits.WithLabelValues(kind).Observe(float64(size))
}
