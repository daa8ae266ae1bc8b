package bench

import (
	"context"
	"testing"
	"time"

	"github.com/inception-go/inception/internal/model"
)

// Channels that do not fill a block, unequal paddings and the halves of a
// separable convolution are timed as they run.
func TestLayersOfOddShapes(t *testing.T) {
	for variant, first := range map[string]string{
		model.BNInception: "7x7 3-64 at 24x24, stride 2",
		model.GoogLeNet:   "7x7 3-64 at 24x24, stride 2",
	} {
		spec, err := model.DefaultSpec(variant)
		if err != nil {
			t.Fatal(err)
		}
		spec.InputSize, spec.Classes = 48, 10
		r, err := Layers(context.Background(), spec, 1, model.FP32, time.Nanosecond)
		if err != nil {
			t.Fatal(err)
		}
		if r.Layers[0].Shape != first {
			t.Errorf("%s begins with %s, want %s", variant, r.Layers[0].Shape, first)
		}
		convs := 0
		for _, l := range r.Layers {
			convs += l.Repeated
			if !(l.Forward > 0) || !(l.Weights > 0) {
				t.Errorf("%s: %+v", variant, l)
			}
		}
		if want := map[string]int{model.BNInception: 69, model.GoogLeNet: 59}[variant]; convs != want {
			t.Errorf("%s has %d convolutions, want %d", variant, convs, want)
		}
	}
}

// In bf16 all passes are timed too; the image has no gradient.
func TestLayersInBF16(t *testing.T) {
	spec, err := model.DefaultSpec(model.V3)
	if err != nil {
		t.Fatal(err)
	}
	spec.InputSize, spec.Width, spec.Classes, spec.Aux = 75, 0.1, 10, model.AuxNone
	r, err := Layers(context.Background(), spec, 1, model.BF16, time.Nanosecond)
	if err != nil {
		t.Fatal(err)
	}
	if r.Precision != "bf16" || !(r.Eval > 0) || !(r.Forward > 0) || !(r.Data > 0) || !(r.Weights > 0) {
		t.Errorf("%+v", r)
	}
	for i, l := range r.Layers {
		if !(l.Eval > 0) || !(l.Forward > 0) || !(l.Weights > 0) || (l.Data > 0) == (i == 0) {
			t.Errorf("%+v", l)
		}
	}
}
