package serve

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/inception-go/inception/internal/model"
)

// engine runs inputs on networks of several batch sizes over the same weights.
type engine struct {
	spec     model.Spec
	weights  *model.Weights
	options  model.Options
	sizes    []int // of batches, the largest first; the last is 1
	networks map[int]*model.Network
	headless bool
	features int // values of an input's features
	inputs   []float32
}

// output is what the network gives for one input.
type output struct {
	logits   []float32 // none without a classifier
	features []float32
}

func newEngine(o Options) (*engine, error) {
	e := &engine{
		spec: o.Weights.Spec.At(o.Metadata.Preprocess.Size), weights: o.Weights,
		options: model.Options{Precision: o.Precision}, networks: map[int]*model.Network{},
		headless: o.Metadata.NoHead,
	}
	e.sizes = []int{o.Batch}
	for size := 1 << 8; size >= 1; size /= 2 {
		if size < o.Batch {
			e.sizes = append(e.sizes, size)
		}
	}
	return e, e.warm()
}

// warm builds and runs all networks once, so that what is wrong with them is said
// now and the first requests need not wait for them. After an error there are none.
func (e *engine) warm() error {
	blank := make([]float32, e.per())
	for _, size := range e.sizes {
		outputs, err := e.run(slices.Repeat([][]float32{blank}, size))
		if err != nil {
			return errors.Join(err, e.close())
		}
		e.features = len(outputs[0].features)
	}
	return nil
}

// network returns the network for batches of one of the sizes.
func (e *engine) network(size int) (*model.Network, error) {
	if e.networks[size] == nil {
		net, err := model.Build(e.spec, e.weights, size, model.Eval, e.options)
		if err != nil {
			return nil, fmt.Errorf("build the network: %w", err)
		}
		e.networks[size] = net
	}
	return e.networks[size], nil
}

// per is the number of values of one input.
func (e *engine) per() int { return 3 * e.spec.InputSize * e.spec.InputSize }

// run runs inputs in batches of the largest sizes that they fill: 7 are 4, 2 and
// 1, so that no row is computed for nothing.
func (e *engine) run(inputs [][]float32) ([]output, error) {
	outputs := make([]output, 0, len(inputs))
	for _, size := range e.sizes {
		for len(inputs) >= size {
			net, err := e.network(size)
			if err != nil {
				return nil, err
			}
			e.inputs = slices.Grow(e.inputs[:0], size*e.per())[:0]
			for _, in := range inputs[:size] {
				e.inputs = append(e.inputs, in...)
			}
			if err := net.Forward(e.inputs); err != nil {
				return nil, err
			}
			outputs = append(outputs, e.outputs(net)...)
			inputs = inputs[size:]
		}
	}
	return outputs, nil
}

// outputs reads the results of a network's last run.
func (e *engine) outputs(net *model.Network) []output {
	all := make([]output, net.Batch)
	logits, features := net.Logits(), net.Features()
	for i := range all {
		all[i].features = part(features, i, net.Batch)
		if !e.headless {
			all[i].logits = part(logits, i, net.Batch)
		}
	}
	return all
}

// part returns a row of an array of rows.
func part(all []float32, row, rows int) []float32 {
	per := len(all) / rows
	return slices.Clone(all[row*per : (row+1)*per])
}

// err says that the output is worth nothing.
func (o output) err() error {
	return cmp.Or(model.CheckFinite(o.logits), model.CheckFinite(o.features))
}

func (e *engine) close() error {
	var errs []error
	for _, net := range e.networks {
		errs = append(errs, net.Close())
	}
	clear(e.networks)
	return errors.Join(errs...)
}
