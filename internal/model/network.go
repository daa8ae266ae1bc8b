package model

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/inception-go/inception/internal/blocks"
	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/spelling"
	"gorgonia.org/gorgonia"
)

// Mode says what a network is built for.
type Mode int

// The modes of a network.
const (
	Eval       Mode = iota // inference: batch norm folded into the weights, no auxiliary heads
	Train                  // forward, losses and gradients
	Statistics             // forward as in training, to measure batch norm's statistics
	Explain                // forward as in inference, and the gradients of a score by the layers of Options.Keep
)

// Options are the settings for building a network besides its structure.
type Options struct {
	Smoothing kernel.Smoothing        // of the labels in the losses
	AuxWeight float32                 // of the auxiliary losses in the differentiated sum
	Seed      uint64                  // of dropout
	Frozen    func(layer string) bool // layers that keep parameters and statistics; nil: none
	// FrozenNorms keeps batch norm's running statistics, which training then uses.
	FrozenNorms bool
	Keep        []string  // modules (Mixed_6e) or layers to be read by Point
	Precision   Precision // of activations and convolutions

	// Share joins the statistics of batch norm in training with those of other
	// processes; see ops.Norm. nil: none.
	Share func(sums []float64) error
	Head  string // Explain: the auxiliary head that answers, AnyAux for the later one; empty: the main one
}

// Network is a graph with memory, ready to run on batches of one size. It
// shares its weights with every other network built on them. It is not safe
// for concurrent use.
type Network struct {
	Spec    Spec
	Weights *Weights
	Batch   int
	Graph   *gorgonia.ExprGraph
	Plan    *ops.Plan

	out     outputs
	choose  ops.Direction
	points  map[string]*gorgonia.Node // Explain: the gradients by the layers of Options.Keep
	losses  gorgonia.Nodes
	grads   []gradientNode
	stats   []ops.Statistic
	image   *gorgonia.Node
	labels  kernel.Labels
	step    uint64
	frozen  func(layer string) bool
	machine gorgonia.VM
}

// Loss holds the smoothed cross-entropies of one batch, unweighted. Aux is that
// of the only or later auxiliary head, AuxEarly that of an earlier one.
type Loss struct{ Main, Aux, AuxEarly float32 }

// Build makes a network of spec's structure over w for batches of the given
// number of images. The spec may differ from w's only in its input size, dropout
// and batch norm constants.
func Build(spec Spec, w *Weights, batch int, mode Mode, o Options) (*Network, error) {
	if batch < 1 {
		return nil, fmt.Errorf("batch: must be at least 1, is %d", batch)
	}
	precision, err := w.Precision(o.Precision)
	if err != nil {
		return nil, err
	}
	if mode != Eval && precision == INT8 {
		return nil, fmt.Errorf("precision: %v is for inference", precision)
	}
	used := spec
	if mode == Eval || mode == Explain && o.Head == "" {
		used = spec.WithoutAux()
	}
	if mode == Explain {
		if o.Precision != FP32 {
			return nil, fmt.Errorf("precision: %v cannot be explained; maps are of %v", o.Precision, FP32)
		}
		used.Dropout, used.AuxDropout = 0, 0
		o.Frozen = func(string) bool { return true } // batch norm by the running statistics, as in inference
	}
	if err := used.CheckSize(); err != nil {
		return nil, err
	}
	if per := 3 * spec.InputSize * spec.InputSize; batch > math.MaxInt32/per {
		return nil, fmt.Errorf("batch: %d images of %dx%d are too many at once; the limit is %d", batch, spec.InputSize,
			spec.InputSize, math.MaxInt32/per)
	}
	var n *Network
	err = ops.Distinctly(func() (*gorgonia.ExprGraph, error) {
		if n, err = assemble(spec, used, w, batch, mode, precision, o); err != nil {
			return nil, err
		}
		return n.Graph, nil
	})
	if err != nil {
		return nil, err
	}
	return n, n.compile(o.Keep)
}

// assemble makes the graph of a network whose settings have been checked; used is the
// part of spec that the mode needs.
func assemble(spec, used Spec, w *Weights, batch int, mode Mode, precision Precision, o Options) (*Network, error) {
	n := &Network{Spec: spec, Weights: w, Batch: batch, Graph: gorgonia.NewGraph(),
		labels: kernel.Labels{Class: make([]int, batch)}}
	options := spec.blockOptions(mode)
	options.Frozen, options.Seed, options.Step, options.Folds = o.Frozen, o.Seed, &n.step, &w.folds
	options.FrozenNorms = o.FrozenNorms
	if options.Precision = precision; precision == INT8 {
		options.Int8 = w.Int8
	}
	options.Share = o.Share
	b := blocks.NewBuilder(n.Graph, options, w.Params)
	n.image = ops.Image(n.Graph, batch, spec.InputSize, spec.InputSize)
	n.out = used.build(b, n.image)
	err := b.Err()
	switch {
	case err != nil:
	case mode == Train:
		err = n.differentiate(b.Inputs(), o)
	case mode == Explain:
		err = n.differentiateScore(o)
	}
	if err != nil {
		return nil, err
	}
	n.stats = ops.Statistics(n.Graph)
	return n, nil
}

// compile plans the memory and creates the tape machine.
func (n *Network) compile(points []string) error {
	keep := append(gorgonia.Nodes{n.out.logits, n.out.features}, n.losses...)
	keep = append(keep, n.out.aux...)
	for _, node := range n.points {
		keep = append(keep, node)
	}
	for _, g := range n.grads {
		keep = append(keep, g.node)
	}
	for _, name := range points {
		node, err := n.point(name)
		if err != nil {
			return err
		}
		keep = append(keep, node)
	}
	var err error
	if n.Plan, err = ops.NewPlan(n.Graph, keep...); err != nil {
		return err
	}
	n.machine = gorgonia.NewTapeMachine(n.Graph)
	return nil
}

