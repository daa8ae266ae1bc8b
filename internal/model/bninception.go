package model

import (
	"github.com/inception-go/inception/internal/blocks"
	"gorgonia.org/gorgonia"
)

// bnInception is TF-slim's inception_v2, which is BN-Inception (Ioffe and
// Szegedy, arXiv 1502.03167, fig. 5) with a separable first convolution.
var bnInception = Architecture{
	Name: BNInception, About: "TF-slim's inception_v2",
	Default: published(BNInception, func(s *Spec) {
		s.InputSize, s.Stem.Conv, s.Aux = 224, "separable", AuxNone
		s.Asymmetric7x7, s.Expanded8x8 = false, false
	}),
	StemConvs: []string{"separable", "7x7"},
	AuxHeads:  []string{AuxNone},
	Fixed:     append([]string{"aux_dropout"}, structureKeys...),
	NoGamma:   true, Classifier: "fc", Twin: torchvisionV3(V3),
	Mark: bnMark, Telltale: "its layers are BN-Inception's",
	recognise: func(s *Spec, has func(string) bool) bool {
		if has("Conv2d_1a_7x7.conv.weight") {
			s.Stem.Conv = "7x7"
		}
		return true
	},
	build: buildBNInception,
}

// bnMark is in files of BN-Inception, which has modules on the grid of 28.
const bnMark = "Mixed_3b.branch1x1.conv.weight"

func buildBNInception(s Spec, b *blocks.Builder, image *gorgonia.Node) (o outputs) {
	module := func(x *gorgonia.Node, name string, c blocks.ChannelsBN) *gorgonia.Node {
		return o.end(name, b.InceptionBN(x, name, c))
	}
	x := b.StemBN(image, blocks.StemOptions{Separable: s.Stem.Conv == "separable", Stride: s.Stem.Stride,
		Pool: s.Stem.Pool})
	x = module(x, "Mixed_3b", blocks.ChannelsBN{One: 64, ThreeBy1: 64, Three: 64, DoubleBy1: 64, Double: 96, Pool: 32})
	x = module(x, "Mixed_3c", blocks.ChannelsBN{One: 64, ThreeBy1: 64, Three: 96, DoubleBy1: 64, Double: 96, Pool: 64})
	x = o.end("Mixed_4a", b.ReduceBN(x, "Mixed_4a", blocks.ChannelsBN{ThreeBy1: 128, Three: 160, DoubleBy1: 64, Double: 96}))
	x = module(x, "Mixed_4b", blocks.ChannelsBN{One: 224, ThreeBy1: 64, Three: 96, DoubleBy1: 96, Double: 128, Pool: 128})
	x = module(x, "Mixed_4c", blocks.ChannelsBN{One: 192, ThreeBy1: 96, Three: 128, DoubleBy1: 96, Double: 128, Pool: 128})
	x = module(x, "Mixed_4d", blocks.ChannelsBN{One: 160, ThreeBy1: 128, Three: 160, DoubleBy1: 128, Double: 160, Pool: 96})
	x = module(x, "Mixed_4e", blocks.ChannelsBN{One: 96, ThreeBy1: 128, Three: 192, DoubleBy1: 160, Double: 192, Pool: 96})
	x = o.end("Mixed_5a", b.ReduceBN(x, "Mixed_5a", blocks.ChannelsBN{ThreeBy1: 128, Three: 192, DoubleBy1: 192, Double: 256}))
	x = module(x, "Mixed_5b", blocks.ChannelsBN{One: 352, ThreeBy1: 192, Three: 320, DoubleBy1: 160, Double: 224, Pool: 128})
	x = module(x, "Mixed_5c", blocks.ChannelsBN{One: 352, ThreeBy1: 192, Three: 320, DoubleBy1: 192, Double: 224, Pool: 128, MaxPool: true})
	o.features, o.logits = b.Head(x, "fc", s.Classes, s.Dropout)
	return o
}
