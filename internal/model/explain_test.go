package model

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/model/modeltest"
)

// class is the direction of one class.
func class(c int) func(int, []float32, []float32) {
	return func(_ int, _, direction []float32) { direction[c] = 1 }
}

// The explaining network answers as inference does, though it folds nothing, and
// changes no running statistics.
func TestExplainAnswersAsEval(t *testing.T) {
	spec, w := smallest(t)
	before := w.Clone()
	images := waves(2, smallSize)
	eval, err := Build(spec, w, 2, Eval, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer eval.Close()
	if err := eval.Forward(images); err != nil {
		t.Fatal(err)
	}
	net, err := Build(spec, w, 2, Explain, Options{Keep: []string{"Mixed_7c", "Mixed_6e", "Conv2d_4a_3x3"}})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	net.Plan.Poison()
	if err := net.Score(images, class(3)); err != nil {
		t.Fatal(err)
	}
	var want []float64
	for _, v := range eval.Logits() {
		want = append(want, float64(v))
	}
	if off := relative(net.Logits(), want); off > 1e-5 {
		t.Errorf("logits are %.1e from inference's", off)
	}
	for i, p := range w.Params {
		if !slices.Equal(p.Data, before.Params[i].Data) {
			t.Errorf("%s has changed", p.Name)
		}
	}
}

// A step of the point against the gradient changes the score as it says: here
// behind the last module, where the rest of the network is linear, exactly.
func TestPointGradientBehindTheLastModuleIsTheClassifiers(t *testing.T) {
	spec, w := smallest(t)
	net, err := Build(spec, w, 2, Explain, Options{Keep: []string{"Mixed_7c"}})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	images := waves(2, smallSize)
	direction := func(row int, _, direction []float32) { direction[row], direction[7] = 1, -1 }
	if err := net.Score(images, direction); err != nil {
		t.Fatal(err)
	}
	_, shape, err := net.Point("Mixed_7c")
	if err != nil {
		t.Fatal(err)
	}
	grad, weights := net.PointGradient("Mixed_7c"), w.Classifier().Values()
	channels, pixels := shape[0], shape[1]*shape[2]
	for row := range 2 {
		for c := range channels {
			want := (weights[row*channels+c] - weights[7*channels+c]) / float32(pixels)
			for i := range pixels {
				if got := grad[(row*channels+c)*pixels+i]; math.Abs(float64(got-want)) > 1e-7 {
					t.Fatalf("image %d, channel %d: %g, want %g", row, c, got, want)
				}
			}
		}
	}
}

// Where nothing is linear behind the point, gradients agree with differences: the
// shift of a layer's batch norm moves its whole output, so the derivative by the
// shift is the sum of those by the pixels that the ReLU does not cut.
func TestPointGradientsAgreeWithDifferences(t *testing.T) {
	spec, w := smallest(t)
	const layer = "Mixed_6a.branch3x3"
	for _, p := range w.Params {
		if err := p.SetValues(modeltest.Values(p)); err != nil {
			t.Fatal(err)
		}
	}
	shift := w.ByName(layer + ".bn.bias")
	net, err := Build(spec, w, 1, Explain, Options{Keep: []string{layer}})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	images := waves(1, smallSize)
	score := func() float64 {
		if err := net.Score(images, class(2)); err != nil {
			t.Fatal(err)
		}
		return float64(net.Logits()[2])
	}
	score()
	values, shape, err := net.Point(layer)
	if err != nil {
		t.Fatal(err)
	}
	grad := net.PointGradient(layer)
	pixels := shape[1] * shape[2]
	worst, largest := 0.0, 0.0
	for channel := range shape[0] {
		sum := 0.0
		for i, g := range grad[channel*pixels:][:pixels] {
			if values[channel*pixels+i] > 0 {
				sum += float64(g)
			}
		}
		const step = 2e-3
		was := shift.Data[channel]
		shift.Data[channel] = was + step
		above := score()
		shift.Data[channel] = was - step
		difference := (above - score()) / (2 * step)
		shift.Data[channel] = was
		worst, largest = math.Max(worst, math.Abs(sum-difference)), math.Max(largest, math.Abs(difference))
	}
	if largest == 0 || worst > 0.1*largest {
		t.Errorf("the gradients sum up to what is %g from the changes of the score, of at most %g", worst, largest)
	}
}

func TestAuxiliaryHeadsExplain(t *testing.T) {
	spec, w := smallest(t)
	for head, point := range map[string]string{"": "Mixed_7c", AnyAux: "Mixed_6e", "AuxLogits": "Mixed_6e"} {
		net, err := Build(spec, w, 1, Explain, Options{Head: head})
		if err != nil {
			t.Fatal(err)
		}
		if got := net.lastPoint(); got != point {
			t.Errorf("head %q looks at %s, want %s", head, got, point)
		}
		net.Close()
	}
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Head: "AuxLogits", Keep: []string{"Mixed_7a"}}, "Mixed_7a: the answer of this head does not depend on it; the last module that it sees is Mixed_6e"},
		{Options{Head: "AuxLate"}, `no auxiliary head is called "AuxLate"; there is AuxLogits`},
		{Options{Keep: []string{"AuxLogits.conv0"}}, `no layer is called "AuxLogits.conv0"`},
		{Options{Keep: []string{"fc"}}, "is not a map"},
	} {
		if _, err := Build(spec, w, 1, Explain, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.o, err, c.want)
		}
	}
	without := spec.WithoutAux()
	plain, err := NewWeights(without, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Build(without, plain, 1, Explain, Options{Head: AnyAux}); err == nil || !strings.Contains(err.Error(), "no auxiliary head") {
		t.Errorf("without a head: %v", err)
	}
}

// Every structure can be explained at each of its modules, by each of its heads.
func TestEveryVariantExplains(t *testing.T) {
	for _, name := range Variants() {
		spec, err := DefaultSpec(name)
		if err != nil {
			t.Fatal(err)
		}
		spec.Width, spec.Classes, spec.InputSize, spec.Init = 0.05, 5, 139, "he"
		if name == GoogLeNet || name == BNInception || name == InceptionV4 {
			spec.Width = 0.1
		}
		w, err := NewWeights(spec, 1)
		if err != nil {
			t.Fatal(err)
		}
		aux, err := auxHeads(spec)
		if err != nil {
			t.Fatal(err)
		}
		for _, head := range append([]string{""}, aux...) {
			first, err := Build(spec, w, 1, Explain, Options{Head: head})
			if err != nil {
				t.Fatal(name, head, err)
			}
			last := first.lastPoint()
			points := first.Points()[:slices.Index(first.Points(), last)+1]
			first.Close()
			net, err := Build(spec, w, 1, Explain, Options{Head: head, Keep: points})
			if err != nil {
				t.Fatal(name, head, err)
			}
			if err := net.Score(waves(1, spec.InputSize), class(1)); err != nil {
				t.Fatal(name, head, err)
			}
			for _, p := range points {
				if g := net.PointGradient(p); slices.Max(g) == 0 && slices.Min(g) == 0 {
					t.Errorf("%s, head %q: no gradient at %s", name, head, p)
				}
			}
			net.Close()
		}
	}
}

// auxHeads lists the names of the auxiliary heads of spec's network, the later
// one first.
func auxHeads(spec Spec) ([]string, error) {
	layers, err := Layers(spec)
	var names []string
	for _, m := range Modules(layers) {
		if m.Aux {
			names = slices.Insert(names, 0, m.Name)
		}
	}
	return names, err
}
