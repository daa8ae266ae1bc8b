package optimize

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
)

// vector is a parameter of 16 values that weight decay applies to.
func vector(values ...float64) *ops.Param {
	p := ops.NewParam("fc.weight", ops.LinearWeight, 1, 16)
	if err := p.SetValues(floats32(values)); err != nil {
		panic(err)
	}
	return p
}

func floats32(values []float64) []float32 {
	all := make([]float32, 16)
	for i, v := range values {
		all[i] = float32(v)
	}
	return all
}

func gradientOf(p *ops.Param, values []float64) model.Gradient {
	g := model.Gradient{Param: p, Data: make([]float32, len(p.Data))}
	p.Pack(g.Data, floats32(values))
	return g
}

func expect(t *testing.T, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	for i, v := range want {
		if !(math.Abs(float64(got[i])-v) <= tolerance*math.Max(1, math.Abs(v))) {
			t.Errorf("%s: value %d is %.9g, not %.9g", what, i, got[i], v)
			return
		}
	}
}

// Computed by hand: the mean square starts at 1, eps is inside the root.
//
//	g = 2:  ms = 0.9*1 + 0.1*4 = 1.3;    mom = 0.5*2/sqrt(1.3+1);                w = 3 - mom
//	g = -1: ms = 0.9*1.3 + 0.1 = 1.27;   mom = 0.9*mom - 0.5*1/sqrt(1.27+1);     w -= mom
//	g = 0:  ms = 0.9*1.27 = 1.143;       mom = 0.9*mom;                          w -= mom
func TestRMSPropIsTensorFlows(t *testing.T) {
	o := OptimizerOptions{Name: RMSProp, Alpha: 0.9, Momentum: 0.9, BiasLRFactor: 1, LayerDecay: 1}
	w := vector(3)
	opt := NewOptimizer(o, []*ops.Param{w}, nil)
	mom1 := 0.5 * 2 / math.Sqrt(1.3+1)
	mom2 := 0.9*mom1 - 0.5*1/math.Sqrt(1.27+1)
	mom3 := 0.9 * mom2
	for i, g := range []float64{2, -1, 0} {
		opt.Update([]model.Gradient{gradientOf(w, []float64{g})}, 0.5, i+1)
		want := []float64{3 - mom1, 3 - mom1 - mom2, 3 - mom1 - mom2 - mom3}[i]
		expect(t, "weight", w.Values(), []float64{want}, 1e-6)
	}
}

func TestHeadLearnsAtItsOwnRate(t *testing.T) {
	o := OptimizerOptions{Name: SGD, HeadLRFactor: 10, LayerDecay: 1}
	head, body := vector(1), vector(1)
	head.Head = true
	opt := NewOptimizer(o, []*ops.Param{head, body}, nil)
	opt.Update([]model.Gradient{gradientOf(head, []float64{1}), gradientOf(body, []float64{1})}, 0.01, 1)
	expect(t, "head", head.Values(), []float64{0.9}, 1e-6)
	expect(t, "body", body.Values(), []float64{0.99}, 1e-6)
}

// The rates of a whole network: two modules, an auxiliary head and a stem of two
// convolutions, of which the first is a separable one.
func TestRatesFallTowardsTheImage(t *testing.T) {
	o := OptimizerOptions{Name: SGD, HeadLRFactor: 10, BiasLRFactor: 3, LayerDecay: 0.5}
	var params []*ops.Param
	add := func(kind ops.Kind, layer string, place ops.Place) {
		p := ops.NewParam(layer, kind, 16)
		p.Layer, p.Place = layer, place
		params = append(params, p)
	}
	whole := ops.Place{Whole: "Conv2d_1a"}
	add(ops.SeparableWeight, "Conv2d_1a.depthwise", whole)
	add(ops.SeparableWeight, "Conv2d_1a.pointwise", whole)
	add(ops.ConvWeight, "Conv2d_2a", ops.Place{})
	add(ops.Beta, "Conv2d_2a", ops.Place{})
	add(ops.ConvWeight, "Mixed_5b.branch1x1", ops.Place{Module: "Mixed_5b"})
	add(ops.ConvWeight, "Mixed_5b.branch_pool", ops.Place{Module: "Mixed_5b"})
	add(ops.ConvWeight, "AuxLogits.conv0", ops.Place{Module: "AuxLogits", Aux: true})
	add(ops.LinearWeight, "AuxLogits.fc", ops.Place{Module: "AuxLogits", Aux: true, Head: true})
	add(ops.ConvWeight, "Mixed_7c.branch1x1", ops.Place{Module: "Mixed_7c"})
	add(ops.Beta, "Mixed_7c.branch1x1", ops.Place{Module: "Mixed_7c"})
	add(ops.LinearWeight, "fc", ops.Place{Head: true})
	factors := o.factors(params)
	want := []float64{1. / 16, 1. / 16, 1. / 8, 3. / 8, 1. / 4, 1. / 4, 1, 10, 1. / 2, 3. / 2, 10}
	for i, p := range params {
		if factors[p] != want[i] {
			t.Errorf("%s, kind %d: factor %g, want %g", p.Layer, p.Kind, factors[p], want[i])
		}
	}
	// Who freezes a module does not make the layers below it learn faster.
	frozen := NewOptimizer(o, params, func(layer string) bool { return strings.HasPrefix(layer, "Mixed_5b") })
	for i, p := range params {
		if module := p.Module == "Mixed_5b"; (len(frozen.Slots(p)) == 0) != module || frozen.factors[p] != want[i] {
			t.Errorf("Mixed_5b frozen: %s has %d slots, factor %g", p.Layer, len(frozen.Slots(p)), frozen.factors[p])
		}
	}
}

