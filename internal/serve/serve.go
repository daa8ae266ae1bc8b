// Package serve answers requests over HTTP with one network: pictures come in,
// classes, features and maps leave. It speaks the Open Inference Protocol (KServe's
// v2) beside plain routes. Requests are hostile until they are parsed: every
// length is bounded before memory is taken, and who comes when the queue is full
// is sent away at once.
package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
)

// Options say what is served, and within which bounds.
type Options struct {
	Name      string // of the model in addresses
	Weights   *model.Weights
	Metadata  weights.Metadata
	Precision model.Precision
	Decoder   *picture.Decoder
	Version   string // of the program

	Batch       int           // pictures that run together at most
	Delay       time.Duration // that a picture waits for others at most while the network is idle
	Queue       int           // pictures of all requests under way; more are refused
	Connections int           // more wait to be accepted
	Body        int64         // bytes of one request
	Bodies      int64         // bytes of the requests being read together
	Timeout     time.Duration // of a request, from its header on
	Log         func(text string)
}

// DefaultOptions returns the bounds without a network.
func DefaultOptions() Options {
	return Options{
		Batch: 8, Delay: 5 * time.Millisecond, Queue: 64, Connections: 256, Body: 16 << 20, Bodies: 256 << 20,
		Timeout: 30 * time.Second, Log: func(string) {},
	}
}

// Validate returns what is wrong with the bounds.
func (o Options) Validate() error {
	for _, c := range []struct {
		what     string
		ok       bool
		is, from any
	}{
		{"batch", o.Batch >= 1 && o.Batch <= 256, o.Batch, "from 1 to 256"},
		{"max-delay", o.Delay >= 0 && o.Delay <= time.Second, o.Delay, "from 0 to 1s"},
		{"queue", o.Queue >= 1 && o.Queue <= 1<<16, o.Queue, "from 1 to 65536"},
		{"max-connections", o.Connections >= 1 && o.Connections <= 1<<16, o.Connections, "from 1 to 65536"},
		{"max-body", o.Body >= 1 && o.Body <= 1<<30, o.Body, "from 1 byte to 1 GiB"},
		{"timeout", o.Timeout >= 100*time.Millisecond && o.Timeout <= time.Hour, o.Timeout, "from 100ms to 1h"},
	} {
		if !c.ok {
			return fmt.Errorf("%s: must be %s, is %v", c.what, c.from, c.is)
		}
	}
	return nil
}

// Server is a network behind HTTP.
type Server struct {
	options  Options
	classes  []string
	batcher  *batcher
	maps     *mapper
	metrics  *metrics
	bodies   *budget       // bytes of the bodies being read or used
	places   *budget       // one for each picture under way
	decoding chan struct{} // one for each picture being decoded
	stopping chan struct{} // is closed when the server stops
}

// New makes a server and builds its networks. Close frees them.
func New(o Options) (*Server, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	s := &Server{
		options: o, classes: o.Metadata.ClassNames(), metrics: newMetrics(o), bodies: newBudget(o.Bodies),
		places: newBudget(int64(o.Queue)), decoding: make(chan struct{}, decoders()), stopping: make(chan struct{}),
	}
	if o.Metadata.NoHead {
		s.classes = nil
	}
	engine, err := newEngine(o)
	if err != nil {
		return nil, err
	}
	s.batcher, s.maps = newBatcher(engine, o, s.metrics), &mapper{options: o}
	return s, nil
}

// Close ends the batcher and frees the networks. No request may be under way.
func (s *Server) Close() error { return errors.Join(s.batcher.close(), s.maps.close()) }

// Serve answers requests on l until ctx ends, and then those that are under way. It
// closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: min(10*time.Second, s.options.Timeout),
		ReadTimeout:       s.options.Timeout,
		WriteTimeout:      2 * s.options.Timeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          quietLog(s.options.Log),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		close(s.stopping) // from now on not ready, so that balancers send no more
		patience, cancel := context.WithTimeout(context.Background(), s.options.Timeout)
		defer cancel()
		err := server.Shutdown(patience)
		if err != nil {
			err = errors.Join(fmt.Errorf("requests under way were cut off: %w", err), server.Close())
		}
		stopped <- err
	})
	err := server.Serve(&limitedListener{Listener: l, open: make(chan struct{}, s.options.Connections)})
	if stop() { // nobody asked to stop
		return err
	}
	return <-stopped
}

// ready reports whether requests are taken.
func (s *Server) ready() bool {
	select {
	case <-s.stopping:
		return false
	default:
		return true
	}
}
