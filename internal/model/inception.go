package model

import (
	"github.com/inception-go/inception/internal/blocks"
	"gorgonia.org/gorgonia"
)

// outputs are the nodes at the end of a network.
type outputs struct {
	features *gorgonia.Node            // pooled, before dropout
	logits   *gorgonia.Node            //
	aux      []*gorgonia.Node          // auxiliary logits, the later head first; only when training
	points   map[string]*gorgonia.Node // module name to its output
	order    []string                  // of points
}

// end makes x an end point.
func (o *outputs) end(name string, x *gorgonia.Node) *gorgonia.Node {
	if o.points == nil {
		o.points = map[string]*gorgonia.Node{}
	}
	o.points[name] = x
	o.order = append(o.order, name)
	return x
}

// inception builds Inception V2 and V3 as released, with every switch of
// Spec (Szegedy et al. 2015, table 1 and section 6). Table 1 as it is printed
// has other last convolutions in the stem, and 288 channels from there on.
func (s Spec) inception(b *blocks.Builder, image *gorgonia.Node) (o outputs) {
	table1, first := s.Variant == V2Table1, 32
	if table1 {
		first = 64
	}
	aux := func(x *gorgonia.Node, name string) {
		if b.Train && s.Aux != AuxNone {
			o.aux = append([]*gorgonia.Node{b.AuxHead(x, name, s.Classes, s.Aux == AuxBatchNorm, s.AuxDropout)}, o.aux...)
		}
	}
	how := blocks.Reduction(s.GridReduction)

	x := b.Stem(image, blocks.StemOptions{SevenBySeven: s.Stem.Conv == "7x7", Stride: s.Stem.Stride, Pool: s.Stem.Pool, Table1: table1})
	x = o.end("Mixed_5b", b.Inception35(x, "Mixed_5b", first, s.Factorized5x5, s.Tower3x3))
	x = o.end("Mixed_5c", b.Inception35(x, "Mixed_5c", 64, s.Factorized5x5, s.Tower3x3))
	x = o.end("Mixed_5d", b.Inception35(x, "Mixed_5d", 64, s.Factorized5x5, s.Tower3x3))
	x = o.end("Mixed_6a", b.ReduceTo17(x, "Mixed_6a", how))
	x = o.end("Mixed_6b", b.Inception17(x, "Mixed_6b", 128, s.Asymmetric7x7))
	if s.AuxEarly {
		aux(x, "AuxLogitsEarly")
	}
	x = o.end("Mixed_6c", b.Inception17(x, "Mixed_6c", 160, s.Asymmetric7x7))
	x = o.end("Mixed_6d", b.Inception17(x, "Mixed_6d", 160, s.Asymmetric7x7))
	x = o.end("Mixed_6e", b.Inception17(x, "Mixed_6e", 192, s.Asymmetric7x7))
	if s.AuxLate {
		aux(x, "AuxLogits")
	}
	x = o.end("Mixed_7a", b.ReduceTo8(x, "Mixed_7a", how, s.Asymmetric7x7))
	x = o.end("Mixed_7b", b.Inception8(x, "Mixed_7b", s.Expanded8x8))
	x = o.end("Mixed_7c", b.Inception8(x, "Mixed_7c", s.Expanded8x8))
	o.features, o.logits = b.Head(x, s.Classes, s.Dropout)
	return o
}
