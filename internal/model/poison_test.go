package model

import (
	"slices"
	"testing"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model/modeltest"
	"github.com/inception-go/inception/internal/ops"
)

// The free memory of a whole training graph is filled with NaN, and two steps
// still give the losses and gradients of a network in which every result has its
// own memory.
func TestTrainingGraphSharesMemorySafely(t *testing.T) {
	bytes := map[Precision]int64{}
	for _, p := range []Precision{FP32, BF16} {
		t.Run(p.String(), func(t *testing.T) { bytes[p] = sharesMemorySafely(t, p) })
	}
	if bytes[BF16] > bytes[FP32]*6/10 {
		t.Errorf("%d bytes of activations in bf16, %d in float32", bytes[BF16], bytes[FP32])
	}
}

func sharesMemorySafely(t *testing.T, p Precision) (planned int64) {
	spec, _ := smallest(t)
	spec.AuxEarly = true
	labels := kernel.Labels{Class: []int{1, 7, 3}}
	images := modeltest.Uniform("input", 3*3*smallSize*smallSize)
	var want []float32
	for _, poisoned := range []bool{false, true} {
		w, err := NewWeights(spec, 1)
		if err != nil {
			t.Fatal(err)
		}
		net, err := Build(spec, w, 3, Train, Options{AuxWeight: 0.4, Smoothing: kernel.Smoothing{Epsilon: 0.1}, Precision: p})
		if err != nil {
			t.Fatal(err)
		}
		defer net.Close()
		var got []float32
		for range 2 {
			if err := ops.Feed(net.image, images); err != nil {
				t.Fatal(err)
			}
			net.labels = labels
			if poisoned {
				net.Plan.Bind() // otherwise every op allocates its own memory
				net.Plan.Poison()
			}
			net.machine.Reset()
			if err := net.machine.RunAll(); err != nil {
				t.Fatal(err)
			}
			for _, loss := range net.losses {
				got = append(got, loss.Value().Data().(float32))
			}
			for _, g := range net.Gradients() {
				got = append(got, g.Data...)
			}
		}
		if !poisoned {
			want = got
		} else if !slices.Equal(got, want) {
			t.Error("shared memory changes the gradients")
		}
		planned = net.Plan.Bytes
	}
	return planned
}
