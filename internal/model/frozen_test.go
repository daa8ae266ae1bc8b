package model

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/kernel"
)

// smallSize is the smallest size that an auxiliary head accepts.
const smallSize = 107

// smallest is a V3 that builds and runs in milliseconds.
func smallest(t *testing.T) (Spec, *Weights) {
	t.Helper()
	spec, err := DefaultSpec("v3")
	if err != nil {
		t.Fatal(err)
	}
	spec.InputSize, spec.Width, spec.Classes, spec.Init = smallSize, 0.05, 10, "he"
	w, err := NewWeights(spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	return spec, w
}

func frozenBy(prefixes ...string) func(string) bool {
	return func(layer string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(layer, p) })
	}
}

// gradientOps lists the ops of n's graph that only gradients need.
func gradientOps(n *Network) (names []string) {
	for _, node := range n.Graph.AllNodes() {
		if name := fmt.Sprint(node.Op()); node.Op() != nil && strings.Contains(name, "gradient") {
			names = append(names, name)
		}
	}
	return names
}

func TestFrozenLayersAtTheStartHaveNoBackwardPass(t *testing.T) {
	spec, w := smallest(t)
	for _, c := range []struct {
		frozen []string
		early  []string // beginnings of names that gradients must not have
		late   string   // and one that they must have
	}{
		{nil, nil, "Conv2d_1a_3x3: weight gradient"},
		{[]string{"Conv2d"}, []string{"Conv2d", "maxpool"}, "Mixed_5b.branch1x1"},
		{[]string{"Conv2d", "Mixed_5"}, []string{"Conv2d", "maxpool", "Mixed_5"}, "Mixed_6a"},
		{[]string{"Conv2d", "Mixed", "AuxLogits"}, []string{"Conv2d", "maxpool", "Mixed", "AuxLogits", "avgpool"}, "fc"},
	} {
		net, err := Build(spec, w, 2, Train, Options{AuxWeight: 0.4, Frozen: frozenBy(c.frozen...)})
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, name := range gradientOps(net) {
			found = found || strings.HasPrefix(name, c.late)
			for _, early := range c.early {
				if strings.HasPrefix(name, early) {
					t.Errorf("with %v frozen there is %q", c.frozen, name)
				}
			}
		}
		if !found {
			t.Errorf("with %v frozen there is no gradient of %s", c.frozen, c.late)
		}
		net.Close()
	}
}

func TestFrozenLayersBetweenOthersPassGradientsOnOnly(t *testing.T) {
	spec, w := smallest(t)
	net, err := Build(spec, w, 2, Train, Options{AuxWeight: 0.4, Frozen: frozenBy("Mixed_6b")})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	passed := false
	for _, name := range gradientOps(net) {
		if !strings.HasPrefix(name, "Mixed_6b.") {
			continue
		}
		passed = passed || strings.HasSuffix(name, "input gradient")
		if strings.HasSuffix(name, "weight gradient") || strings.HasSuffix(name, "gradient part") {
			t.Errorf("there is %q", name)
		}
	}
	if !passed {
		t.Error("no gradient passes through Mixed_6b")
	}
	if _, err := net.Step(make([]float32, 2*3*smallSize*smallSize), kernel.Labels{Class: []int{1, 2}}, 0); err != nil {
		t.Fatal(err)
	}
	for _, g := range net.Gradients() {
		if strings.HasPrefix(g.Param.Name, "Mixed_6b.") {
			t.Errorf("%s has a gradient", g.Param.Name)
		}
	}
}

// Sibling convolutions run as one, and so do their gradients: those of frozen
// ones among them are not returned.
func TestAFrozenBranchBesideTrainedOnesHasNoGradient(t *testing.T) {
	spec, w := smallest(t)
	net, err := Build(spec, w, 2, Train, Options{AuxWeight: 0.4, Frozen: frozenBy("Mixed_7c.branch1x1", "Mixed_5b.branch_pool")})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	if _, err := net.Step(make([]float32, 2*3*smallSize*smallSize), kernel.Labels{Class: []int{1, 2}}, 0); err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, g := range net.Gradients() {
		have[g.Param.Name] = len(g.Data) == len(g.Param.Data)
	}
	for _, p := range w.Params {
		frozen := strings.HasPrefix(p.Name, "Mixed_7c.branch1x1.") || strings.HasPrefix(p.Name, "Mixed_5b.branch_pool.")
		if want := p.Trainable() && !frozen; have[p.Name] != want {
			t.Errorf("%s has a gradient: %t, want %t", p.Name, have[p.Name], want)
		}
	}
}