// Points lists the modules that Options.Keep accepts, in order. It also accepts
// every layer of an eval network.
func (n *Network) Points() []string { return n.out.order }

// NameError says that a network has no layer or auxiliary head that is called so.
type NameError struct{ error }

// point returns the node of a module or of a layer.
func (n *Network) point(name string) (*gorgonia.Node, error) {
	if node := n.out.points[name]; node != nil {
		return node, nil
	}
	if node := ops.NodeOf(n.Graph, name); node != nil {
		return node, nil
	}
	suggestion := "; the"
	if nearest, ok := spelling.Near(name, n.Points()); ok {
		suggestion = "; did you mean " + nearest + "? The"
	}
	return nil, NameError{fmt.Errorf("no layer is called %q%s modules are %s; the layers are those that inception "+
		"summary --layers lists", name, suggestion, strings.Join(n.Points(), ", "))}
}

// Forward runs an eval network on images, [Batch][3][H][W] preprocessed, which the
// network refers to until the next call.
func (n *Network) Forward(images []float32) error {
	if err := ops.Feed(n.image, images); err != nil {
		return err
	}
	return n.run()
}

// Step runs forward and backward for one batch, as Forward does. step seeds dropout. Gradients
// and TrainLogits return values of this batch until the next call.
func (n *Network) Step(images []float32, labels kernel.Labels, step uint64) (Loss, error) {
	if len(labels.Class) != n.Batch ||
		labels.Other != nil && (len(labels.Other) != n.Batch || len(labels.Share) != n.Batch) {
		return Loss{}, fmt.Errorf("labels: %d, %d others with %d shares, the network takes %d", len(labels.Class),
			len(labels.Other), len(labels.Share), n.Batch)
	}
	n.labels = labels
	n.step = step
	if err := n.Forward(images); err != nil {
		return Loss{}, err
	}
	var l Loss
	for i, to := range []*float32{&l.Main, &l.Aux, &l.AuxEarly}[:len(n.losses)] {
		*to = n.losses[i].Value().Data().(float32)
	}
	return l, nil
}

func (n *Network) run() error {
	n.Plan.Bind()
	n.machine.Reset()
	if err := n.machine.RunAll(); err != nil {
		return fmt.Errorf("run network: %w", err)
	}
	return nil
}

// Refresh must be called after every change of the weights before an eval
// network runs again: it folds batch norm into them for all networks over these
// weights, none of which may run meanwhile.
func (n *Network) Refresh() { n.Weights.folds.Refresh() }

// Logits returns the logits of the last run, [Batch][Classes].
func (n *Network) Logits() []float32 { return rows(n.out.logits, n.Spec.Classes) }

// ErrNotFinite says that what a network gives is worth nothing.
var ErrNotFinite = errors.New("the network's outputs are NaN or infinite; " +
	"the input holds such values, or the weights have diverged")

// CheckFinite returns ErrNotFinite if a value is NaN or infinite.
func CheckFinite(outputs []float32) error {
	for _, v := range outputs {
		if v-v != 0 {
			return ErrNotFinite
		}
	}
	return nil
}

// TrainLogits returns the logits of the last Step, [Batch][Classes]; dropout
// and batch statistics make them worse than Logits of an eval network.
func (n *Network) TrainLogits() []float32 { return n.Logits() }

// Features returns the pooled features of the last run, [Batch][channels].
func (n *Network) Features() []float32 { return rows(n.out.features, ops.ChannelsOf(n.out.features)) }

// Point returns the output of a module or layer in Options.Keep, [Batch][C][H][W],
// and its shape without the batch.
func (n *Network) Point(name string) (values []float32, shape [3]int, err error) {
	node, err := n.point(name)
	if err != nil {
		return nil, shape, err
	}
	values = ops.Planar(node)
	s := node.Shape()
	return values, [3]int{ops.ChannelsOf(node), s[2], s[3]}, nil
}

// Memory returns the bytes of the weights that an eval network reads and of its
// activations.
func (n *Network) Memory() (weights, activations int64) {
	return ops.WeightBytes(n.Graph), n.Plan.Bytes
}

// Statistics returns what the last run's batch says of every running statistic
// that follows the batches. The next run overwrites it.
func (n *Network) Statistics() []ops.Statistic { return n.stats }

// Follow moves the running statistics one step towards those of a batch, which
// are Statistics or their mean over several.
func (n *Network) Follow(batch []ops.Statistic) {
	for _, s := range batch {
		ops.Follow(s.Param, s.Data, float32(1-n.Spec.BNDecay))
	}
}

// Close frees the machine; the network must not run again. The machine has a
// finalizer and the graph's ops know the network, so as long as it knew the
// machine too, the collector would never free any of them.
func (n *Network) Close() error {
	if n.machine == nil {
		return nil
	}
	machine := n.machine
	n.machine = nil
	return machine.Close()
}

// rows reads a 1x1 activation, [N][channels], without padding.
func rows(node *gorgonia.Node, channels int) []float32 {
	all := ops.Planar(node)
	return all[:node.Shape()[0]*channels]
}

// blockOptions are the settings that every layer shares.
func (s Spec) blockOptions(mode Mode) blocks.Options {
	return blocks.Options{Train: mode != Eval, Width: s.Width, Eps: float32(s.BNEps),
		CountIncludePad: s.AvgPoolCountIncludePad, NoGamma: s.Architecture().NoGamma}
}

// build adds the network to b's graph.
func (s Spec) build(b *blocks.Builder, image *gorgonia.Node) outputs {
	return s.Architecture().build(s, b, image)
}
