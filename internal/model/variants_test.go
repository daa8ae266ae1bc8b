package model

import (
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model/modeltest"
	"github.com/inception-go/inception/internal/ops"
)

// TestVariantCounts checks the networks that are not in Table 3: parameters
// without and with auxiliary heads, and multiply-adds.
func TestVariantCounts(t *testing.T) {
	for _, test := range []struct {
		name            string
		variant         string
		change          func(*Spec)
		params, withAux int
		macs            int64
	}{
		{"table 1", V2Table1, nil, 24_263_240, 27_589_168, 5_864_860_256},
		{"table 1 with the 5x5 tower", V2Table1, func(s *Spec) { s.Tower3x3 = false }, 24_410_696, 27_736_624, 6_045_493_856},
		{"bn-inception", BNInception, nil, 11_178_336, 11_178_336, 1_934_857_216},
		{"bn-inception with a plain 7x7", BNInception, func(s *Spec) { s.Stem.Conv = "7x7" }, 11_185_032, 11_185_032, 2_018_851_840},
		{"googlenet", GoogLeNet, nil, 6_624_904, 13_004_888, 1_498_376_192},
		{"inception-v4", InceptionV4, nil, 42_679_816, 42_679_816, 12_253_974_624},
		{"googlenet without heads", GoogLeNet, func(s *Spec) { s.Aux, s.AuxEarly = AuxNone, false }, 6_624_904, 6_624_904, 1_498_376_192},
	} {
		t.Run(test.name, func(t *testing.T) {
			spec, err := DefaultSpec(test.variant)
			if err != nil {
				t.Fatal(err)
			}
			spec.Classes = 1000
			if test.change != nil {
				test.change(&spec)
			}
			if err := spec.Validate(); err != nil {
				t.Error(err)
			}
			layers, err := Layers(spec)
			if err != nil {
				t.Fatal(err)
			}
			if params, withAux := Params(layers, false), Params(layers, true); params != test.params || withAux != test.withAux {
				t.Errorf("%d parameters, %d with auxiliary heads, want %d and %d", params, withAux, test.params, test.withAux)
			}
			if got := MACs(layers); got != test.macs {
				t.Errorf("%d multiply-adds, want %d", got, test.macs)
			}
		})
	}
}

// TF-slim's inception_v2_base has 10,173,112 variables, moving averages
// included: 10,143,384 weights, 64 biases and three for each of 9,888
// normalised channels, which have no gamma.
func TestSlimsInceptionV2HasNoOtherVariables(t *testing.T) {
	spec, err := DefaultSpec(BNInception)
	if err != nil {
		t.Fatal(err)
	}
	spec.Classes = 1
	layers, err := Layers(spec)
	if err != nil {
		t.Fatal(err)
	}
	count := map[ops.Kind]int{}
	all := 0
	for _, l := range layers {
		for _, p := range l.Params {
			if !strings.HasPrefix(p.Name, "fc.") {
				count[p.Kind] += p.Count()
				all += p.Count()
			}
		}
	}
	weights := count[ops.ConvWeight] + count[ops.ImageWeight] + count[ops.SeparableWeight]
	if all != 10_173_112 || weights != 10_143_384 || count[ops.Bias] != 64 || count[ops.Gamma] != 0 ||
		count[ops.Beta] != 9888 || count[ops.RunningMean] != 9888 || count[ops.RunningVar] != 9888 {
		t.Errorf("%d variables, %d weights, by kind %v", all, weights, count)
	}
}

