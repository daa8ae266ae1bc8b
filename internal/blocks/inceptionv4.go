package blocks

import (
	"strconv"

	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// The modules of Inception-v4 (Szegedy et al., arXiv 1602.07261) under timm's
// names, in which a branch of several layers numbers them.

// StemV4 turns images into 384 channels at an eighth of their size (fig. 3). x
// passes through three modules, each of which joins two branches; end is told
// of each.
func (b *Builder) StemV4(
	image *gorgonia.Node, stride int, end func(string, *gorgonia.Node) *gorgonia.Node,
) *gorgonia.Node {
	x := b.Chain(image, valid("features.0", 32, 3, stride), valid("features.1", 32, 3, 1), unit("features.2", 64, 3, 3))

	m := b.In("features.3")
	x = end("features.3", m.Concat(m.MaxPool(x, "maxpool", maxPool), m.Conv(x, valid("conv", 96, 3, 2))))

	m = b.In("features.4")
	heads := m.Siblings(x, unit("branch0.0", 64, 1, 1), unit("branch1.0", 64, 1, 1))
	x = end("features.4", m.Concat(
		m.Conv(heads[0], valid("branch0.1", 96, 3, 1)),
		m.Chain(heads[1], unit("branch1.1", 64, 1, 7), unit("branch1.2", 64, 7, 1), valid("branch1.3", 96, 3, 1))))

	m = b.In("features.5")
	return end("features.5", m.Concat(m.Conv(x, valid("conv", 192, 3, 2)), m.MaxPool(x, "maxpool", maxPool)))
}

// InceptionA is the module of the 35x35 grid (fig. 4): two and one 3x3 convolutions.
func (b *Builder) InceptionA(x *gorgonia.Node, name string) *gorgonia.Node {
	return b.In(name).branches(x, 96, tower{unit("branch0", 96, 1, 1)},
		numbered("branch1", unit("", 64, 1, 1), unit("", 96, 3, 3)),
		numbered("branch2", unit("", 64, 1, 1), unit("", 96, 3, 3), unit("", 96, 3, 3)))
}

// InceptionB is the module of the 17x17 grid (fig. 5): 1x7 and 7x1 convolutions.
func (b *Builder) InceptionB(x *gorgonia.Node, name string) *gorgonia.Node {
	return b.In(name).branches(x, 128, tower{unit("branch0", 384, 1, 1)},
		numbered("branch1", unit("", 192, 1, 1), unit("", 224, 1, 7), unit("", 256, 7, 1)),
		numbered("branch2", unit("", 192, 1, 1),
			unit("", 192, 7, 1), unit("", 224, 1, 7), unit("", 224, 7, 1), unit("", 256, 1, 7)))
}

// InceptionC is the module of the 8x8 grid (fig. 6): branches that spread into
// 1x3 beside 3x1.
func (b *Builder) InceptionC(x *gorgonia.Node, name string) *gorgonia.Node {
	b = b.In(name)
	heads := b.Siblings(x, unit("branch0", 256, 1, 1), unit("branch1_0", 384, 1, 1), unit("branch2_0", 384, 1, 1))
	double := b.Chain(heads[2], unit("branch2_1", 448, 3, 1), unit("branch2_2", 512, 1, 3))
	return b.Concat(heads[0],
		b.Conv(heads[1], unit("branch1_1a", 256, 1, 3)), b.Conv(heads[1], unit("branch1_1b", 256, 3, 1)),
		b.Conv(double, unit("branch2_3a", 256, 1, 3)), b.Conv(double, unit("branch2_3b", 256, 3, 1)),
		b.pooledV4(x, 256))
}

// ReductionA halves the 35x35 grid (fig. 7).
func (b *Builder) ReductionA(x *gorgonia.Node, name string) *gorgonia.Node {
	b = b.In(name)
	return b.Concat(
		b.Conv(x, valid("branch0", 384, 3, 2)),
		b.Chain(x, numbered("branch1", unit("", 192, 1, 1), unit("", 224, 3, 3), valid("", 256, 3, 2))...),
		b.MaxPool(x, "branch2", maxPool))
}

// ReductionB halves the 17x17 grid (fig. 8).
func (b *Builder) ReductionB(x *gorgonia.Node, name string) *gorgonia.Node {
	b = b.In(name)
	towers := []tower{
		numbered("branch0", unit("", 192, 1, 1), valid("", 192, 3, 2)),
		numbered("branch1", unit("", 256, 1, 1), unit("", 256, 1, 7), unit("", 320, 7, 1), valid("", 320, 3, 2)),
	}
	heads := b.Siblings(x, towers[0][0], towers[1][0])
	return b.Concat(
		b.Chain(heads[0], towers[0][1:]...),
		b.Chain(heads[1], towers[1][1:]...),
		b.MaxPool(x, "branch2", maxPool))
}

// branches joins towers that all begin with a 1x1 convolution, and behind them
// the average pool with pool channels.
func (b *Builder) branches(x *gorgonia.Node, pool int, towers ...tower) *gorgonia.Node {
	var firsts []Unit
	for _, t := range towers {
		firsts = append(firsts, t[0])
	}
	var ends []*gorgonia.Node
	for i, y := range b.Siblings(x, firsts...) {
		ends = append(ends, b.Chain(y, towers[i][1:]...))
	}
	return b.Concat(append(ends, b.pooledV4(x, pool))...)
}

// pooledV4 is the branch behind a 3x3 average pool that keeps the map's size.
func (b *Builder) pooledV4(x *gorgonia.Node, k int) *gorgonia.Node {
	pool := kernel.Pool{Window: kernel.Square(3, 1, 1), CountIncludePad: b.CountIncludePad}
	return b.Conv(b.AvgPool(x, "branch3.0", pool), unit("branch3.1", k, 1, 1))
}

// numbered names the layers of a branch by their places in it.
func numbered(branch string, units ...Unit) tower {
	for i := range units {
		units[i].Name = branch + "." + strconv.Itoa(i)
	}
	return units
}
