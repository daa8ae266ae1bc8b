package blocks

import (
	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// ceilPool is the 3x3/2 pool of GoogLeNet, whose last window may extend beyond
// the edge.
var ceilPool = kernel.Pool{Window: kernel.Square(3, 2, 0), CeilMode: true}

// StemV1 turns images into 192 channels at an eighth of their size, as
// torchvision's GoogLeNet does.
func (b *Builder) StemV1(image *gorgonia.Node, o StemOptions) *gorgonia.Node {
	x := b.Conv(image, Unit{"conv1", 64, kernel.Square(7, o.Stride, 3)})
	if o.Pool {
		x = b.MaxPool(x, "maxpool1", ceilPool)
	}
	x = b.Chain(x, unit("conv2", 64, 1, 1), unit("conv3", 192, 3, 3))
	return b.MaxPool(x, "maxpool2", ceilPool)
}

// ReduceV1 halves the grid between GoogLeNet's modules with only a pool of the
// given size.
func (b *Builder) ReduceV1(x *gorgonia.Node, name string, size int) *gorgonia.Node {
	return b.MaxPool(x, name, kernel.Pool{Window: kernel.Square(size, 2, 0), CeilMode: true})
}

// ChannelsV1 are the channels of one of GoogLeNet's modules, the columns of its
// paper's table 1.
type ChannelsV1 struct {
	One             int
	ThreeBy1, Three int // the reduction before the 3x3, and the 3x3 itself
	FiveBy1, Five   int
	Pool            int
}

// InceptionV1 is GoogLeNet's module (Szegedy et al., arXiv 1409.4842, fig. 2b)
// as in torchvision, whose 5x5 convolution is a 3x3.
func (b *Builder) InceptionV1(x *gorgonia.Node, name string, c ChannelsV1) *gorgonia.Node {
	b = b.In(name)
	heads := b.Siblings(x, unit("branch1", c.One, 1, 1),
		unit("branch2.0", c.ThreeBy1, 1, 1), unit("branch3.0", c.FiveBy1, 1, 1))
	pooled := b.MaxPool(x, "branch4.0", kernel.Pool{Window: kernel.Square(3, 1, 1)})
	return b.Concat(heads[0],
		b.Conv(heads[1], unit("branch2.1", c.Three, 3, 3)),
		b.Conv(heads[2], unit("branch3.1", c.Five, 3, 3)),
		b.Conv(pooled, unit("branch4.1", c.Pool, 1, 1)))
}

// AuxHeadV1 is GoogLeNet's auxiliary classifier: average pool to 4x4, 1x1, and
// two fully connected layers with dropout between them.
func (b *Builder) AuxHeadV1(x *gorgonia.Node, name string, classes int, drop float64) *gorgonia.Node {
	b = b.InAux(name)
	x = b.Conv(b.AdaptiveAvgPool(x, "avgpool", 4), unit("conv", 128, 1, 1))
	x = b.LinearReLU(b.Flatten(x, "flatten"), "fc1", b.Channels(1024))
	return b.Linear(b.Dropout(x, drop), "fc2", classes)
}
