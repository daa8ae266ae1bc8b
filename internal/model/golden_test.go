package model

import (
	"cmp"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model/modeltest"
)

// golden holds what PyTorch computes in float64 from weights and pixels that are
// determined by their names, and how far its own float32 is from that: with
// torchvision's inception_v3, or the Variant's network of testdata/golden.py.
type golden struct {
	Variant              string
	Classes, Batch, Size int
	Labels               []int
	Deviation            struct {
		EvalLogits  float64 `json:"eval_logits_max"`
		TrainLogits float64 `json:"train_logits_max"`
		AuxLogits   float64 `json:"train_aux_logits_max"`
		EarlyLogits float64 `json:"train_aux_early_logits_max"`
		Loss        float64 `json:"loss"`
		L2          float64 `json:"grad_l2_max"`
		L2Median    float64 `json:"grad_l2_median"`
		Head        float64 `json:"grad_head_max"`
		HeadMedian  float64 `json:"grad_head_median"`
		Running     float64 `json:"running_max"`
	} `json:"torch_float32_deviation"`
	EvalLogits  [][]float64 `json:"eval_logits"`
	TrainLogits [][]float64 `json:"train_logits"`
	AuxLogits   [][]float64 `json:"train_aux_logits"`
	EarlyLogits [][]float64 `json:"train_aux_early_logits"`
	Loss        struct {
		Main, Aux float64
		Total     float64 `json:"total_aux_weight_0.4"`
	}
	GradL2   map[string]float64   `json:"grad_l2"`
	GradHead map[string][]float64 `json:"grad_head"`
	Running  map[string]struct {
		L2   float64
		Head []float64
	} `json:"running_after_one_step"`
	Params           int `json:"param_count"`
	ParamsWithoutAux int `json:"param_count_without_aux"`
}

// paths are deviations that the golden files do not contain, from PyTorch 1.13
// with the same weights and images: how far its auxiliary logits and its loss are
// from float64, as the median of its three CPU paths (oneDNN, native,
// channels_last). The distance of a single number is luck: over paths and cases
// the loss's ranges from 3.8e-7 to 8.7e-5.
var paths = map[int]struct{ aux, loss float64 }{
	1000: {1.39e-4, 6.28e-5},
	10:   {4.34e-5, 5.58e-6},
	5:    {4.80e-5, 1.82e-5},
}

// TestGoldenPyTorch compares our float32 with float64: it may be at most three
// times as far from it as PyTorch's float32.
func TestGoldenPyTorch(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		if !strings.Contains(file, "_10classes") && os.Getenv("INCEPTION_LONG") == "" {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) { testGolden(t, readGolden(t, file)) })
	}
}

func readGolden(t *testing.T, file string) (g golden) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	if g.Variant == "" {
		g.Variant, g.Deviation.AuxLogits, g.Deviation.Loss = V3, paths[g.Classes].aux, paths[g.Classes].loss
	}
	return g
}

func testGolden(t *testing.T, g golden) {
	spec, err := DefaultSpec(g.Variant)
	if err != nil {
		t.Fatal(err)
	}
	spec.Classes, spec.InputSize, spec.Dropout, spec.AuxDropout, spec.BNDecay = g.Classes, g.Size, 0, 0, 0.9
	spec.AvgPoolCountIncludePad = g.Variant == V3
	w, err := ZeroWeights(spec)
	if err != nil {
		t.Fatal(err)
	}
	if w.Count(true) != g.Params || w.Count(false) != g.ParamsWithoutAux {
		t.Errorf("%d and %d parameters, want %d and %d", w.Count(true), w.Count(false), g.Params, g.ParamsWithoutAux)
	}
	for _, p := range w.Params {
		if err := p.SetValues(modeltest.Values(p)); err != nil {
			t.Fatal(err)
		}
	}
	images := modeltest.Uniform("input", g.Batch*3*g.Size*g.Size)
	for i := range images {
		images[i] = 2*images[i] - 1
	}
	g.checkEval(t, spec, w, images)
	g.checkBF16(t, spec, w, images)
	g.checkTrain(t, spec, w, images)
}

