package model

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

// Networks of several sizes over the same weights fold them once, even if they
// start at the same time, and all see the effect of Refresh.
func TestNetworksShareFoldedWeights(t *testing.T) {
	spec, w := smallest(t)
	images := make([]float32, 2*3*smallSize*smallSize)
	for i := range images {
		images[i] = float32(i%17)/8 - 1
	}
	nets := make([]*Network, 3)
	logits := func() [][]float32 {
		all := make([][]float32, len(nets))
		var wg sync.WaitGroup
		for i, net := range nets {
			wg.Go(func() {
				if err := net.Forward(images); err != nil {
					t.Error(err)
				}
				all[i] = net.Logits()
			})
		}
		wg.Wait()
		return all
	}
	for i := range nets {
		var err error
		if nets[i], err = Build(spec, w, 2, Eval, Options{}); err != nil {
			t.Fatal(err)
		}
		defer nets[i].Close()
	}
	before := logits()
	convs := 0
	for _, l := range nets[0].Layers() {
		if l.Op == "conv" {
			convs++
		}
	}
	if folds := w.folds.Len(); folds != convs {
		t.Errorf("%d weights are folded for %d convolutions of %d networks", folds, convs, len(nets))
	}
	for _, p := range w.Params {
		for i := range p.Data {
			p.Data[i] *= 1.25
		}
	}
	nets[0].Refresh()
	after := logits()
	for i := range nets {
		if !slices.Equal(before[i], before[0]) || !slices.Equal(after[i], after[0]) || slices.Equal(before[i], after[i]) {
			t.Errorf("network %d: %v, then %v", i, before[i][:3], after[i][:3])
		}
	}
}

// Networks of other batches have the weights in other layouts.
func TestOneNetworkRefreshesAllOfItsWeights(t *testing.T) {
	spec, w := smallest(t)
	forward := func(net *Network) []float32 {
		if err := net.Forward(waves(net.Batch, smallSize)); err != nil {
			t.Fatal(err)
		}
		return slices.Clone(net.Logits())
	}
	build := func(batch int) *Network {
		net, err := Build(spec, w, batch, Eval, Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = net.Close() })
		return net
	}
	one, many := build(1), build(16)
	forward(one)
	before := forward(many)
	for _, p := range w.Params {
		for i := range p.Data {
			p.Data[i] *= 1.25
		}
	}
	one.Refresh()
	if after := forward(many); slices.Equal(after, before) || !slices.Equal(after, forward(build(16))) {
		t.Errorf("logits are %v before, %v after", before[:3], after[:3])
	}
}

// A network reads a batch where it lies, and leaves it as it is.
func TestANetworkReadsTheBatchThatItIsGiven(t *testing.T) {
	spec, w := smallest(t)
	net, err := Build(spec, w, 2, Eval, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	a, b := waves(2, smallSize), make([]float32, 2*3*smallSize*smallSize)
	before := slices.Clone(a)
	var logits [3][]float32
	for i, images := range [][]float32{a, b, a} {
		if err := net.Forward(images); err != nil {
			t.Fatal(err)
		}
		logits[i] = slices.Clone(net.Logits())
	}
	if !slices.Equal(logits[0], logits[2]) || slices.Equal(logits[0], logits[1]) {
		t.Errorf("logits of a batch, of zeros and of the batch again: %v", logits)
	}
	if !slices.Equal(a, before) {
		t.Error("the batch has changed")
	}
	if err := net.Forward(a[1:]); err == nil || !strings.Contains(err.Error(), "the network takes") {
		t.Errorf("with a value too few the error is %v", err)
	}
}
