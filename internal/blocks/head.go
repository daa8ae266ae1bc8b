package blocks

import (
	"hash/fnv"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/ops"
	"gorgonia.org/gorgonia"
)

// Head is the classifier: global average pool, dropout in training, and finally
// a fully connected layer of that name. drop is the probability of dropout.
func (b *Builder) Head(x *gorgonia.Node, name string, classes int, drop float64) (pooled, logits *gorgonia.Node) {
	pooled = b.GlobalAvgPool(x, "avgpool")
	return pooled, b.Linear(b.Dropout(pooled, drop), name, classes)
}

// AuxHead is the auxiliary classifier on a 17x17 map (fig. 8): average pool
// 5x5/3, 1x1, 5x5 down to one pixel, fully connected. With batchNorm the 5x5
// layer is normalised like every other, otherwise it has a bias (section 4). If
// the map after the pool is smaller than 5x5, the kernel has the map's size.
func (b *Builder) AuxHead(x *gorgonia.Node, name string, classes int, batchNorm bool, drop float64) *gorgonia.Node {
	b = b.InAux(name)
	x = b.AvgPool(x, "pool", kernel.Pool{Window: kernel.Square(5, 3, 0)})
	x = b.Conv(x, unit("conv0", 128, 1, 1))
	if b.Err() != nil {
		return x
	}
	size := x.Shape()[2:4]
	last := Unit{"conv1", 768, kernel.Window{R: min(5, size[0]), S: min(5, size[1]), StrideH: 1, StrideW: 1}}
	if fine := b.startingAt(0.01); batchNorm {
		x = fine.Conv(x, last)
	} else {
		x = fine.BiasConv(x, last)
	}
	if b.Err() != nil {
		return x
	}
	if s := x.Shape(); s[2] > 1 || s[3] > 1 {
		x = b.GlobalAvgPool(x, "avgpool")
	}
	x = b.widened(x)
	return b.Linear(b.Dropout(x, drop), "fc", classes)
}

// widened returns x in float32, which classifiers compute in.
func (b *Builder) widened(x *gorgonia.Node) *gorgonia.Node {
	if b.Err() != nil {
		return x
	}
	y, err := ops.Widen(b.scope[:len(b.scope)-1], x)
	return b.keep(y, err, x)
}

// BiasConv is a convolution with a bias and ReLU, without batch norm.
func (b *Builder) BiasConv(x *gorgonia.Node, u Unit) *gorgonia.Node {
	if b.Err() != nil {
		return x
	}
	l := b.conv(x, u)
	bias := b.param(l, "conv.bias", ops.Bias, l.Output[0])
	if !b.Train {
		y, err := b.folded(l, x, bias, ops.Norm{})
		return b.made(l, y, err, x)
	}
	z := b.convolve(x, []*layer{l})[0]
	if b.Err() != nil {
		return x
	}
	y, err := ops.BiasReLU(l.Name, z, bias)
	return b.made(l, y, err, x)
}

// Dropout drops values of x with the given probability, with a generator seeded
// for every step and scope; outside training it returns x.
func (b *Builder) Dropout(x *gorgonia.Node, drop float64) *gorgonia.Node {
	if b.Err() != nil || !b.Train || drop == 0 {
		return x
	}
	seed := b.Seed
	if b.scope != "" { // a different choice in every head
		h := fnv.New64a()
		h.Write([]byte(b.scope))
		seed += h.Sum64()
	}
	y, err := ops.Dropout(b.scope+"dropout", x, float32(drop), seed, b.Step,
		b.sized("dropout", ops.OpDropout, ops.ChannelsOf(x), 1, 1))
	return b.keep(y, err, x)
}
