package serve

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// refusal is an error with the status of its answer.
type refusal struct {
	code int
	error
}

func (r refusal) Unwrap() error { return r.error }

func bad(format string, args ...any) error {
	return refusal{http.StatusBadRequest, fmt.Errorf(format, args...)}
}

func tooLarge(limit int64) error {
	return refusal{http.StatusRequestEntityTooLarge, fmt.Errorf("the request is larger than %d bytes", limit)}
}

// bounded reads the body of a request within the bounds, runs h within
// Options.Timeout, and answers its error.
func (s *Server) bounded(h func(ctx context.Context, w http.ResponseWriter, r *http.Request, body []byte) error,
) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.ready() {
			s.refuse(w, errStopped)
			return
		}
		if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
			s.refuse(w, refusal{http.StatusUnsupportedMediaType, fmt.Errorf("Content-Encoding %s is not supported", e)})
			return
		}
		ctx, cancel := context.WithTimeoutCause(r.Context(), s.options.Timeout, errTime)
		defer cancel()
		body, giveBack, err := s.body(w, r)
		defer giveBack()
		if err == nil {
			err = h(ctx, w, r, body)
		}
		if err != nil {
			s.refuse(w, err)
		}
	}
}

// room takes room for n pictures, until leave is called, which must follow, also
// after an error. It comes behind the body and is left before the answer is written, so
// that who sends or reads slowly holds none.
func (s *Server) room(n int) (leave func(), err error) {
	if n > s.options.Queue {
		return func() {}, bad("a request may hold %d pictures at most, this one holds %d", s.options.Queue, n)
	}
	if !s.places.take(int64(n)) {
		return func() {}, errQueue
	}
	s.metrics.underWay.Add(float64(n))
	return sync.OnceFunc(func() {
		s.places.giveBack(int64(n))
		s.metrics.underWay.Sub(float64(n))
	}), nil
}

// The refusals for want of room and time.
var (
	errQueue = refusal{http.StatusTooManyRequests, errors.New("too many requests at once; try again")}
	errTime  = refusal{http.StatusServiceUnavailable, errors.New("the request took too long")}
)

// refuse answers an error in the form of the protocol, {"error": "..."}.
func (s *Server) refuse(w http.ResponseWriter, err error) {
	var r refusal
	switch {
	case errors.As(err, &r):
	case errors.Is(err, context.Canceled): // the client has gone, nobody reads this
		r.code = http.StatusServiceUnavailable
	default:
		r.code = http.StatusInternalServerError
		s.options.Log(err.Error())
	}
	switch r.code {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
		s.metrics.refused.WithLabelValues(http.StatusText(r.code)).Inc()
	case http.StatusRequestEntityTooLarge, http.StatusRequestTimeout, http.StatusUnsupportedMediaType:
		w.Header().Set("Connection", "close") // what is left of the body is not read
	}
	writeJSON(w, r.code, map[string]string{"error": err.Error()})
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the client may have gone
}

//go:embed page.html
var pageText string

// page is a page on which pictures are dropped. It needs nothing from elsewhere.
func (s *Server) page(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "+
		"img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	_, _ = io.WriteString(w, pageText)
}
