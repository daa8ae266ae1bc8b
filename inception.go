// Package inception runs Inception V2 and V3 on pictures: it loads a weight
// file or a run folder, names what pictures show, gives their features, and
// shows where in them it finds a class. Everything else, training above all, is
// the program's: cmd/inception.
//
// Weights of torchvision, timm, Keras and TensorFlow's slim become weight files
// by "inception import"; "inception train" writes run folders. Both hold the
// labels and the preprocessing, so that a picture of any size is all that a
// call needs.
package inception

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"

	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/parallel"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
)

// Model is a trained network with its labels and preprocessing. Its methods
// may be called from several goroutines at once: as many calls run as
// WithConcurrency says, and the others wait. For each call that ran at once with
// others the model keeps at most two networks, one for single pictures and one
// for eight together, which later calls use again and Close frees. They share
// the weights; their own is the memory of the layers' results.
type Model struct {
	weights   *model.Weights
	metadata  weights.Metadata
	top       int
	precision model.Precision

	running chan struct{} // an entry for every call that runs
	closed  chan struct{} // is closed by Close
	close   sync.Once
	mu      sync.Mutex
	idle    []*evaluate.Predictor
}

// Class is a class with its probability.
type Class struct {
	Index int     // row of the classifier
	Label string  // its name, or the index where the weights have no names
	Prob  float64 // of all classes' probabilities, which sum to 1
	Logit float32
}

// Option changes how a model is loaded.
type Option func(*Model) error

// WithInputSize makes pictures height and width pixels for the network instead
// of the size that the weights have learned from.
func WithInputSize(pixels int) Option {
	return func(m *Model) error {
		m.metadata.Preprocess.Size = pixels
		return nil
	}
}

// WithTop sets how many classes Predict returns; 5 without it.
func WithTop(classes int) Option {
	return func(m *Model) error {
		if classes < 1 {
			return fmt.Errorf("inception: top must be at least 1, is %d", classes)
		}
		m.top = classes
		return nil
	}
}

// WithPrecision sets the arithmetic: "fp32", or "bf16", twice as fast on processors
// with AMX or AVX512-BF16, whose logits differ by some thousandths of the largest. On
// others it is an error, which says what bf16 would cost there. Without this option
// it is "int8" for the weights that "inception quantize" writes, which have no other,
// and "fp32" for all others.
func WithPrecision(name string) Option {
	return func(m *Model) (err error) {
		if m.precision, err = model.ParsePrecision(name, false); err != nil {
			err = fmt.Errorf("inception: precision: %w", err)
		}
		return err
	}
}

// WithConcurrency sets how many calls run at once, and with it how many networks
// the model keeps; as many as the machine has threads without it. A single call
// uses all threads, so that more calls at once gain little, save where pictures
// are large beside the network.
func WithConcurrency(calls int) Option {
	return func(m *Model) error {
		if calls < 1 {
			return fmt.Errorf("inception: concurrency must be at least 1, is %d", calls)
		}
		m.running = make(chan struct{}, calls)
		return nil
	}
}

// Load reads a weight file or the best weights of a run folder. The error says
// what is wrong with the file, or that the input size does not fit the network.
func Load(path string, opts ...Option) (*Model, error) {
	w, metadata, err := weights.Load(path)
	if err != nil {
		return nil, fmt.Errorf("inception: %w", err)
	}
	m := &Model{
		weights: w, metadata: metadata, top: 5, precision: model.Own,
		running: make(chan struct{}, parallel.Threads()), closed: make(chan struct{}),
	}
	for _, opt := range opts {
		if err := opt(m); err != nil {
			return nil, err
		}
	}
	if m.precision, err = w.Precision(m.precision); err != nil {
		return nil, fmt.Errorf("inception: %s: %w", path, err)
	}
	if err := w.Spec.At(m.metadata.Preprocess.Size).WithoutAux().CheckSize(); err != nil {
		return nil, fmt.Errorf("inception: %s: %w", path, err)
	}
	return m, nil
}

// Labels returns the names of the classes in the order of their indices; nil
// if the weights have none.
func (m *Model) Labels() []string { return append([]string(nil), m.metadata.Labels...) }

