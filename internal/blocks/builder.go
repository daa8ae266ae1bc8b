// Package blocks builds the paper's modules as Gorgonia nodes: the stem,
// figures 4 to 7 and 10, and the auxiliary head; and those of the networks
// that it compares them with. Layer names are torchvision's, which are also
// the keys of weight files.
package blocks

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"

	"github.com/inception-go/inception/internal/ops"
	"gorgonia.org/gorgonia"
)

// Options are the settings that every layer of a network shares.
type Options struct {
	Train           bool    // batch statistics and separate batch norm; else all is folded
	Width           float64 // multiplies channel counts, which stay multiples of 16
	Eps, Momentum   float32 // of batch norm
	CountIncludePad bool    // the 3x3 average pools count their padding
	NoGamma         bool    // batch norm has no scale, as in TF-slim
	Seed            uint64  // of dropout, with the step that Step points to when it runs
	Step            *uint64 //

	// Frozen says which layers keep their parameters and statistics; nil: none.
	Frozen func(layer string) bool
}

// Builder makes the layers of one network, one after another. The first
// error stays and turns all further calls into nothing; see Err.
type Builder struct {
	Graph *gorgonia.ExprGraph
	Options

	scope string
	state *state
}

// state is what all scopes of a Builder share.
type state struct {
	known  map[string]*ops.Param
	params []*ops.Param
	groups [][]*ops.Param
	err    error
}

// NewBuilder returns a Builder whose layers use the parameters of known by
// name and make those that are missing, without memory.
func NewBuilder(g *gorgonia.ExprGraph, o Options, known []*ops.Param) *Builder {
	b := &Builder{Graph: g, Options: o, state: &state{known: map[string]*ops.Param{}}}
	for _, p := range known {
		b.state.known[p.Name] = p
	}
	return b
}

// Err returns the first error.
func (b *Builder) Err() error { return b.state.err }

// In returns a Builder whose layers' names begin with name and a dot.
func (b *Builder) In(name string) *Builder {
	inner := *b
	inner.scope = b.scope + name + "."
	return &inner
}

// Params returns the parameters used so far in torchvision's order of
// declaration: branch by branch within a module.
func (b *Builder) Params() []*ops.Param {
	rank := map[string]int{}
	for _, p := range b.state.params {
		branch := branchOf(p.Name)
		if _, ok := rank[branch]; !ok {
			rank[branch] = len(rank)
		}
	}
	// A module's branches begin together, so ranks are already module by module.
	params := slices.Clone(b.state.params)
	slices.SortStableFunc(params, func(p, q *ops.Param) int { return rank[branchOf(p.Name)] - rank[branchOf(q.Name)] })
	return params
}

// Groups returns the conv weights that must lie behind each other in memory.
func (b *Builder) Groups() [][]*ops.Param { return b.state.groups }

// Channels returns c channels at the network's width: a multiple of 16, at
// least 16, unless the width is 1.
func (b *Builder) Channels(c int) int {
	if b.Width == 1 {
		return c
	}
	return max(16, int(math.Round(float64(c)*b.Width/16))*16)
}

// Fail records an error unless there is one already.
func (b *Builder) Fail(err error) {
	if b.state.err == nil {
		b.state.err = err
	}
}

// keep passes a node on, or records the error and returns instead what takes
// its place until the caller looks at Err.
func (b *Builder) keep(n *gorgonia.Node, err error, instead *gorgonia.Node) *gorgonia.Node {
	if err != nil {
		b.Fail(err)
		return instead
	}
	return n
}

// param returns the parameter of that name, which has this kind and shape.
func (b *Builder) param(name string, kind ops.Kind, shape ...int) *ops.Param {
	name = b.scope + name
	p := b.state.known[name]
	if p == nil {
		p = ops.NewParam(name, kind, shape...)
		b.state.known[name] = p
	}
	if p.Kind != kind || !slices.Equal(p.Shape, shape) {
		b.Fail(fmt.Errorf("%s: has shape %v, the network needs %v", name, p.Shape, shape))
	}
	b.state.params = append(b.state.params, p)
	return p
}

func (b *Builder) frozen(layer string) bool {
	return b.Frozen != nil && b.Frozen(b.scope+layer)
}

// branchOf cuts a layer's place within its branch: Mixed_7b.branch3x3_2a.conv.weight
// gives Mixed_7b.branch3x3.
func branchOf(param string) string {
	if m := branchName.FindStringSubmatch(param); m != nil {
		return m[1]
	}
	return param[:len(param)-len(regexpTail.FindString(param))]
}

var (
	branchName = regexp.MustCompile(`^(.*\.branch(?:_pool|[0-9a-z]+))(?:_[0-9][a-z]?)?\.`)
	regexpTail = regexp.MustCompile(`\.[^.]+\.[^.]+$`)
)

// IsSize reports whether err says that the input is too small.
func IsSize(err error) bool {
	var size *ops.SizeError
	return errors.As(err, &size)
}
