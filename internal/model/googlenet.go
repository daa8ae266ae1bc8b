package model

import (
	"github.com/inception-go/inception/internal/blocks"
	"gorgonia.org/gorgonia"
)

// googLeNet builds torchvision's GoogLeNet (Szegedy et al., arXiv 1409.4842,
// table 1, with batch norm).
func (s Spec) googLeNet(b *blocks.Builder, image *gorgonia.Node) (o outputs) {
	module := func(x *gorgonia.Node, name string, c blocks.ChannelsV1) *gorgonia.Node {
		return o.end(name, b.InceptionV1(x, name, c))
	}
	pair := func(reduce, k int) [2]int { return [2]int{reduce, k} }

	x := b.StemV1(image, blocks.StemOptions{Stride: s.Stem.Stride, Pool: s.Stem.Pool})
	x = module(x, "inception3a", blocks.ChannelsV1{One: 64, Three: pair(96, 128), Five: pair(16, 32), Pool: 32})
	x = module(x, "inception3b", blocks.ChannelsV1{One: 128, Three: pair(128, 192), Five: pair(32, 96), Pool: 64})
	x = b.ReduceV1(x, "maxpool3", 3)
	x = module(x, "inception4a", blocks.ChannelsV1{One: 192, Three: pair(96, 208), Five: pair(16, 48), Pool: 64})
	early := x
	x = module(x, "inception4b", blocks.ChannelsV1{One: 160, Three: pair(112, 224), Five: pair(24, 64), Pool: 64})
	x = module(x, "inception4c", blocks.ChannelsV1{One: 128, Three: pair(128, 256), Five: pair(24, 64), Pool: 64})
	x = module(x, "inception4d", blocks.ChannelsV1{One: 112, Three: pair(144, 288), Five: pair(32, 64), Pool: 64})
	late := x
	x = module(x, "inception4e", blocks.ChannelsV1{One: 256, Three: pair(160, 320), Five: pair(32, 128), Pool: 128})
	x = b.ReduceV1(x, "maxpool4", 2)
	x = module(x, "inception5a", blocks.ChannelsV1{One: 256, Three: pair(160, 320), Five: pair(32, 128), Pool: 128})
	x = module(x, "inception5b", blocks.ChannelsV1{One: 384, Three: pair(192, 384), Five: pair(48, 128), Pool: 128})
	if b.Train && s.Aux != AuxNone {
		if s.AuxEarly {
			o.aux = append(o.aux, b.AuxHeadV1(early, "aux1", s.Classes, s.AuxDropout))
		}
		o.aux = append(gorgonia.Nodes{b.AuxHeadV1(late, "aux2", s.Classes, s.AuxDropout)}, o.aux...)
	}
	o.features, o.logits = b.Head(x, s.Classes, s.Dropout)
	return o
}
