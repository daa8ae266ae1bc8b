package model

import (
	"github.com/inception-go/inception/internal/blocks"
	"gorgonia.org/gorgonia"
)

// bnInception builds TF-slim's inception_v2, which is BN-Inception (Ioffe and
// Szegedy, arXiv 1502.03167, fig. 5) with a separable first convolution.
func (s Spec) bnInception(b *blocks.Builder, image *gorgonia.Node) (o outputs) {
	module := func(x *gorgonia.Node, name string, c blocks.ChannelsBN) *gorgonia.Node {
		return o.end(name, b.InceptionBN(x, name, c))
	}
	pair := func(reduce, k int) [2]int { return [2]int{reduce, k} }

	x := b.StemBN(image, s.Stem.Conv == "separable", blocks.StemOptions{Stride: s.Stem.Stride, Pool: s.Stem.Pool})
	x = module(x, "Mixed_3b", blocks.ChannelsBN{One: 64, Single: pair(64, 64), Double: pair(64, 96), Pool: 32})
	x = module(x, "Mixed_3c", blocks.ChannelsBN{One: 64, Single: pair(64, 96), Double: pair(64, 96), Pool: 64})
	x = o.end("Mixed_4a", b.ReduceBN(x, "Mixed_4a", pair(128, 160), pair(64, 96)))
	x = module(x, "Mixed_4b", blocks.ChannelsBN{One: 224, Single: pair(64, 96), Double: pair(96, 128), Pool: 128})
	x = module(x, "Mixed_4c", blocks.ChannelsBN{One: 192, Single: pair(96, 128), Double: pair(96, 128), Pool: 128})
	x = module(x, "Mixed_4d", blocks.ChannelsBN{One: 160, Single: pair(128, 160), Double: pair(128, 160), Pool: 96})
	x = module(x, "Mixed_4e", blocks.ChannelsBN{One: 96, Single: pair(128, 192), Double: pair(160, 192), Pool: 96})
	x = o.end("Mixed_5a", b.ReduceBN(x, "Mixed_5a", pair(128, 192), pair(192, 256)))
	x = module(x, "Mixed_5b", blocks.ChannelsBN{One: 352, Single: pair(192, 320), Double: pair(160, 224), Pool: 128})
	x = module(x, "Mixed_5c", blocks.ChannelsBN{One: 352, Single: pair(192, 320), Double: pair(192, 224), Pool: 128, MaxPool: true})
	o.features, o.logits = b.Head(x, s.Classes, s.Dropout)
	return o
}
