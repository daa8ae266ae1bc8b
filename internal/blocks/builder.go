// Package blocks builds the paper's modules as Gorgonia nodes: the stem,
// figures 4 to 7, 9 and 10, and the auxiliary head; also the modules of related
// networks. Layer names are torchvision's or timm's, which are also the keys of
// weight files.
package blocks

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/inception-go/inception/internal/ops"
	"gorgonia.org/gorgonia"
)

// Options are the settings that all layers of a network share.
type Options struct {
	Train           bool    // batch statistics and separate batch norm; otherwise batch norm is folded
	Width           float64 // multiplies channel counts, which stay multiples of 16
	Eps             float32 // of batch norm
	CountIncludePad bool    // the 3x3 average pools count their padding
	NoGamma         bool    // batch norm has no scale, as in TF-slim
	Seed            uint64  // of dropout, combined with the value of Step during the run
	Step            *uint64 //

	Folds     *ops.Folds    // of the networks over the same parameters; only without Train
	Precision ops.Precision // of activations
	Int8      *ops.Int8     // with INT8 only

	// Share joins the statistics of batch norm with those of other processes; see
	// ops.Norm. nil: none.
	Share func(sums []float64) error

	// Frozen reports which layers keep their parameters and statistics; nil: none.
	Frozen func(layer string) bool
	// FrozenNorms makes batch norm use and keep the running statistics while its
	// scale and shift are trained, except in auxiliary heads.
	FrozenNorms bool
}

// Builder makes the layers of one network, one after another. After the first
// error, all further calls do nothing; see Err.
type Builder struct {
	Graph *gorgonia.ExprGraph
	Options

	scope  string
	place  ops.Place
	stddev float64 // of the initial weights
	state  *state
}

// state is the state that all scopes of a Builder share.
type state struct {
	known    map[string]*ops.Param
	params   []*ops.Param
	groups   [][]*ops.Param
	branches int                      // started so far
	branch   map[*gorgonia.Node]stand // of the layers with parameters
	err      error
}

// stand is the branch of a module that a node is on.
type stand struct {
	module string
	branch int
}

// NewBuilder returns a Builder whose layers look up their parameters in known by
// name and make missing ones, without memory.
func NewBuilder(g *gorgonia.ExprGraph, o Options, known []*ops.Param) *Builder {
	b := &Builder{Graph: g, Options: o, stddev: 0.1,
		state: &state{known: map[string]*ops.Param{}, branch: map[*gorgonia.Node]stand{}}}
	for _, p := range known {
		b.state.known[p.Name] = p
	}
	return b
}

// Err returns the first error.
func (b *Builder) Err() error { return b.state.err }

// In returns the Builder of a module, whose layer names start with name and a
// dot.
func (b *Builder) In(name string) *Builder {
	inner := b.within(name)
	inner.place.Module = inner.scope[:len(inner.scope)-1]
	return inner
}

// InAux returns the Builder of an auxiliary head.
func (b *Builder) InAux(name string) *Builder {
	inner := b.In(name)
	inner.place.Aux = true
	return inner
}

// within returns a Builder of the same module whose layer names start with name
// and a dot.
func (b *Builder) within(name string) *Builder {
	inner := *b
	inner.scope = b.scope + name + "."
	return &inner
}

// startingAt returns a Builder whose initial weights have that standard deviation.
func (b *Builder) startingAt(stddev float64) *Builder {
	other := *b
	other.stddev = stddev
	return &other
}

// Params returns the parameters used so far in torchvision's order of
// declaration: branch by branch within a module.
func (b *Builder) Params() []*ops.Param {
	// A module's branches start together, so they are already in module order.
	params := slices.Clone(b.state.params)
	slices.SortStableFunc(params, func(p, q *ops.Param) int { return p.Branch - q.Branch })
	return params
}

// Groups returns the groups of conv weights that must be adjacent in memory.
func (b *Builder) Groups() [][]*ops.Param { return b.state.groups }

// Inputs returns the parameters as the nodes of the graph hold them: each alone,
// except for those of a group.
func (b *Builder) Inputs() [][]*ops.Param {
	inputs := slices.Clone(b.state.groups)
	grouped := slices.Concat(inputs...)
	for _, p := range b.state.params {
		if !slices.Contains(grouped, p) {
			inputs = append(inputs, []*ops.Param{p})
		}
	}
	return inputs
}

// Channels returns c channels at the network's width: a multiple of 16, at
// least 16, unless the width is 1.
func (b *Builder) Channels(c int) int {
	if b.Width == 1 {
		return c
	}
	return max(16, int(math.Round(float64(c)*b.Width/16))*16)
}

// Fail records an error unless one is already recorded.
func (b *Builder) Fail(err error) {
	if b.state.err == nil {
		b.state.err = err
	}
}

// keep returns the node, or records the error and returns a placeholder that
// serves until the caller checks Err.
func (b *Builder) keep(n *gorgonia.Node, err error, instead *gorgonia.Node) *gorgonia.Node {
	if err != nil {
		b.Fail(err)
		return instead
	}
	return n
}

// layer is a layer in the making.
type layer struct {
	ops.Layer
	branch int
}

// layer starts a layer with parameters that reads x: on x's branch if x was made
// in the same module, otherwise on a new one.
func (b *Builder) layer(x *gorgonia.Node, name string, op ops.Operation) *layer {
	l := &layer{Layer: ops.Layer{Name: b.scope + name, Op: op, Place: b.place}}
	if on, known := b.state.branch[x]; known && b.place.Module != "" && on.module == b.place.Module {
		l.branch = on.branch
		return l
	}
	b.state.branches++
	l.branch = b.state.branches
	return l
}

// sized returns a layer without parameters and with the size of its output.
func (b *Builder) sized(name string, op ops.Operation, channels, h, w int) ops.Layer {
	return ops.Layer{Name: b.scope + name, Op: op, Output: [3]int{channels, h, w}, Place: b.place}
}

// param adds to l the parameter whose name is the layer's with that suffix, of
// this kind and shape.
func (b *Builder) param(l *layer, name string, kind ops.Kind, shape ...int) *ops.Param {
	name = l.Name + "." + name
	p := b.state.known[name]
	if p == nil {
		p = ops.NewParam(name, kind, shape...)
		p.Layer, p.Branch, p.Stddev, p.Place = l.Name, l.branch, b.stddev, l.Place
		b.state.known[name] = p
	}
	if p.Kind != kind || !slices.Equal(p.Shape, shape) {
		b.Fail(fmt.Errorf("%s: has shape %v, the network needs %v", name, p.Shape, shape))
	}
	b.state.params = append(b.state.params, p)
	l.Params = append(l.Params, p)
	return p
}

// made returns the node that holds l's output.
func (b *Builder) made(l *layer, n *gorgonia.Node, err error, instead *gorgonia.Node) *gorgonia.Node {
	if err == nil {
		b.state.branch[n] = stand{b.place.Module, l.branch}
	}
	return b.keep(n, err, instead)
}

func (b *Builder) frozen(layer string) bool { return b.Frozen != nil && b.Frozen(layer) }

// IsSize reports whether err says that the input is too small.
func IsSize(err error) bool {
	var size *ops.SizeError
	return errors.As(err, &size)
}
