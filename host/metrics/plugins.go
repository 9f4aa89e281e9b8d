package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chargehand/chargehand/shared/payment"
)

// Plugin is how a plugin does at this moment.
type Plugin struct {
	Name        string
	Ready       bool
	Quarantined bool
	Age         time.Duration // of the process that is called
	InFlight    int
}

// pluginFigures counts what becomes of plugins.
type pluginFigures struct {
	starts   *prometheus.CounterVec
	exits    *prometheus.CounterVec
	restarts *prometheus.CounterVec
	calls    *prometheus.HistogramVec
	unknown  *prometheus.CounterVec
}

func newPluginFigures(r *prometheus.Registry) pluginFigures {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{"plugin"}, labels...))
	}
	f := pluginFigures{
		starts:   counter("chargehand_plugin_starts_total", "Processes started, by whether they came up.", "up"),
		exits:    counter("chargehand_plugin_exits_total", "Processes ended, by reason: failed_start, crashed, hung, replaced, stopped.", "reason"),
		restarts: counter("chargehand_plugin_restarts_total", "Processes that failed and were replaced by themselves."),
		unknown: counter("chargehand_plugin_unknown_total",
			"Calls to a plugin that broke off, so that it is not known what they did. Watch it.", "method"),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chargehand_plugin_call_seconds", Help: "Calls to a plugin, by method and outcome: ok, not_sent, or the kind of error.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 9),
		}, []string{"plugin", "method", "outcome"}),
	}
	r.MustRegister(f.starts, f.exits, f.restarts, f.calls, f.unknown)
	return f
}

// Started implements pluginhost.Observer.
func (m *Metrics) Started(plugin string, up bool) {
	word := "no"
	if up {
		word = "yes"
	}
	m.plugins.starts.WithLabelValues(plugin, word).Inc()
}

// Exited implements pluginhost.Observer.
func (m *Metrics) Exited(plugin, reason string) {
	m.plugins.exits.WithLabelValues(plugin, reason).Inc()
}

// Restarted implements pluginhost.Observer.
func (m *Metrics) Restarted(plugin string) { m.plugins.restarts.WithLabelValues(plugin).Inc() }

// Called implements pluginhost.Observer.
func (m *Metrics) Called(plugin, method, outcome string, took time.Duration) {
	m.plugins.calls.WithLabelValues(plugin, method, outcome).Observe(took.Seconds())
	if outcome == string(payment.ErrorUnknown) {
		m.plugins.unknown.WithLabelValues(plugin, method).Inc()
	}
}

// Plugins shows how the plugins do when somebody asks.
func (m *Metrics) Plugins(read func() []Plugin) {
	describe := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, []string{"plugin"}, nil)
	}
	m.registry.MustRegister(&pluginCollector{
		read:        read,
		ready:       describe("chargehand_plugin_ready", "1 if the plugin can be called."),
		quarantined: describe("chargehand_plugin_quarantined", "1 if the plugin failed too often and waits for a person."),
		age:         describe("chargehand_plugin_generation_age_seconds", "How long the process that is called has been running."),
		inFlight:    describe("chargehand_plugin_calls_in_flight", "Calls to the plugin that are under way."),
	})
}

// pluginCollector implements prometheus.Collector.
type pluginCollector struct {
	read                              func() []Plugin
	ready, quarantined, age, inFlight *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (c *pluginCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.ready, c.quarantined, c.age, c.inFlight} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *pluginCollector) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, plugin string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, plugin)
	}
	yes := func(is bool) float64 {
		if is {
			return 1
		}
		return 0
	}
	for _, p := range c.read() {
		gauge(c.ready, yes(p.Ready), p.Name)
		gauge(c.quarantined, yes(p.Quarantined), p.Name)
		gauge(c.age, p.Age.Seconds(), p.Name)
		gauge(c.inFlight, float64(p.InFlight), p.Name)
	}
}
