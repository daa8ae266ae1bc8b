package figure

import (
	"flag"
	"fmt"
	"github.com/inception-go/inception/internal/ops"
	"os"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/model"
)

// structures are networks of every shape that the switches can make.
func structures(t *testing.T) map[string]model.Spec {
	t.Helper()
	all := map[string]model.Spec{}
	for _, variant := range model.Variants() {
		spec, err := model.DefaultSpec(variant)
		if err != nil {
			t.Fatal(err)
		}
		spec.Classes = 10
		all[variant] = spec
	}
	for name, change := range map[string]func(*model.Spec){
		"pool first":   func(s *model.Spec) { s.GridReduction = "pool_first" },
		"expand first": func(s *model.Spec) { s.GridReduction = "expand_first" },
		"plain": func(s *model.Spec) {
			s.Factorized5x5, s.Asymmetric7x7, s.Expanded8x8, s.Aux = false, false, false, model.AuxNone
		},
		"early head, narrow": func(s *model.Spec) { s.AuxEarly, s.Width = true, 0.25 },
	} {
		spec := all["v3"]
		change(&spec)
		all[name] = spec
	}
	return all
}

func wiredLayers(t *testing.T, spec model.Spec) []ops.Layer {
	t.Helper()
	layers, err := model.Layers(spec)
	if err != nil {
		t.Fatal(err)
	}
	return layers
}

// TestPanelsShowEveryLayerAndEveryArrow checks the layout of whole networks:
// nothing is left out, no box covers another, and arrows run upwards.
func TestPanelsShowEveryLayerAndEveryArrow(t *testing.T) {
	for name, spec := range structures(t) {
		layers := wiredLayers(t, spec)
		drawn, arrows, wanted := map[int]bool{}, 0, 0
		for _, l := range layers {
			wanted += len(l.Inputs)
		}
		for _, m := range model.Modules(layers) {
			p := layOut(layers, m)
			taken := map[string]string{}
			for _, n := range p.nodes {
				drawn[n.layer] = true
				l := layers[n.layer].Name
				if n.column < 0.5 && !n.bar || n.column > p.columns-0.5 && !n.bar {
					t.Errorf("%s: %s is outside of %g columns, at %g", name, l, p.columns, n.column)
				}
				for _, half := range []float64{-0.5, 0} { // boxes are one column wide
					place := fmt.Sprint(n.level, " ", int(2*(n.column+half)))
					if other, ok := taken[place]; ok {
						t.Errorf("%s: %s lies on %s", name, l, other)
					}
					taken[place] = l
				}
			}
			for _, e := range p.edges {
				arrows++
				if e.from.level >= e.to.level {
					t.Errorf("%s: the arrow from %d to %d does not rise", name, e.from.layer, e.to.layer)
				}
				// An arrow up a column of its own must have it for itself.
				for _, n := range p.nodes {
					if e.column != e.from.column && !n.bar && n.level > e.from.level && n.level < e.to.level && n.column == e.column {
						t.Errorf("%s: an arrow runs over %s", name, layers[n.layer].Name)
					}
				}
			}
		}
		if len(drawn) != len(layers) || arrows != wanted {
			t.Errorf("%s: %d of %d layers and %d of %d arrows are drawn", name, len(drawn), len(layers), arrows, wanted)
		}
	}
}

func TestBranchesStandInTheOrderOfTheConcatenation(t *testing.T) {
	for name, spec := range structures(t) {
		layers := wiredLayers(t, spec)
		for _, m := range model.Modules(layers) {
			p := layOut(layers, m)
			last := -1.0
			for _, e := range p.edges {
				if !e.to.bar || e.from.bar {
					continue
				}
				if e.column <= last {
					t.Errorf("%s: %s: the branch of %s stands left of the one before", name, m.Name, layers[e.from.layer].Name)
				}
				last = e.column
			}
		}
	}
}

func TestNetworksAreDrawnAsSVG(t *testing.T) {
	for name, spec := range structures(t) {
		var b strings.Builder
		layers := wiredLayers(t, spec)
		if err := WriteNetwork(&b, "a <title>", spec.InputSize, layers); err != nil {
			t.Fatal(err)
		}
		wellFormed(t, name, b.String())
		for _, m := range model.Modules(layers) {
			if !strings.Contains(b.String(), ">"+m.Name+"</text>") {
				t.Errorf("%s: %s is missing", name, m.Name)
			}
		}
		for _, want := range []string{"a &lt;title&gt;", fmt.Sprintf("Image %d×%d×3", spec.InputSize, spec.InputSize), "Filter concat ", ">3×3 stride 2</text>"} {
			if !strings.Contains(b.String(), want) && !(name == "googlenet" && strings.HasPrefix(want, ">3×3")) {
				t.Errorf("%s: %q is missing", name, want)
			}
		}
	}
}

var update = flag.Bool("update", false, "draw docs/v3.svg anew")

// TestDocumentationShowsTheNetworkAsItIs compares the picture of docs/summary.md.
func TestDocumentationShowsTheNetworkAsItIs(t *testing.T) {
	const path = "../../docs/v3.svg"
	spec := structures(t)["v3"]
	spec.Classes = 1000
	var b strings.Builder
	if err := WriteNetwork(&b, "v3, 299x299, 1000 classes: 23.83 M parameters, 5.713 GMAC", spec.InputSize, wiredLayers(t, spec)); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != b.String() {
		t.Errorf("%s is not what the network looks like (%v); run go test ./internal/figure -update", path, err)
	}
}