func (g *golden) checkEval(t *testing.T, spec Spec, w *Weights, images []float32) {
	n, err := Build(spec, w, g.Batch, Eval, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if err := n.Forward(images); err != nil {
		t.Fatal(err)
	}
	within(t, "eval logits", relative(n.Logits(), flatten(g.EvalLogits)), g.Deviation.EvalLogits)
}

// checkBF16 holds bf16 to within 2% of the largest logit, and to the same five classes,
// but for one that lies less than 1% of that logit below the fifth. Plain Go takes
// minutes for it.
func (g *golden) checkBF16(t *testing.T, spec Spec, w *Weights, images []float32) {
	if !kernel.HasBF16() && os.Getenv("INCEPTION_LONG") == "" {
		return
	}
	n, err := Build(spec, w, g.Batch, Eval, Options{Precision: BF16})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if err := n.Forward(images); err != nil {
		t.Fatal(err)
	}
	deviation := relative(n.Logits(), flatten(g.EvalLogits))
	t.Logf("%-24s %.2e", "eval logits in bf16", deviation)
	if !(deviation <= 0.02) {
		t.Errorf("eval logits in bf16: %.2e from float64", deviation)
	}
	for i, want := range g.EvalLogits {
		logits := n.Logits()[i*g.Classes:][:g.Classes]
		got := make([]float64, g.Classes)
		for c, v := range logits {
			got[c] = float64(v)
		}
		top, wanted := topFive(got), topFive(want)
		least, tie := want[wanted[len(wanted)-1]], 0.01*largest(want)
		for _, class := range top {
			if want[class] < least-tie {
				t.Errorf("image %d: the five best are %v in bf16, want %v", i, top, wanted)
			}
		}
	}
}

// topFive returns the five classes of the largest logits, the largest first.
func topFive(logits []float64) []int {
	classes := make([]int, len(logits))
	for i := range classes {
		classes[i] = i
	}
	slices.SortFunc(classes, func(a, b int) int { return cmp.Compare(logits[b], logits[a]) })
	return classes[:min(5, len(classes))]
}

// largest returns the largest absolute value.
func largest(values []float64) (most float64) {
	for _, v := range values {
		most = max(most, math.Abs(v))
	}
	return most
}

func (g *golden) checkTrain(t *testing.T, spec Spec, w *Weights, images []float32) {
	n, err := Build(spec, w, g.Batch, Train, Options{Smoothing: kernel.Smoothing{Epsilon: 0.1}, AuxWeight: 0.4})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	loss, err := n.Step(images, kernel.Labels{Class: g.Labels}, 0)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "train logits", relative(n.TrainLogits(), flatten(g.TrainLogits)), g.Deviation.TrainLogits)
	for i, want := range g.heads() {
		within(t, "aux logits", relative(rows(n.out.aux[i], g.Classes), flatten(want.logits)), want.deviation)
	}
	within(t, "loss", math.Abs(float64(loss.Main)+0.4*float64(loss.Aux+loss.AuxEarly)-g.Loss.Total), g.Deviation.Loss)
	var l2, head []float64
	for _, grad := range n.Gradients() {
		values := grad.Param.Unpack(grad.Data)
		norm := g.GradL2[grad.Param.Name]
		if norm == 0 {
			t.Errorf("%s: PyTorch's network has no such parameter", grad.Param.Name)
			continue
		}
		l2 = append(l2, math.Abs(normOf(values)-norm)/norm)
		worst := 0.0
		for i, want := range g.GradHead[grad.Param.Name] {
			worst = math.Max(worst, math.Abs(float64(values[i])-want)/norm)
		}
		head = append(head, worst)
	}
	if len(l2) != len(g.GradL2) {
		t.Errorf("%d gradients, want %d", len(l2), len(g.GradL2))
	}
	slices.Sort(l2)
	slices.Sort(head)
	within(t, "gradient norms, max", l2[len(l2)-1], g.Deviation.L2)
	within(t, "gradient norms, median", l2[len(l2)/2], g.Deviation.L2Median)
	within(t, "first gradients, max", head[len(head)-1], g.Deviation.Head)
	within(t, "first gradients, median", head[len(head)/2], g.Deviation.HeadMedian)
	n.Follow(n.Statistics())
	g.checkRunning(t, w)
}

type goldenHead struct {
	logits    [][]float64
	deviation float64
}

// heads returns the outputs of the auxiliary heads, the later one first.
func (g *golden) heads() (heads []goldenHead) {
	for _, h := range []goldenHead{{g.AuxLogits, g.Deviation.AuxLogits}, {g.EarlyLogits, g.Deviation.EarlyLogits}} {
		if h.logits != nil {
			heads = append(heads, h)
		}
	}
	return heads
}

func (g *golden) checkRunning(t *testing.T, w *Weights) {
	worst := 0.0
	for name, want := range g.Running {
		p := w.ByName(name)
		if p == nil {
			t.Fatalf("%s is missing", name)
		}
		values, largest := p.Values(), 0.0
		for _, v := range values {
			largest = math.Max(largest, math.Abs(float64(v)))
		}
		for i, v := range want.Head {
			worst = math.Max(worst, math.Abs(float64(values[i])-v)/largest)
		}
		worst = math.Max(worst, math.Abs(normOf(values)-want.L2)/want.L2)
	}
	within(t, "running statistics", worst, g.Deviation.Running)
}

// within fails unless deviation is at most three times PyTorch's own.
func within(t *testing.T, what string, deviation, torch float64) {
	t.Helper()
	t.Logf("%-24s %.2e, PyTorch's float32 %.2e", what, deviation, torch)
	if !(deviation <= 3*torch) {
		t.Errorf("%s: %.2e from float64, PyTorch's float32 is %.2e", what, deviation, torch)
	}
}

// relative is the largest difference over the largest value.
func relative(got []float32, want []float64) float64 {
	difference, largest := 0.0, 0.0
	for i, v := range want {
		difference = math.Max(difference, math.Abs(float64(got[i])-v))
		largest = math.Max(largest, math.Abs(v))
	}
	if len(got) != len(want) {
		return math.Inf(1)
	}
	return difference / largest
}

func normOf(values []float32) float64 {
	sum := 0.0
	for _, v := range values {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

func flatten(rows [][]float64) (all []float64) {
	for _, r := range rows {
		all = append(all, r...)
	}
	return all
}
