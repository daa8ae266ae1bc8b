package model

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestEveryLayerAndModuleIsAnEndPoint(t *testing.T) {
	spec, w := smallest(t)
	layers, err := Layers(spec)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][3]int{}
	var names []string
	for _, l := range layers {
		if !l.Aux && l.Op != "dropout" {
			want[l.Name] = l.Output
			names = append(names, l.Name)
		}
	}
	net, err := Build(spec, w, 2, Eval, Options{Keep: names})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	if err := net.Forward(make([]float32, 2*3*smallSize*smallSize)); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, net.Points()...) {
		values, shape, err := net.Point(name)
		if err != nil {
			t.Fatal(err)
		}
		if output, ok := want[name]; ok && shape != output {
			t.Errorf("%s is %v, want %v", name, shape, output)
		}
		if len(values) != 2*shape[0]*shape[1]*shape[2] {
			t.Errorf("%s of shape %v has %d values", name, shape, len(values))
		}
	}
	if _, err := Build(spec, w, 1, Eval, Options{Keep: []string{"Mixed_9z"}}); err == nil || !strings.Contains(err.Error(), "Mixed_5b, Mixed_5c") {
		t.Errorf("an unknown layer: %v", err)
	}
}

func TestABranchIsItsPartOfTheModule(t *testing.T) {
	spec, w := smallest(t)
	net, err := Build(spec, w, 2, Eval, Options{Keep: []string{"Mixed_5b.branch1x1", "Mixed_5b"}})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	net.Plan.Poison()
	images := make([]float32, 2*3*smallSize*smallSize)
	for i := range images {
		images[i] = float32(math.Sin(float64(i)))
	}
	if err := net.Forward(images); err != nil {
		t.Fatal(err)
	}
	branch, b, err := net.Point("Mixed_5b.branch1x1")
	if err != nil {
		t.Fatal(err)
	}
	module, m, err := net.Point("Mixed_5b")
	if err != nil {
		t.Fatal(err)
	}
	perBranch, perModule := b[0]*b[1]*b[2], m[0]*m[1]*m[2]
	for image := range 2 {
		if !slices.Equal(branch[image*perBranch:][:perBranch], module[image*perModule:][:perBranch]) {
			t.Errorf("image %d: the branch is not the module's beginning", image)
		}
	}
	if slices.Max(branch) <= 0 {
		t.Error("all values are zero")
	}
}

func TestInferenceTakesSizesThatAuxiliaryHeadsDoNot(t *testing.T) {
	spec, w := smallest(t)
	spec.InputSize = smallSize - 10
	if _, err := Build(spec, w, 1, Train, Options{}); err == nil || !strings.Contains(err.Error(), "AuxLogits") {
		t.Errorf("training at %d: %v", spec.InputSize, err)
	}
	net, err := Build(spec, w, 1, Eval, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	if err := net.Forward(make([]float32, 3*spec.InputSize*spec.InputSize)); err != nil {
		t.Error(err)
	}
}
