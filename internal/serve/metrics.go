package serve

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are the figures of a server for Prometheus.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec   // by route and status
	duration *prometheus.HistogramVec // by route
	pictures prometheus.Counter
	refused  *prometheus.CounterVec // by reason
	underWay prometheus.Gauge
	waited   prometheus.Histogram
	computed prometheus.Histogram
	batch    prometheus.Histogram
}

func newMetrics(o Options) *metrics {
	seconds := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inception_requests_total", Help: "Requests answered.",
		}, []string{"route", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "inception_request_seconds", Help: "From a request's header to the end of its answer.", Buckets: seconds,
		}, []string{"route"}),
		pictures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "inception_pictures_total", Help: "Inputs that the network has answered.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inception_refused_total", Help: "Requests sent away because there was no room or time.",
		}, []string{"reason"}),
		underWay: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "inception_pictures_under_way", Help: "Pictures of requests that have come and are not answered.",
		}),
		waited: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "inception_queue_seconds", Help: "From an input's arrival in the queue to the start of its batch.",
			Buckets: seconds,
		}),
		computed: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "inception_batch_seconds", Help: "The network's time for a batch.", Buckets: seconds,
		}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "inception_batch_pictures", Help: "Inputs in a batch.", Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256},
		}),
	}
	about := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "inception_model", Help: "1, with the model's name as a label.",
		ConstLabels: prometheus.Labels{
			"name": o.Name, "variant": o.Metadata.Spec.Variant, "precision": o.Precision.String(), "version": o.Version,
		},
	})
	about.Set(1)
	m.registry.MustRegister(m.requests, m.duration, m.pictures, m.refused, m.underWay, m.waited, m.computed, m.batch,
		about,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// handler shows the figures.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// counted counts a route's requests and times them.
func (m *metrics) counted(route string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		began, status := time.Now(), &statusWriter{ResponseWriter: w, code: http.StatusOK}
		h(status, r)
		m.requests.WithLabelValues(route, strconv.Itoa(status.code)).Inc()
		m.duration.WithLabelValues(route).Observe(time.Since(began).Seconds())
	}
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	code int
}

// WriteHeader sends the header.
func (w *statusWriter) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}

// Unwrap lets http.ResponseController and MaxBytesReader reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
