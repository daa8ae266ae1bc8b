package model

import (
	"github.com/inception-go/inception/internal/blocks"
	"gorgonia.org/gorgonia"
)

// googLeNet is torchvision's GoogLeNet (Szegedy et al., arXiv 1409.4842, table 1,
// with batch norm). All pools inside its modules take maxima.
var googLeNet = Architecture{
	Name: GoogLeNet, About: "torchvision's",
	Default:    publishedGoogLeNet,
	StemConvs:  []string{"7x7"},
	AuxHeads:   []string{AuxNone, AuxBatchNorm},
	Fixed:      append([]string{"avgpool_count_include_pad"}, structureKeys...),
	Classifier: "fc", Twin: Twin{"torchvision", "googlenet", publishedGoogLeNet},
	Mark: "inception3a.branch1.conv.weight", Telltale: "its layers are GoogLeNet's",
	recognise: func(s *Spec, has func(string) bool) bool {
		s.AuxEarly, s.AuxLate = has("aux1.conv.conv.weight"), has("aux2.conv.conv.weight")
		if !s.AuxEarly && !s.AuxLate {
			s.Aux, s.AuxLate = AuxNone, true
		}
		return true
	},
	build: buildGoogLeNet,
}

var publishedGoogLeNet = published(GoogLeNet, func(s *Spec) {
	s.InputSize, s.Stem.Conv, s.AuxEarly, s.AuxDropout, s.BNDecay = 224, "7x7", true, 0.7, 0.9
	s.Factorized5x5, s.Asymmetric7x7, s.Expanded8x8 = false, false, false
	s.GridReduction = string(blocks.PoolFirst)
})

func buildGoogLeNet(s Spec, b *blocks.Builder, image *gorgonia.Node) (o outputs) {
	module := func(x *gorgonia.Node, name string, c blocks.ChannelsV1) *gorgonia.Node {
		return o.end(name, b.InceptionV1(x, name, c))
	}
	x := b.StemV1(image, blocks.StemOptions{Stride: s.Stem.Stride, Pool: s.Stem.Pool})
	x = module(x, "inception3a", blocks.ChannelsV1{One: 64, ThreeBy1: 96, Three: 128, FiveBy1: 16, Five: 32, Pool: 32})
	x = module(x, "inception3b", blocks.ChannelsV1{One: 128, ThreeBy1: 128, Three: 192, FiveBy1: 32, Five: 96, Pool: 64})
	x = b.ReduceV1(x, "maxpool3", 3)
	x = module(x, "inception4a", blocks.ChannelsV1{One: 192, ThreeBy1: 96, Three: 208, FiveBy1: 16, Five: 48, Pool: 64})
	early := x
	x = module(x, "inception4b", blocks.ChannelsV1{One: 160, ThreeBy1: 112, Three: 224, FiveBy1: 24, Five: 64, Pool: 64})
	x = module(x, "inception4c", blocks.ChannelsV1{One: 128, ThreeBy1: 128, Three: 256, FiveBy1: 24, Five: 64, Pool: 64})
	x = module(x, "inception4d", blocks.ChannelsV1{One: 112, ThreeBy1: 144, Three: 288, FiveBy1: 32, Five: 64, Pool: 64})
	late := x
	x = module(x, "inception4e", blocks.ChannelsV1{One: 256, ThreeBy1: 160, Three: 320, FiveBy1: 32, Five: 128, Pool: 128})
	x = b.ReduceV1(x, "maxpool4", 2)
	x = module(x, "inception5a", blocks.ChannelsV1{One: 256, ThreeBy1: 160, Three: 320, FiveBy1: 32, Five: 128, Pool: 128})
	x = module(x, "inception5b", blocks.ChannelsV1{One: 384, ThreeBy1: 192, Three: 384, FiveBy1: 48, Five: 128, Pool: 128})
	if b.Train && s.Aux != AuxNone {
		if s.AuxEarly {
			o.aux = append(o.aux, b.AuxHeadV1(early, "aux1", s.Classes, s.AuxDropout))
		}
		if s.AuxLate {
			o.aux = append(gorgonia.Nodes{b.AuxHeadV1(late, "aux2", s.Classes, s.AuxDropout)}, o.aux...)
		}
	}
	o.features, o.logits = b.Head(x, "fc", s.Classes, s.Dropout)
	return o
}