// Predict returns the most probable classes of each picture, the most
// probable first.
func (m *Model) Predict(ctx context.Context, pictures ...image.Image) ([][]Class, error) {
	if m.metadata.NoHead {
		return nil, fmt.Errorf("inception: the weights have no classifier; Features works")
	}
	all := make([][]Class, 0, len(pictures))
	err := m.run(ctx, pictures, func(out evaluate.Output) {
		var classes []Class
		for _, c := range evaluate.Top(out.Logits, m.metadata.Labels, m.top) {
			classes = append(classes, Class(c))
		}
		all = append(all, classes)
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Features returns the pooled features of each picture, what the classifier
// would see: 2048 values for V3 as published.
func (m *Model) Features(ctx context.Context, pictures ...image.Image) ([][]float32, error) {
	all := make([][]float32, 0, len(pictures))
	err := m.run(ctx, pictures, func(out evaluate.Output) { all = append(all, out.Features) })
	if err != nil {
		return nil, err
	}
	return all, nil
}

// run calls each for every picture in order.
func (m *Model) run(ctx context.Context, pictures []image.Image, each func(evaluate.Output)) error {
	if err := m.enter(ctx, pictures); err != nil || len(pictures) == 0 {
		return err
	}
	defer m.leave()
	p, err := m.borrow()
	if err != nil {
		return fmt.Errorf("inception: %w", err)
	}
	defer m.giveBack(p)
	err = p.RunSet(ctx, inMemory(pictures), func(out evaluate.Output) error {
		if out.Err == nil {
			each(out)
		}
		return out.Err
	})
	if err != nil {
		return fmt.Errorf("inception: %w", err)
	}
	return nil
}

// enter waits until one more call may run on pictures. Unless there are none, or
// it fails, leave must follow.
func (m *Model) enter(ctx context.Context, pictures []image.Image) error {
	if len(pictures) == 0 {
		return ctx.Err()
	}
	for i, p := range pictures {
		if p == nil || p.Bounds().Empty() {
			return fmt.Errorf("inception: picture %d is empty", i)
		}
	}
	if err := m.begin(ctx); err != nil {
		return fmt.Errorf("inception: %w", err)
	}
	return nil
}

func (m *Model) leave() { <-m.running }

// begin waits until one more call may run.
func (m *Model) begin(ctx context.Context) error {
	select {
	case <-m.closed:
		return errClosed
	default:
	}
	select {
	case m.running <- struct{}{}:
		return nil
	case <-m.closed:
		return errClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

var errClosed = errors.New("the model is closed")

// borrow returns networks that no other call uses.
func (m *Model) borrow() (*evaluate.Predictor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if last := len(m.idle) - 1; last >= 0 {
		p := m.idle[last]
		m.idle = m.idle[:last]
		return p, nil
	}
	const together = 8
	return evaluate.NewPredictor(m.weights, evaluate.PredictOptions{Single: true, RunOptions: evaluate.RunOptions{
		Options: evaluate.Options{BatchSize: together}, Preprocess: m.metadata.Preprocess, Precision: m.precision,
	}})
}

func (m *Model) giveBack(p *evaluate.Predictor) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.idle = append(m.idle, p)
}

// Close waits for the calls that run and frees the networks. Calls that wait or
// come later fail; Labels works on.
func (m *Model) Close() (err error) {
	m.close.Do(func() {
		close(m.closed)
		for range cap(m.running) {
			m.running <- struct{}{} // each call that runs gives up its entry, and none gets one any more
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, p := range m.idle {
			err = errors.Join(err, p.Close())
		}
		m.idle = nil
	})
	return err
}

// inMemory is a set of pictures without labels.
type inMemory []image.Image

func (s inMemory) Len() int          { return len(s) }
func (s inMemory) Classes() []string { return []string{""} }
func (s inMemory) Label(int) int     { return 0 }
func (s inMemory) Name(i int) string { return fmt.Sprintf("picture %d", i) }
func (s inMemory) Image(i int) (picture.Image, error) {
	return picture.FromImage(s[i]), nil
}
