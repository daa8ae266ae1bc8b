package model

import (
	"github.com/inception-go/inception/internal/blocks"
	"gorgonia.org/gorgonia"
)

// outputs are the nodes at the end of a network.
type outputs struct {
	features *gorgonia.Node            // pooled, before dropout
	logits   *gorgonia.Node            //
	aux      []*gorgonia.Node          // auxiliary logits, the later head first; only in training
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

// inceptionMark is in files of all networks of the paper, and in BN-Inception's.
const inceptionMark = "Mixed_5b.branch1x1.conv.weight"

// The networks of Szegedy et al. 2015: the first and the last row of Table 3,
// and Table 1 as it is printed.
var (
	v3 = Architecture{
		Name:      V3,
		Default:   published(V3, func(*Spec) {}),
		StemConvs: []string{"3x3", "7x7"}, AuxHeads: []string{AuxNone, AuxPlain, AuxBatchNorm},
		Classifier: "fc", Twin: torchvisionV3(V3),
		Mark: inceptionMark, Telltale: "its layers are Inception V3's",
		recognise: func(s *Spec, has func(string) bool) bool {
			return !has("Conv2d_4b_3x3.conv.weight") && !has("Conv2d_1a_7x7.conv.weight") && switches(s, has)
		},
		build: buildInception,
	}
	v2 = Architecture{
		Name:      V2,
		Default:   published(V2, func(s *Spec) { s.Stem.Conv, s.Aux = "7x7", AuxPlain }),
		StemConvs: v3.StemConvs, AuxHeads: v3.AuxHeads,
		Classifier: "fc", Twin: torchvisionV3(V2), // V2 is V3 with other switches
		Mark: inceptionMark, Telltale: "its first convolution is 7x7",
		recognise: func(s *Spec, has func(string) bool) bool {
			return !has("Conv2d_4b_3x3.conv.weight") && has("Conv2d_1a_7x7.conv.weight") && switches(s, has)
		},
		build: buildInception,
	}
	v2Table1 = Architecture{
		Name: V2Table1, About: "the paper's Table 1 read literally",
		Default:   published(V2Table1, func(s *Spec) { s.Tower3x3, s.Aux = true, AuxPlain }),
		StemConvs: v3.StemConvs, AuxHeads: v3.AuxHeads, Fixed: []string{"stem.last_pool"},
		Classifier: "fc", Twin: torchvisionV3(V3),
		Mark: inceptionMark, Telltale: "its stem is that of the paper's Table 1",
		recognise: func(s *Spec, has func(string) bool) bool {
			return has("Conv2d_4b_3x3.conv.weight") && switches(s, has)
		},
		build: buildInception,
	}
)

// torchvisionV3 is torchvision's inception_v3, described as a structure of a variant.
func torchvisionV3(variant string) Twin {
	return Twin{"torchvision", "inception_v3", published(variant, func(s *Spec) { s.AvgPoolCountIncludePad = true })}
}

// switches sets the settings by the names of layers. The average pools of files
// with torchvision's names count their padding.
func switches(s *Spec, has func(string) bool) bool {
	if has("Conv2d_1a_7x7.conv.weight") {
		s.Stem.Conv = "7x7"
	}
	s.Tower3x3 = has("Mixed_5b.branch3x3_2.conv.weight")
	s.Factorized5x5 = has("Mixed_5b.branch3x3dbl_3.conv.weight")
	s.Asymmetric7x7 = has("Mixed_6b.branch7x7dbl_5.conv.weight")
	s.Expanded8x8 = has("Mixed_7b.branch3x3_2a.conv.weight")
	s.AuxEarly = has("AuxLogitsEarly.conv0.conv.weight")
	s.AuxLate = has("AuxLogits.conv0.conv.weight") || !s.AuxEarly
	switch {
	case has("AuxLogits.conv1.bn.weight") || has("AuxLogitsEarly.conv1.bn.weight"):
		s.Aux = AuxBatchNorm
	case has("AuxLogits.conv1.conv.bias") || has("AuxLogitsEarly.conv1.conv.bias"):
		s.Aux = AuxPlain
	default:
		s.Aux = AuxNone
	}
	s.AvgPoolCountIncludePad = true
	for grid, first := range []string{"Mixed_5b", "Mixed_6b", "Mixed_7b"} {
		for s.Depth[grid] = 1; s.Depth[grid] < mostModules &&
			has(module(first, s.Depth[grid])+".branch1x1.conv.weight"); s.Depth[grid]++ {
		}
	}
	return !has(bnMark)
}

// buildInception builds Inception V2 and V3 as released, with every setting of
// Spec (Szegedy et al. 2015, table 1 and section 6). Table 1 as printed has other
// last convolutions in the stem, and 288 channels after it.
func buildInception(s Spec, b *blocks.Builder, image *gorgonia.Node) (o outputs) {
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

	x := b.Stem(image, blocks.StemOptions{SevenBySeven: s.Stem.Conv == "7x7", Stride: s.Stem.Stride, Pool: s.Stem.Pool,
		LastPool: s.Stem.LastPool, Table1: table1})
	for i := range s.Depth[0] {
		pool := 64
		if i == 0 {
			pool = first
		}
		name := module("Mixed_5b", i)
		x = o.end(name, b.Inception35(x, name, pool, s.Factorized5x5, s.Tower3x3))
	}
	x = o.end("Mixed_6a", b.ReduceTo17(x, "Mixed_6a", how))
	for i := range s.Depth[1] {
		name := module("Mixed_6b", i)
		x = o.end(name, b.Inception17(x, name, inside17(i, s.Depth[1]), s.Asymmetric7x7))
		if i == 0 && s.AuxEarly {
			aux(x, "AuxLogitsEarly")
		}
	}
	if s.AuxLate {
		aux(x, "AuxLogits")
	}
	x = o.end("Mixed_7a", b.ReduceTo8(x, "Mixed_7a", how, s.Asymmetric7x7))
	for i := range s.Depth[2] {
		name := module("Mixed_7b", i)
		x = o.end(name, b.Inception8(x, name, s.Expanded8x8))
	}
	o.features, o.logits = b.Head(x, "fc", s.Classes, s.Dropout)
	return o
}

// module names the module that follows the first one of a grid after so many.
func module(first string, after int) string {
	end := len(first) - 1
	return first[:end] + string(rune(int(first[end])+after))
}

// inside17 returns the channels inside the towers of a module of the 17x17 grid:
// few in the first, which has the richest input for its place, many in the last.
func inside17(i, modules int) int {
	switch i {
	case modules - 1:
		return 192
	case 0:
		return 128
	}
	return 160
}
