package quantize

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/parallel"
)

const size = 80

// small returns a small network of a kind with random weights whose activations
// neither vanish nor grow.
func small(t *testing.T, variant string, change func(*model.Spec)) *model.Weights {
	t.Helper()
	spec, err := model.DefaultSpec(variant)
	if err != nil {
		t.Fatal(err)
	}
	spec.InputSize, spec.Width, spec.Classes, spec.Init, spec.Aux = size, 0.05, 10, "he", model.AuxNone
	spec.AuxEarly, spec.AuxLate = false, true
	change(&spec)
	w, err := model.NewWeights(spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// noise are images in batches of two, the last with one.
func noise(count, size int) Images {
	per := 3 * size * size
	r := rand.New(rand.NewPCG(1, 2))
	all := make([]float32, (count+1)*per)
	for i := range all[:count*per] {
		all[i] = r.Float32()*2 - 1
	}
	return func(each func([]float32, int) error) error {
		for at := 0; at < count; at += 2 {
			if err := each(all[at*per:(at+2)*per], min(2, count-at)); err != nil {
				return err
			}
		}
		return nil
	}
}

func options(how string, keep ...string) Options {
	half := [3]float32{127.5, 127.5, 127.5}
	return Options{Range: how, Keep: keep, Batch: 2, Image: kernel.ByteImage{Scale: half, Offset: half}}
}

// TestEveryNetwork: logits close to float32's, branches of one scale, and a layer
// that is kept has less error than when it is not.
func TestEveryNetwork(t *testing.T) {
	for name, w := range map[string]*model.Weights{
		"v3":             small(t, model.V3, func(*model.Spec) {}),
		"v3, pool first": small(t, model.V3, func(s *model.Spec) { s.GridReduction = "pool_first" }),
		"v3, expand first": small(t, model.V3, func(s *model.Spec) {
			s.GridReduction, s.AvgPoolCountIncludePad = "expand_first", false
		}),
		"v4":           small(t, model.InceptionV4, func(s *model.Spec) { s.InputSize = 96 }),
		"googlenet":    small(t, model.GoogLeNet, func(*model.Spec) {}),
		"bn-inception": small(t, model.BNInception, func(*model.Spec) {}),
	} {
		t.Run(name, func(t *testing.T) {
			images := noise(5, w.Spec.InputSize)
			q, report, err := Run(w, images, options(Auto))
			if err != nil {
				t.Fatal(err)
			}
			if report.Images != 5 || len(report.Tried) != 3 || report.Logits < 25 {
				t.Errorf("%d images, %d ranges tried, logits at %.1f dB", report.Images, len(report.Tried), report.Logits)
			}
			for _, l := range report.Layers {
				if l.SNR < 20 {
					t.Errorf("%s is at %.1f dB", l.Name, l.SNR)
				}
			}
			checkScales(t, q)
		})
	}
}

func checkScales(t *testing.T, q *model.Weights) {
	layers, err := model.Layers(q.Spec)
	if err != nil {
		t.Fatal(err)
	}
	joined := 0
	for _, l := range layers {
		for _, from := range l.Inputs {
			if l.Op == "concat" {
				joined++
				if a, b := q.Int8.Scales[l.Name], q.Int8.Scales[layers[from].Name]; a != b {
					t.Errorf("%s has the scale %g, its branch %s %g", l.Name, a, layers[from].Name, b)
				}
			}
		}
	}
	if joined == 0 {
		t.Error("nothing is joined")
	}
}

func TestKeptLayersAreExact(t *testing.T) {
	w := small(t, model.V3, func(*model.Spec) {})
	// All branches of a module, a layer between others, and the first one.
	q, report, err := Run(w, noise(4, size), options(mse, "Mixed_5b", "Mixed_6b.branch7x7_2", "Conv2d_1a"))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range report.Layers {
		if first := l.Name == "Conv2d_1a_3x3"; first != (l.SNR == 200) {
			t.Errorf("%s is at %v dB", l.Name, l.SNR)
		}
	}
	if len(report.Kept) != 9 || q.Int8.Convs["Mixed_6b.branch7x7_2"] != nil || q.Int8.Convs["Mixed_6b.branch7x7_3"] == nil {
		t.Errorf("kept %v", report.Kept)
	}
	if q.ByName("Mixed_6b.branch7x7_3.conv.weight").Data != nil {
		t.Error("the float32 weights of a quantised layer are still there")
	}
	if _, _, err := Run(w, noise(1, size), options(mse, "Mixed_9")); err == nil || !strings.Contains(err.Error(), "Mixed_9") {
		t.Errorf("keeping what there is not: %v", err)
	}
	// All of it in float32: only the first result is as it was.
	_, report, err = Run(w, noise(2, size), options(MinMax, "Conv", "Mixed"))
	if err != nil || report.Logits != 200 {
		t.Errorf("all kept: logits at %v dB, %v", report.Logits, err)
	}
}

func TestAnyThreadsGiveTheSameWeights(t *testing.T) {
	defer parallel.SetThreads(parallel.Threads())
	w := small(t, model.V3, func(*model.Spec) {})
	var want *model.Weights
	for _, threads := range []int{1, 2, 3} {
		parallel.SetThreads(threads)
		got, _, err := Run(w, noise(3, size), options(percentile))
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		for name, c := range want.Int8.Convs {
			if g := got.Int8.Convs[name]; !slices.Equal(g.Weights, c.Weights) || !slices.Equal(g.Bias, c.Bias) {
				t.Fatalf("%d threads: %s differs", threads, name)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	w := small(t, model.V3, func(*model.Spec) {})
	if _, _, err := Run(w, noise(0, size), options(mse)); err == nil || !strings.Contains(err.Error(), "no images") {
		t.Errorf("no images: %v", err)
	}
	if _, _, err := Run(w, noise(1, size), options("best")); err == nil || !strings.Contains(err.Error(), `"best" is unknown`) {
		t.Errorf("an unknown range: %v", err)
	}
	w.ByName("Conv2d_2a_3x3.conv.weight").Data[0] = float32(math.NaN())
	if _, _, err := Run(w, noise(1, size), options(mse)); err == nil || !strings.Contains(err.Error(), "diverged") {
		t.Errorf("weights that are not numbers: %v", err)
	}
}

// TestBiasOfDeadChannels: a bias that is enormous beside its weights still fits.
func TestBiasOfDeadChannels(t *testing.T) {
	w := small(t, model.V3, func(*model.Spec) {})
	for i := range w.ByName("Conv2d_2b_3x3.bn.weight").Data {
		w.ByName("Conv2d_2b_3x3.bn.weight").Data[i] = 1e-9
		w.ByName("Conv2d_2b_3x3.bn.bias").Data[i] = float32(i)
	}
	q, report, err := Run(w, noise(2, size), options(MinMax))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range report.Layers {
		if l.Name == "Conv2d_2b_3x3" && l.SNR < 40 {
			t.Errorf("biases alone are at %.1f dB: %+v", l.SNR, q.Int8.Convs[l.Name].Bias)
		}
	}
}

func TestRanges(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var all, parts values
	var second values
	drawn := make([]float32, 1<<16)
	for i := range drawn {
		drawn[i] = float32(r.ExpFloat64())
		if i%2 == 0 {
			drawn[i] = 0 // as after a ReLU
		}
	}
	drawn[77] = 40
	all.add(drawn)
	// In another order, and in parts.
	for at := len(drawn); at > 0; at -= 1 << 12 {
		to := &parts
		if at%(1<<13) == 0 {
			to = &second
		}
		to.add(drawn[at-1<<12 : at])
	}
	parts.merge(&second)
	if parts.width != all.width || !slices.Equal(parts.counts, all.counts) || parts.count != all.count {
		t.Errorf("the order changes the histogram: %v, %v", parts.width, all.width)
	}
	if got := all.limit(MinMax); got != 40 {
		t.Errorf("largest is %v", got)
	}
	positive := slices.DeleteFunc(slices.Clone(drawn), func(v float32) bool { return v == 0 })
	slices.Sort(positive)
	want := float64(positive[len(positive)*9999/10000])
	if got := all.limit(percentile); math.Abs(got-want) > 0.2 {
		t.Errorf("percentile is %v, want about %v", got, want)
	}
	// No limit gives much less error than the one that is chosen.
	exact := func(limit float64) (sum float64) {
		for _, v := range positive {
			rounded := min(255, math.RoundToEven(float64(v)/limit*255)) * limit / 255
			sum += (float64(v) - rounded) * (float64(v) - rounded)
		}
		return sum
	}
	chosen := exact(all.limit(mse))
	for limit := 1.0; limit < 41; limit += 0.5 {
		if e := exact(limit); e < 0.97*chosen {
			t.Errorf("a limit of %v has the squared error %v, the chosen %v has %v", limit, e, all.limit(mse), chosen)
		}
	}
	if got := (&values{}).limit(mse); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

// A layer that has nearly died may give the smallest numbers that there are.
func TestRangesOfTinyValues(t *testing.T) {
	for _, v := range []float32{1e-30, 1e-37, 1e-40, 1e-44, math.SmallestNonzeroFloat32, math.MaxFloat32} {
		var h, second values
		h.add([]float32{0, v / 2, v})
		second.add([]float32{v})
		h.merge(&second)
		in := 0.0
		for _, n := range h.counts {
			in += n
		}
		if in != h.count || h.count < 2 {
			t.Errorf("%g: %v values in bins of %g, %v were counted", v, in, h.width, h.count)
		}
		for _, how := range []string{MinMax, percentile, mse} {
			if got := h.limit(how); !(got > 0 && got <= float64(v)) {
				t.Errorf("%g: the limit by %s is %g", v, how, got)
			}
		}
		h.add([]float32{1})
		if sum := max(float32(1), v); h.largest != float64(sum) {
			t.Errorf("%g and 1: the largest is %g", v, h.largest)
		}
	}
}

// TestMemoryIsSharedSafely: freed memory that is overwritten changes nothing, and
// bytes take about a quarter of float32's.
func TestMemoryIsSharedSafely(t *testing.T) {
	w := small(t, model.V3, func(s *model.Spec) { s.GridReduction = "pool_first" })
	images := noise(2, size)
	q, _, err := Run(w, images, options(MinMax, "Mixed_6b.branch7x7_2"))
	if err != nil {
		t.Fatal(err)
	}
	build := func(w *model.Weights) *model.Network {
		net, err := model.Build(w.Spec, w, 2, model.Eval, model.Options{Precision: model.Own})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { net.Close() })
		return net
	}
	own, poisoned := build(q), build(q)
	poisoned.Plan.Bind()
	poisoned.Plan.Poison()
	for range 2 {
		for _, net := range []*model.Network{own, poisoned} {
			if err := images(func(batch []float32, _ int) error { return net.Forward(batch) }); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(own.Logits(), poisoned.Logits()) {
			t.Errorf("shared memory changes the logits: %v, want %v", poisoned.Logits(), own.Logits())
		}
	}
	if full := build(w).Plan.Bytes; own.Plan.Bytes > full*3/10 {
		t.Errorf("%d bytes of activations, %d in float32", own.Plan.Bytes, full)
	}
	if _, err := model.Build(q.Spec, q, 2, model.Train, model.Options{Precision: model.Own}); err == nil {
		t.Error("quantised weights are trained")
	}
}
