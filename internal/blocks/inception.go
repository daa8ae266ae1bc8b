package blocks

import (
	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// Inception35 is the module of the 35x35 grid (Szegedy et al. 2015, fig. 5):
// the deepest tower is two 3x3 convolutions. Not factorized, it is one 5x5
// as in Inception V1 (fig. 4). The middle tower is the figure's 3x3, or the 5x5
// of the released code. pool is the number of channels after the average pool.
func (b *Builder) Inception35(x *gorgonia.Node, name string, pool int, factorized, tower3x3 bool) *gorgonia.Node {
	b = b.In(name)
	tower := tower{unit("branch5x5_1", 48, 1, 1), unit("branch5x5_2", 64, 5, 5)}
	if tower3x3 {
		tower[0].Name, tower[1] = "branch3x3_1", unit("branch3x3_2", 64, 3, 3)
	}
	heads := b.Siblings(x, unit("branch1x1", 64, 1, 1), tower[0], unit("branch3x3dbl_1", 64, 1, 1))
	double := heads[2]
	if factorized {
		double = b.Chain(double, unit("branch3x3dbl_2", 96, 3, 3), unit("branch3x3dbl_3", 96, 3, 3))
	} else {
		double = b.Conv(double, unit("branch3x3dbl_2", 96, 5, 5))
	}
	return b.Concat(heads[0], b.Conv(heads[1], tower[1]), double, b.pooled(x, pool))
}

// Inception17 is the module of the 17x17 grid (fig. 6): nxn convolutions as
// 1xn and nx1, n = 7. Not factorized, they are 7x7. c is the number of
// channels inside the towers.
func (b *Builder) Inception17(x *gorgonia.Node, name string, c int, factorized bool) *gorgonia.Node {
	b = b.In(name)
	heads := b.Siblings(x, unit("branch1x1", 192, 1, 1), unit("branch7x7_1", c, 1, 1), unit("branch7x7dbl_1", c, 1, 1))
	var single, double *gorgonia.Node
	if factorized {
		single = b.Chain(heads[1], unit("branch7x7_2", c, 1, 7), unit("branch7x7_3", 192, 7, 1))
		double = b.Chain(heads[2], unit("branch7x7dbl_2", c, 7, 1), unit("branch7x7dbl_3", c, 1, 7),
			unit("branch7x7dbl_4", c, 7, 1), unit("branch7x7dbl_5", 192, 1, 7))
	} else {
		single = b.Conv(heads[1], unit("branch7x7_2", 192, 7, 7))
		double = b.Chain(heads[2], unit("branch7x7dbl_2", c, 7, 7), unit("branch7x7dbl_3", 192, 7, 7))
	}
	return b.Concat(heads[0], single, double, b.pooled(x, 192))
}

// Inception8 is the module of the 8x8 grid (fig. 7): the last convolutions
// are spread into 1x3 beside 3x1, which doubles their channels. Not
// expanded, they are plain 3x3 convolutions of half the channels.
func (b *Builder) Inception8(x *gorgonia.Node, name string, expanded bool) *gorgonia.Node {
	b = b.In(name)
	heads := b.Siblings(x, unit("branch1x1", 320, 1, 1), unit("branch3x3_1", 384, 1, 1), unit("branch3x3dbl_1", 448, 1, 1))
	double := b.Conv(heads[2], unit("branch3x3dbl_2", 384, 3, 3))
	if !expanded {
		single := b.Conv(heads[1], unit("branch3x3_2", 384, 3, 3))
		double = b.Conv(double, unit("branch3x3dbl_3", 384, 3, 3))
		return b.Concat(heads[0], single, double, b.pooled(x, 192))
	}
	return b.Concat(heads[0],
		b.Conv(heads[1], unit("branch3x3_2a", 384, 1, 3)), b.Conv(heads[1], unit("branch3x3_2b", 384, 3, 1)),
		b.Conv(double, unit("branch3x3dbl_3a", 384, 1, 3)), b.Conv(double, unit("branch3x3dbl_3b", 384, 3, 1)),
		b.pooled(x, 192))
}

// pooled is the branch with a 3x3 average pool that keeps the map's size.
func (b *Builder) pooled(x *gorgonia.Node, k int) *gorgonia.Node {
	pool := kernel.Pool{Window: kernel.Square(3, 1, 1), CountIncludePad: b.CountIncludePad}
	return b.Conv(b.AvgPool(x, "pool", pool), unit("branch_pool", k, 1, 1))
}

// Reduction is how a grid is halved (figs. 9 and 10).
type Reduction string

// The ways to halve a grid. All have the same convolutions and channels.
const (
	Efficient   Reduction = "efficient"    // stride-2 convolutions next to the pool (fig. 10)
	PoolFirst   Reduction = "pool_first"   // a representational bottleneck (fig. 9, left)
	ExpandFirst Reduction = "expand_first" // all channels at the large size (fig. 9, right)
)

// ReduceTo17 halves the 35x35 grid.
func (b *Builder) ReduceTo17(x *gorgonia.Node, name string, how Reduction) *gorgonia.Node {
	return b.In(name).reduce(x, how,
		tower{unit("branch3x3", 384, 3, 3)},
		tower{unit("branch3x3dbl_1", 64, 1, 1), unit("branch3x3dbl_2", 96, 3, 3), unit("branch3x3dbl_3", 96, 3, 3)})
}

// ReduceTo8 halves the 17x17 grid.
func (b *Builder) ReduceTo8(x *gorgonia.Node, name string, how Reduction, factorized bool) *gorgonia.Node {
	seven := tower{unit("branch7x7x3_1", 192, 1, 1),
		unit("branch7x7x3_2", 192, 1, 7), unit("branch7x7x3_3", 192, 7, 1), unit("branch7x7x3_4", 192, 3, 3)}
	if !factorized {
		seven = tower{seven[0], unit("branch7x7x3_2", 192, 7, 7), unit("branch7x7x3_3", 192, 3, 3)}
	}
	return b.In(name).reduce(x, how, tower{unit("branch3x3_1", 192, 1, 1), unit("branch3x3_2", 320, 3, 3)}, seven)
}

// tower is a branch whose last convolution halves the grid if the reduction is
// Efficient.
type tower []Unit

func (b *Builder) reduce(x *gorgonia.Node, how Reduction, towers ...tower) *gorgonia.Node {
	if how == PoolFirst {
		x = b.MaxPool(x, "pool", maxPool)
	}
	branches := make([]*gorgonia.Node, len(towers), len(towers)+1)
	if len(towers[0]) > 1 {
		for i, y := range b.Siblings(x, towers[0][0], towers[1][0]) {
			branches[i] = b.Chain(y, towers[i].rest(1, how)...)
		}
	} else {
		for i, t := range towers {
			branches[i] = b.Chain(x, t.rest(0, how)...)
		}
	}
	if how == Efficient {
		return b.Concat(append(branches, b.MaxPool(x, "pool", maxPool))...)
	}
	y := b.Concat(append(branches, x)...)
	if how == ExpandFirst {
		y = b.MaxPool(y, "pool", maxPool)
	}
	return y
}

// rest returns the units from index first on, the last with stride 2 if it
// halves the grid.
func (t tower) rest(first int, how Reduction) tower {
	units := append(tower{}, t[first:]...)
	if how == Efficient {
		last := &units[len(units)-1]
		last.Window = kernel.Square(3, 2, 0)
	}
	return units
}
