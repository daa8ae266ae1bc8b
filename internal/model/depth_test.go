package model

import (
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/ops"
)

// small is V3 for small images.
func small(t *testing.T, change func(*Spec)) Spec {
	t.Helper()
	s, err := DefaultSpec(V3)
	if err != nil {
		t.Fatal(err)
	}
	s.InputSize, s.Width, s.Classes, s.Aux = 32, 0.05, 10, AuxNone
	s.Stem.Stride, s.Stem.Pool = 1, false
	change(&s)
	return s
}

func modulesOf(t *testing.T, s Spec) (names []string, layers []ops.Layer) {
	t.Helper()
	layers, err := Layers(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range Modules(layers) {
		if strings.HasPrefix(m.Name, "Mixed_") {
			names = append(names, strings.TrimPrefix(m.Name, "Mixed_"))
		}
	}
	return names, layers
}

func TestDepthCountsTheModulesOfEachGrid(t *testing.T) {
	for want, depth := range map[string][3]int{
		"5b 5c 5d 6a 6b 6c 6d 6e 7a 7b 7c":       {3, 4, 2},
		"5b 6a 6b 7a 7b":                         {1, 1, 1},
		"5b 5c 6a 6b 6c 6d 6e 6f 6g 7a 7b 7c 7d": {2, 6, 3},
	} {
		s := small(t, func(s *Spec) { s.Depth = depth })
		names, layers := modulesOf(t, s)
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%v: modules %s, want %s", depth, got, want)
		}
		var params []string
		for _, l := range layers {
			for _, p := range l.Params {
				params = append(params, p.Name)
			}
		}
		if found, _, ok := Recognise(func(name string) bool { return slices.Contains(params, name) }); !ok || found.Depth != depth {
			t.Errorf("%v: recognised by its parameters as %v", depth, found.Depth)
		}
	}
	for _, depth := range [][3]int{{0, 4, 2}, {3, 4, 21}} {
		if err := small(t, func(s *Spec) { s.Depth = depth }).Validate(); err == nil || !strings.Contains(err.Error(), "model.depth") {
			t.Errorf("%v: %v", depth, err)
		}
	}
	other, err := DefaultSpec(GoogLeNet)
	if err != nil {
		t.Fatal(err)
	}
	other.Depth[1]++
	if err := other.Validate(); err == nil || !strings.Contains(err.Error(), "googlenet has no such setting") {
		t.Errorf("GoogLeNet of another depth: %v", err)
	}
}

// The width of the towers of as many modules as published is the published one.
func TestTowersOfTheMiddleGridWiden(t *testing.T) {
	for _, want := range [][]int{{192}, {128, 192}, {128, 160, 160, 192}, {128, 160, 160, 160, 192}} {
		for i, c := range want {
			if got := inside17(i, len(want)); got != c {
				t.Errorf("module %d of %d has %d channels inside, want %d", i, len(want), got, c)
			}
		}
	}
}

func TestAStemWithoutPoolsKeepsSmallImagesLarge(t *testing.T) {
	for pool, want := range map[bool]int{true: 12, false: 26} {
		s := small(t, func(s *Spec) { s.Stem.LastPool = pool })
		_, layers := modulesOf(t, s)
		i := slices.IndexFunc(layers, func(l ops.Layer) bool { return l.Module == "Mixed_5b" })
		if got := layers[i].Output[1]; got != want {
			t.Errorf("last pool %t: the first module sees %d pixels, want %d", pool, got, want)
		}
	}
}

// With dirac a convolution's first outputs are its inputs; the others are those
// of he.
func TestDiracIsTheIdentity(t *testing.T) {
	he, err := NewWeights(small(t, func(s *Spec) { s.Init = "he" }), 1)
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWeights(small(t, func(s *Spec) { s.Init = "dirac" }), 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range w.Params {
		values, random := p.Values(), he.Params[i].Values()
		if p.Kind != ops.ConvWeight {
			if !slices.Equal(values, random) {
				t.Errorf("%s is not as with he", p.Name)
			}
			continue
		}
		inputs, r, s := p.Shape[1], p.Shape[2], p.Shape[3]
		for k, row := range slices.Collect(slices.Chunk(values, inputs*r*s)) {
			if k >= inputs {
				if !slices.Equal(row, random[k*len(row):(k+1)*len(row)]) {
					t.Errorf("%s: output %d is not as with he", p.Name, k)
				}
				continue
			}
			for at, v := range row {
				want := float32(0)
				if at == k*r*s+r/2*s+s/2 {
					want = 1
				}
				if v != want {
					t.Fatalf("%s: output %d has %g at %d, want %g", p.Name, k, v, at, want)
				}
			}
		}
	}
}
