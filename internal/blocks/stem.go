package blocks

import (
	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// StemOptions are the switches of the stem.
type StemOptions struct {
	SevenBySeven bool // the first three 3x3 convolutions are one 7x7
	Stride       int  // of the first convolution: 2, or 1 for small images (section 9)
	Pool         bool // there is a first max pool
	LastPool     bool // there is one at the end, where Table1 has a stride
	Table1       bool // the last convolutions are those of the paper's table 1
	Separable    bool // BN-Inception's first convolution is separable, not plain
}

// maxPool is the 3x3/2 pool of the stem and of the grid reductions.
var maxPool = kernel.Pool{Window: kernel.Square(3, 2, 0)}

// Stem turns images into 192 channels, as released at an eighth of their size, or
// into the 288 of Szegedy et al. 2015, table 1.
func (b *Builder) Stem(image *gorgonia.Node, o StemOptions) *gorgonia.Node {
	x := image
	if o.SevenBySeven {
		x = b.Conv(x, valid("Conv2d_1a_7x7", 64, 7, o.Stride))
	} else {
		x = b.Chain(x,
			valid("Conv2d_1a_3x3", 32, 3, o.Stride),
			valid("Conv2d_2a_3x3", 32, 3, 1),
			unit("Conv2d_2b_3x3", 64, 3, 3))
	}
	if o.Pool {
		x = b.MaxPool(x, "maxpool1", maxPool)
	}
	if o.Table1 {
		return b.Chain(x,
			valid("Conv2d_3b_3x3", 80, 3, 1),
			valid("Conv2d_4a_3x3", 192, 3, 2),
			unit("Conv2d_4b_3x3", 288, 3, 3))
	}
	x = b.Chain(x, valid("Conv2d_3b_1x1", 80, 1, 1), valid("Conv2d_4a_3x3", 192, 3, 1))
	if !o.LastPool {
		return x
	}
	return b.MaxPool(x, "maxpool2", maxPool)
}
