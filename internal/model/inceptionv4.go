package model

import (
	"fmt"

	"github.com/inception-go/inception/internal/blocks"
	"gorgonia.org/gorgonia"
)

// inceptionV4 is timm's inception_v4 (Szegedy et al., arXiv 1602.07261, fig. 9).
var inceptionV4 = Architecture{
	Name: InceptionV4, About: "timm's inception_v4",
	Default:   publishedV4,
	StemConvs: []string{"3x3"}, AuxHeads: []string{AuxNone},
	Fixed:      append([]string{"stem.pool", "aux_dropout"}, structureKeys...),
	Classifier: "last_linear", Twin: Twin{"timm", "inception_v4", publishedV4},
	Mark: "features.4.branch0.0.conv.weight", Telltale: "its layers are Inception-v4's",
	recognise: func(*Spec, func(string) bool) bool { return true },
	build:     buildInceptionV4,
}

var publishedV4 = published(InceptionV4, func(s *Spec) {
	s.Aux = AuxNone
	s.Asymmetric7x7, s.Expanded8x8 = false, false
})

func buildInceptionV4(s Spec, b *blocks.Builder, image *gorgonia.Node) (o outputs) {
	x := b.StemV4(image, s.Stem.Stride, o.end)
	at := 6 // numbering continues from the stem
	modules := func(count int, module func(x *gorgonia.Node, name string) *gorgonia.Node) {
		for range count {
			name := fmt.Sprintf("features.%d", at)
			x = o.end(name, module(x, name))
			at++
		}
	}
	modules(4, b.InceptionA)
	modules(1, b.ReductionA)
	modules(7, b.InceptionB)
	modules(1, b.ReductionB)
	modules(3, b.InceptionC)
	o.features, o.logits = b.Head(x, "last_linear", s.Classes, s.Dropout)
	return o
}