// In float64, with the definition of the paper: k steps of SGD, one step back.
func TestLookaheadFollowsItsPaper(t *testing.T) {
	golden := readPyTorch(t)
	o := OptimizerOptions{Name: SGD, Momentum: 0.9, BiasLRFactor: 1, LayerDecay: 1, LookaheadSteps: 2, LookaheadAlpha: 0.3}
	w := vector(golden.Start...)
	opt := NewOptimizer(o, []*ops.Param{w}, nil)
	fast, slow := slices.Clone(golden.Start), slices.Clone(golden.Start)
	momentum := make([]float64, len(fast))
	for n, g := range golden.Gradients {
		opt.Update([]model.Gradient{gradientOf(w, g)}, 0.1, n+1)
		for i := range fast {
			momentum[i] = 0.9*momentum[i] + g[i]
			fast[i] -= 0.1 * momentum[i]
			if n%2 == 1 {
				slow[i] += 0.3 * (fast[i] - slow[i])
				fast[i] = slow[i]
			}
		}
		expect(t, "weights", w.Values(), fast, 2e-6)
	}
	if slots := o.Slots(); slots != 2 || len(opt.Slots(w)) != 2 {
		t.Errorf("keeps %d values, says %d", len(opt.Slots(w)), slots)
	}
}

func TestDecayComesBeforeClipping(t *testing.T) {
	w := vector(3)
	g := []model.Gradient{gradientOf(w, []float64{1, 4})}
	NewOptimizer(OptimizerOptions{Name: SGD, WeightDecay: 2.0 / 3}, nil, nil).Decay(g) // (1+2, 4), of norm 5
	if norm := Clip(g, 0, 1); math.Abs(norm-5) > 1e-6 {
		t.Errorf("the norm is %g, not 5", norm)
	}
	expect(t, "gradient", w.Unpack(g[0].Data), []float64{0.6, 0.8}, 1e-6)
}

func TestDecayLeavesBatchNormAlone(t *testing.T) {
	p := ops.NewParam("bn.weight", ops.Gamma, 16)
	p.Data = floats32([]float64{5})
	g := []model.Gradient{{Param: p, Data: make([]float32, 16)}}
	NewOptimizer(OptimizerOptions{Name: SGD, WeightDecay: 1}, nil, nil).Decay(g)
	expect(t, "gradient", g[0].Data, []float64{0}, 0)
}

func TestClipByValue(t *testing.T) {
	w := vector(0)
	g := []model.Gradient{gradientOf(w, []float64{3, -4, 0.5})}
	Clip(g, 1, 0)
	expect(t, "gradient", w.Unpack(g[0].Data), []float64{1, -1, 0.5}, 0)
	for _, lost := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		g = []model.Gradient{gradientOf(w, []float64{lost})}
		if norm := Clip(g, 1, 1); norm <= math.MaxFloat64 {
			t.Errorf("the norm with %g in it is %g", lost, norm)
		}
	}
}

// The sum is that of the tree, whatever the number of shards; and that of parts
// of the tree, computed apart, as ranks do.
func TestTreeIsFixed(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var tree, part Tree
	for shards := 1; shards <= 17; shards++ {
		values := make([]float32, shards)
		for i := range values {
			values[i] = float32(random.NormFloat64())
		}
		want := pairwise(values)
		if got := sumBy(&tree, values); got != want {
			t.Errorf("%d shards: sum %v, want %v", shards, got, want)
		}
		for own := 1; own <= 16; own *= 2 {
			var parts []float32
			for some := range slices.Chunk(values, own) {
				parts = append(parts, sumBy(&part, some))
			}
			if got := sumBy(&tree, parts); got != want {
				t.Errorf("%d shards, %d to a rank: sum %v, want %v", shards, own, got, want)
			}
		}
	}
}