// A layer that a variant does not have has no setting either.
func TestVariantsRefuseSwitchesThatTheyLack(t *testing.T) {
	for _, test := range []struct {
		variant string
		change  func(*Spec)
		want    string // in the error; empty if there is none
	}{
		{GoogLeNet, func(s *Spec) { s.Factorized5x5 = true }, "model.factorized_5x5"},
		{GoogLeNet, func(s *Spec) { s.GridReduction = "efficient" }, "model.grid_reduction"},
		{GoogLeNet, func(s *Spec) { s.Aux = AuxPlain }, "model.aux: must be one of none, batch_norm"},
		{GoogLeNet, func(s *Spec) { s.Stem.Conv = "3x3" }, "model.stem.conv"},
		{GoogLeNet, func(s *Spec) { s.AuxEarly = false }, ""},
		{BNInception, func(s *Spec) { s.Aux = AuxBatchNorm }, "model.aux"},
		{GoogLeNet, func(s *Spec) { s.AvgPoolCountIncludePad = true }, "model.avgpool_count_include_pad"},
		{BNInception, func(s *Spec) { s.Tower3x3 = true }, "model.tower_3x3"},
		{BNInception, func(s *Spec) { s.AuxDropout = 0.5 }, "model.aux_dropout"},
		{BNInception, func(s *Spec) { s.AvgPoolCountIncludePad = true }, ""},
		{V3, func(s *Spec) { s.Stem.Conv = "separable" }, "model.stem.conv"},
		{InceptionV4, func(s *Spec) { s.Stem.Pool = false }, "model.stem.pool"},
		{InceptionV4, func(s *Spec) { s.Aux = AuxPlain }, "model.aux"},
		{InceptionV4, func(s *Spec) { s.Stem.Stride, s.AvgPoolCountIncludePad = 1, true }, ""},
		{V2Table1, func(s *Spec) { s.Stem.Conv, s.Expanded8x8 = "7x7", false }, ""},
	} {
		spec, err := DefaultSpec(test.variant)
		if err != nil {
			t.Fatal(err)
		}
		test.change(&spec)
		err = spec.Validate()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), test.want)) {
			t.Errorf("%s %+v: error is %v, want %q", test.variant, spec, err, test.want)
		}
	}
}

// Dropout in an auxiliary head changes with the step and affects nothing else;
// the heads choose independently.
func TestAuxiliaryDropout(t *testing.T) {
	spec, err := DefaultSpec(GoogLeNet)
	if err != nil {
		t.Fatal(err)
	}
	spec.Classes, spec.InputSize, spec.Width, spec.Dropout = 4, 48, 0.1, 0
	w, err := NewWeights(spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	n, err := Build(spec, w, 2, Train, Options{AuxWeight: 0.3})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	images := modeltest.Uniform("image", 2*3*48*48)
	run := func(step uint64) (logits [3][]float32) {
		if _, err := n.Step(images, kernel.Labels{Class: []int{0, 3}}, step); err != nil {
			t.Fatal(err)
		}
		return [3][]float32{slices.Clone(n.Logits()), slices.Clone(rows(n.out.aux[0], 4)), slices.Clone(rows(n.out.aux[1], 4))}
	}
	first, again, next := run(0), run(0), run(1)
	for i, name := range []string{"logits", "aux2", "aux1"} {
		if !slices.Equal(first[i], again[i]) {
			t.Errorf("%s of one step differ", name)
		}
		if same := slices.Equal(first[i], next[i]); same != (name == "logits") {
			t.Errorf("%s of two steps are the same: %t", name, same)
		}
	}
}

// The halves of a separable convolution are two layers, one after the other,
// although one node computes both.
func TestSeparableConvolutionIsWiredAsTwoLayers(t *testing.T) {
	spec, err := DefaultSpec(BNInception)
	if err != nil {
		t.Fatal(err)
	}
	spec.Classes, spec.InputSize, spec.Width = 4, 48, 0.1
	w, err := NewWeights(spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	n, err := Build(spec, w, 1, Eval, Options{Keep: []string{"Conv2d_1a_7x7.pointwise"}})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if err := n.Forward(modeltest.Uniform("image", 3*48*48)); err != nil {
		t.Fatal(err)
	}
	if _, shape, err := n.Point("Conv2d_1a_7x7.pointwise"); err != nil || shape != [3]int{16, 24, 24} {
		t.Errorf("its output is %v, %v", shape, err)
	}
	layers := n.Layers()
	d, p, pool := layers[0], layers[1], layers[2]
	if d.Name != "Conv2d_1a_7x7.depthwise" || d.Groups != 3 || d.ReLU || !slices.Equal(d.Inputs, []int{-1}) ||
		d.PadH != 2 || d.PadW != 2 || d.MoreH != 1 || d.MoreW != 1 || d.Output != [3]int{15, 24, 24} {
		t.Errorf("the first layer is %+v", d)
	}
	if p.Name != "Conv2d_1a_7x7.pointwise" || p.Groups > 1 || !p.ReLU || !slices.Equal(p.Inputs, []int{0}) || p.Output != [3]int{16, 24, 24} {
		t.Errorf("the second layer is %+v", p)
	}
	if pool.Op != "max_pool" || !slices.Equal(pool.Inputs, []int{1}) || pool.PadH != 0 || pool.PadW != 0 || pool.MoreH != 1 || pool.MoreW != 1 {
		t.Errorf("the third layer is %+v", pool)
	}
}
