package model

import (
	"slices"
	"testing"

	"github.com/inception-go/inception/internal/model/modeltest"
)

// A network in bf16 has half the activations, shares memory safely, and gives at
// every layer what one in float32 gives, up to bf16's rounding.
func TestANetworkInBF16ComputesWhatFloat32DoesInHalfTheMemory(t *testing.T) {
	spec, w := smallest(t)
	images := modeltest.Uniform("input", 2*3*smallSize*smallSize)
	var names []string
	layers, err := Layers(spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		if !l.Aux && l.Op != "dropout" {
			names = append(names, l.Name)
		}
	}
	build := func(o Options) *Network {
		net, err := Build(spec, w, 2, Eval, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { net.Close() })
		return net
	}
	forward := func(net *Network) *Network {
		if err := net.Forward(images); err != nil {
			t.Fatal(err)
		}
		return net
	}
	exact, half := forward(build(Options{Keep: names})), forward(build(Options{Keep: names, Precision: BF16}))
	for _, name := range names {
		want, _, err := exact.Point(name)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := half.Point(name)
		if err != nil {
			t.Fatal(err)
		}
		if d := relative(got, float64s(want)); !(d < 0.06) {
			t.Errorf("%s in bf16 is off by %.3f of its largest value", name, d)
		}
	}
	poisoned := build(Options{Precision: BF16})
	poisoned.Plan.Bind()
	poisoned.Plan.Poison()
	for range 2 {
		if got := forward(poisoned).Logits(); !slices.Equal(got, half.Logits()) {
			t.Errorf("shared memory changes the logits: %v, want %v", got, half.Logits())
		}
	}
	if full := build(Options{}).Plan.Bytes; poisoned.Plan.Bytes > full*6/10 {
		t.Errorf("%d bytes of activations, %d in float32", poisoned.Plan.Bytes, full)
	}
}

// Both precisions keep folded weights of their own, and Refresh reaches both.
func TestPrecisionsDoNotShareFoldedWeights(t *testing.T) {
	spec, w := smallest(t)
	images := modeltest.Uniform("input", 3*smallSize*smallSize)
	logits := map[Precision][]float32{}
	for range 2 {
		for _, p := range []Precision{FP32, BF16, FP32, BF16} {
			net, err := Build(spec, w, 1, Eval, Options{Precision: p})
			if err != nil {
				t.Fatal(err)
			}
			if err := net.Forward(images); err != nil {
				t.Fatal(err)
			}
			if before := logits[p]; before != nil && !slices.Equal(before, net.Logits()) {
				t.Errorf("%v: %v, then %v", p, before, net.Logits())
			}
			logits[p] = slices.Clone(net.Logits())
			net.Close()
		}
		for _, p := range w.Params {
			for i := range p.Data {
				p.Data[i] *= 1.25
			}
		}
		for _, p := range []Precision{FP32, BF16} {
			net, err := Build(spec, w, 1, Eval, Options{Precision: p})
			if err != nil {
				t.Fatal(err)
			}
			net.Refresh()
			if err := net.Forward(images); err != nil {
				t.Fatal(err)
			}
			if slices.Equal(net.Logits(), logits[p]) {
				t.Errorf("%v does not see new weights", p)
			}
			logits[p] = slices.Clone(net.Logits())
			net.Close()
		}
	}
}

func float64s(values []float32) (wide []float64) {
	for _, v := range values {
		wide = append(wide, float64(v))
	}
	return wide
}
