// Package inception runs Inception V2 and V3 on pictures: it loads a weight
// file or a run folder, names what pictures show, and gives their features.
// Everything else, training above all, is the program's: cmd/inception.
//
// Weights of torchvision, timm, Keras and TensorFlow's slim become weight files
// by "inception import"; "inception train" writes run folders. Both hold the
// labels and the preprocessing, so that a picture of any size is all that a
// call needs.
package inception

import (
	"context"
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
// may be called from several goroutines at once: as many calls run as the
// machine has threads, each with memory of its own that later calls use again,
// and the others wait.
type Model struct {
	weights  *model.Weights
	metadata weights.Metadata
	top      int

	running chan struct{} // an entry for every call that runs
	mu      sync.Mutex
	free    map[int][]*evaluate.Predictor // by batch size
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

// Load reads a weight file or the best weights of a run folder. The error says
// what is wrong with the file, or that the input size does not fit the network.
func Load(path string, opts ...Option) (*Model, error) {
	w, metadata, err := weights.Load(path)
	if err != nil {
		return nil, fmt.Errorf("inception: %w", err)
	}
	m := &Model{
		weights: w, metadata: metadata, top: 5,
		running: make(chan struct{}, parallel.Threads()), free: map[int][]*evaluate.Predictor{},
	}
	for _, opt := range opts {
		if err := opt(m); err != nil {
			return nil, err
		}
	}
	spec := w.Spec
	spec.InputSize = m.metadata.Preprocess.Size
	if err := spec.WithoutAux().CheckSize(); err != nil {
		return nil, fmt.Errorf("inception: %s: %w", path, err)
	}
	return m, nil
}

// Labels returns the names of the classes in the order of their indices; nil
// if the weights have none.
func (m *Model) Labels() []string { return append([]string(nil), m.metadata.Labels...) }

// Predict returns the most probable classes of each picture, the first first.
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
	if len(pictures) == 0 {
		return ctx.Err()
	}
	for i, p := range pictures {
		if p == nil || p.Bounds().Empty() {
			return fmt.Errorf("inception: picture %d is empty", i)
		}
	}
	select {
	case m.running <- struct{}{}:
		defer func() { <-m.running }()
	case <-ctx.Done():
		return fmt.Errorf("inception: %w", context.Cause(ctx))
	}
	for from := 0; from < len(pictures); {
		batch := 1
		if most := 8; len(pictures)-from >= most {
			batch = most
		}
		part := inMemory{pictures, from, batch}
		if err := m.runBatch(ctx, part, each); err != nil {
			return fmt.Errorf("inception: %w", err)
		}
		from += batch
	}
	return nil
}

// runBatch calls each for every picture of one batch.
func (m *Model) runBatch(ctx context.Context, pictures inMemory, each func(evaluate.Output)) error {
	p, err := m.borrow(pictures.count)
	if err != nil {
		return err
	}
	defer m.giveBack(pictures.count, p)
	return p.RunSet(ctx, pictures, func(out evaluate.Output) error {
		if out.Err == nil {
			each(out)
		}
		return out.Err
	})
}

// borrow returns a network that no other call uses.
func (m *Model) borrow(batch int) (*evaluate.Predictor, error) {
	m.mu.Lock()
	if last := len(m.free[batch]) - 1; last >= 0 {
		p := m.free[batch][last]
		m.free[batch] = m.free[batch][:last]
		m.mu.Unlock()
		return p, nil
	}
	m.mu.Unlock()
	return evaluate.NewPredictor(m.weights, evaluate.PredictOptions{
		RunOptions: evaluate.RunOptions{Options: evaluate.Options{BatchSize: batch}, Preprocess: m.metadata.Preprocess},
	})
}

func (m *Model) giveBack(batch int, p *evaluate.Predictor) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free[batch] = append(m.free[batch], p)
}

// inMemory is a set of pictures without labels: count of them, beginning with
// first.
type inMemory struct {
	pictures     []image.Image
	first, count int
}

func (s inMemory) Len() int          { return s.count }
func (s inMemory) Classes() []string { return []string{""} }
func (s inMemory) Label(int) int     { return 0 }
func (s inMemory) Name(i int) string { return fmt.Sprintf("picture %d", s.first+i) }
func (s inMemory) Image(i int) (picture.Image, error) {
	return picture.FromImage(s.pictures[s.first+i]), nil
}