func sumBy(t *Tree, values []float32) float32 {
	one := make([]float32, 1)
	for i, v := range values {
		one[0] = v
		t.Add(one, i == len(values)-1)
	}
	return one[0]
}

// pairwise adds neighbours until one value is left.
func pairwise(values []float32) float32 {
	for len(values) > 1 {
		var next []float32
		for pair := range slices.Chunk(values, 2) {
			sum := pair[0]
			if len(pair) == 2 {
				sum += pair[1]
			}
			next = append(next, sum)
		}
		values = next
	}
	return values[0]
}

func TestTreeForgetsAnUpdateThatFailed(t *testing.T) {
	var tree Tree
	tree.Add([]float32{5}, false)
	tree.Restart()
	if got := sumBy(&tree, []float32{1, 2}); got != 3 {
		t.Errorf("the sum is %v, want 3", got)
	}
}

// The warm-up gives 2/11, 3/12, 4/13 ... until the decay is smaller.
func TestAverageWarmsUp(t *testing.T) {
	p, avg := vector(1), vector(1)
	w := &model.Weights{Params: []*ops.Param{p}}
	a := Average{EMAOptions{Decay: 0.28, Warmup: true}, &model.Weights{Params: []*ops.Param{avg}}}
	want := 1.0
	for n, d := range []float64{2.0 / 11, 3.0 / 12, 0.28, 0.28} {
		value := float64(n + 2)
		if err := p.SetValues(floats32([]float64{value})); err != nil {
			t.Fatal(err)
		}
		a.Update(w, n+1)
		want = d*want + (1-d)*value
		expect(t, "average", avg.Values(), []float64{want}, 1e-6)
	}
	if d := (EMAOptions{Decay: 0.9999}).decayAt(1); d != 0.9999 {
		t.Errorf("without warm-up the decay is %g", d)
	}
}

// pytorch is testdata/pytorch.json, written by testdata/pytorch.py.
type pytorch struct {
	Start     []float64
	Gradients [][]float64
	Paths     map[string][][]float64
	Clips     []struct {
		Limit, Norm float64
		Gradient    []float64
	}
	Rates map[string][]float64
}

func readPyTorch(t *testing.T) (p pytorch) {
	t.Helper()
	text, err := os.ReadFile("testdata/pytorch.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestOptimizersFollowPyTorch(t *testing.T) {
	golden := readPyTorch(t)
	for name, o := range map[string]OptimizerOptions{
		"sgd":                         {Name: SGD},
		"sgd, momentum, weight decay": {Name: SGD, Momentum: 0.9, WeightDecay: 0.01},
		"adam, weight decay":          {Name: Adam, Beta1: 0.9, Beta2: 0.999, WeightDecay: 0.01},
		"nadam, weight decay":         {Name: NAdam, Beta1: 0.9, Beta2: 0.999, WeightDecay: 0.01},
		"nadamw":                      {Name: NAdamW, Beta1: 0.8, Beta2: 0.99, Eps: 1e-6, WeightDecay: 0.05},
		"adamw":                       {Name: AdamW, Beta1: 0.8, Beta2: 0.99, Eps: 1e-6, WeightDecay: 0.05},
	} {
		w := vector(golden.Start...)
		o.HeadLRFactor, o.BiasLRFactor, o.LayerDecay = 1, 1, 1
		opt := NewOptimizer(o, []*ops.Param{w}, nil)
		for i, values := range golden.Gradients {
			g := []model.Gradient{gradientOf(w, values)}
			opt.Decay(g)
			opt.Update(g, 0.1, i+1)
			expect(t, name, w.Values(), golden.Paths[name][i], 2e-6)
		}
	}
}

func TestClippingFollowsPyTorch(t *testing.T) {
	golden := readPyTorch(t)
	for _, c := range golden.Clips {
		w := vector(golden.Start...)
		g := []model.Gradient{gradientOf(w, golden.Gradients[0])}
		if norm := Clip(g, 0, c.Limit); math.Abs(norm-c.Norm) > 1e-6*c.Norm {
			t.Errorf("the norm is %g, not %g", norm, c.Norm)
		}
		expect(t, "clipped", w.Unpack(g[0].Data), c.Gradient, 2e-6)
	}
}

func TestSchedulesFollowPyTorch(t *testing.T) {
	golden := readPyTorch(t)
	for name, s := range map[string]ScheduleOptions{
		Staircase:   {Name: Staircase, DecayEpochs: 4, DecayRate: 0.5},
		Exponential: {Name: Exponential, DecayEpochs: 1, DecayRate: 0.9},
		Cosine:      {Name: Cosine, MinLR: 0.05},
		Linear:      {Name: Linear, MinLR: 0.05},
	} {
		for step, want := range golden.Rates[name] {
			near(t, name, s.At(0.5, step, 12, 1), want)
		}
	}
}
