package kernel

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/inception-go/inception/internal/parallel"
)

// benchLayer is a convolution of Inception V3 and how often the network has it.
type benchLayer struct {
	count   int
	c, k    int
	r, s    int
	stride  int
	padH    int
	padW    int
	h, w    int
	weights []float32
}

// inceptionV3 lists the network's convolutions on 299x299 images, except the
// stem's first, which is an ImageConv, and those of the auxiliary head.
func inceptionV3() []benchLayer {
	layers := []benchLayer{
		{1, 32, 32, 3, 3, 1, 0, 0, 149, 149, nil},
		{1, 32, 64, 3, 3, 1, 1, 1, 147, 147, nil},
		{1, 64, 80, 1, 1, 1, 0, 0, 73, 73, nil},
		{1, 80, 192, 3, 3, 1, 0, 0, 73, 73, nil},
	}
	add := func(size, c, k, r, s int) { // same padding
		for i := range layers {
			l := &layers[i]
			if l.h == size && l.c == c && l.k == k && l.r == r && l.s == s && l.stride == 1 {
				l.count++
				return
			}
		}
		layers = append(layers, benchLayer{1, c, k, r, s, 1, r / 2, s / 2, size, size, nil})
	}
	for i, c := range []int{192, 256, 288} { // Mixed_5b to 5d
		add(35, c, 64, 1, 1)
		add(35, c, 48, 1, 1)
		add(35, 48, 64, 5, 5)
		add(35, c, 64, 1, 1)
		add(35, 64, 96, 3, 3)
		add(35, 96, 96, 3, 3)
		add(35, c, []int{32, 64, 64}[i], 1, 1)
	}
	layers = append(layers, benchLayer{1, 288, 384, 3, 3, 2, 0, 0, 35, 35, nil}) // Mixed_6a
	add(35, 288, 64, 1, 1)
	add(35, 64, 96, 3, 3)
	layers = append(layers, benchLayer{1, 96, 96, 3, 3, 2, 0, 0, 35, 35, nil})
	for _, c := range []int{128, 160, 160, 192} { // Mixed_6b to 6e
		add(17, 768, 192, 1, 1)
		add(17, 768, c, 1, 1)
		add(17, c, c, 1, 7)
		add(17, c, 192, 7, 1)
		add(17, 768, c, 1, 1)
		add(17, c, c, 7, 1)
		add(17, c, c, 1, 7)
		add(17, c, c, 7, 1)
		add(17, c, 192, 1, 7)
		add(17, 768, 192, 1, 1)
	}
	add(17, 768, 192, 1, 1) // Mixed_7a
	add(17, 768, 192, 1, 1)
	add(17, 192, 192, 1, 7)
	add(17, 192, 192, 7, 1)
	layers = append(layers, benchLayer{1, 192, 320, 3, 3, 2, 0, 0, 17, 17, nil})
	layers = append(layers, benchLayer{1, 192, 192, 3, 3, 2, 0, 0, 17, 17, nil})
	for _, c := range []int{1280, 2048} { // Mixed_7b and 7c
		add(8, c, 320, 1, 1)
		add(8, c, 384, 1, 1)
		add(8, c, 448, 1, 1)
		add(8, 448, 384, 3, 3)
		for range 2 {
			add(8, 384, 384, 1, 3)
			add(8, 384, 384, 3, 1)
		}
		add(8, c, 192, 1, 1)
	}
	return append(layers, benchLayer{1, 2048, 1008, 1, 1, 1, 0, 0, 1, 1, nil})
}

func (l benchLayer) conv() Conv {
	return Conv{l.c, l.k, Window{l.r, l.s, l.stride, l.stride, l.padH, l.padW, 0, 0}}
}

func (l benchLayer) String() string {
	return fmt.Sprintf("%dx%d %d-%d at %d, stride %d, x%d", l.r, l.s, l.c, l.k, l.h, l.stride, l.count)
}

// flops counts the products with pixels of the image, not those with padding.
func (l benchLayer) flops(n int) float64 {
	c := l.conv()
	oh, ow := c.Out(l.h, l.w)
	meet := func(out, in, taps, pad int) (pairs int) {
		for i := range out {
			for t := range taps {
				if at := i*l.stride + t - pad; at >= 0 && at < in {
					pairs++
				}
			}
		}
		return pairs
	}
	pairs := meet(oh, l.h, l.r, l.padH) * meet(ow, l.w, l.s, l.padW)
	return 2 * float64(n*l.c*l.k) * float64(pairs)
}

// BenchmarkInceptionV3 runs every convolution of the network once per
// iteration, and reports the work per second of the best times, also as a share
// of the peak of register-only multiply-adds, measured in between.
// With -v it prints a line per layer.
func BenchmarkInceptionV3(b *testing.B) {
	passes := []struct {
		name string
		run  func(c Conv, x, y Map, w []float32)
	}{
		{"forward", func(c Conv, x, y Map, w []float32) { c.Forward(y, x, w) }},
		{"bf16", func(c Conv, x, y Map, w []float32) { // on halves of the same memory
			in, out := MapOf(BF16s(x.Data), x.N, x.C, x.H, x.W), MapOf(BF16s(y.Data), y.N, y.C, y.H, y.W)
			c.ForwardBF16(out, in, BF16s(w), nil, true)
		}},
		{"int8", func(c Conv, x, y Map, w []float32) { // on quarters
			in, out := MapOf(Bytes(x.Data), x.N, x.C, x.H, x.W), MapOf(Bytes(y.Data), y.N, y.C, y.H, y.W)
			bytes := Bytes(w)
			c.ForwardInt8(out, in, Int8Weights{unsafe.Slice((*int8)(unsafe.Pointer(&bytes[0])), len(w)), int8Zeros, zeros})
		}},
		{"data", func(c Conv, x, y Map, w []float32) { c.BackwardData(x, y, w) }},
		{"weights", func(c Conv, x, y Map, w []float32) { c.BackwardWeights(w, x, y) }},
	}
	defer parallel.SetThreads(parallel.Threads())
	parallel.SetThreads(0) // as -cpu says
	layers := inceptionV3()
	for i := range layers {
		layers[i].weights = make([]float32, layers[i].conv().Int8WeightLen()) // the longest
	}
	for _, batch := range []int{1, 8} {
		x, y := make([]float32, batch*64*150*150), make([]float32, batch*64*150*150)
		for _, pass := range passes {
			b.Run(fmt.Sprintf("%s/batch%d", pass.name, batch), func(b *testing.B) {
				peak := active.PeakRate
				switch pass.name {
				case "bf16":
					peak = active.BF16.PeakRate
				case "int8":
					peak = active.Int8.PeakRate
				}
				benchLayers(b, layers, batch, x, y, pass.run, peak)
			})
		}
	}
}

var int8Zeros, zeros = make([]int32, 2048), make([]float32, 2048)

func benchLayers(
	b *testing.B, layers []benchLayer, batch int, xs, ys []float32, run func(c Conv, x, y Map, w []float32),
	peak func(time.Duration) float64,
) {
	best := make([]time.Duration, len(layers))
	bestPeak := make([]float64, len(layers))
	for i := range best {
		best[i] = math.MaxInt64
	}
	for b.Loop() {
		for i, l := range layers {
			c := l.conv()
			oh, ow := c.Out(l.h, l.w)
			x, y := MapOf(xs, batch, l.c, l.h, l.w), MapOf(ys, batch, l.k, oh, ow)
			bestPeak[i] = max(bestPeak[i], benchPeak(peak))
			start := time.Now()
			run(c, x, y, l.weights)
			best[i] = min(best[i], time.Since(start))
		}
	}
	var table strings.Builder
	var flops, seconds, atPeak float64
	for i, l := range layers {
		f, n := l.flops(batch), float64(l.count)
		flops += f * n
		seconds += best[i].Seconds() * n
		atPeak += f * n / bestPeak[i]
		fmt.Fprintf(&table, "%-40s %8.1f us %7.1f GFLOP/s, peak %5.1f: %4.1f%% (%.1f ms in all, %.2f over)\n", l.String(),
			float64(best[i].Microseconds()), f/best[i].Seconds()/1e9, bestPeak[i]/1e9,
			100*f/best[i].Seconds()/bestPeak[i], n*best[i].Seconds()*1e3, n*(best[i].Seconds()-f/bestPeak[i])*1e3)
	}
	b.Log("\n" + table.String())
	b.ReportMetric(flops/seconds/1e9, "GFLOP/s")
	b.ReportMetric(100*atPeak/seconds, "%peak")
	b.ReportMetric(seconds*1e3, "ms")
}

// benchPeak is a short PeakGFLOPS of all threads, in FLOP/s.
func benchPeak(rate func(time.Duration) float64) float64 {
	rates := make([]float64, parallel.Threads())
	parallel.For(len(rates), func(i int) { rates[i] = rate(100 * time.Microsecond) })
	sum := 0.0
	for _, rate := range rates {
		sum += rate
	}
	return sum
}

// BenchmarkImageConv is the network's first convolution, of 8 images.
func BenchmarkImageConv(b *testing.B) {
	defer parallel.SetThreads(parallel.Threads())
	parallel.SetThreads(0)
	const n, size = 8, 299
	for _, c := range []ImageConv{{32, Square(3, 2, 0)}, {64, Square(7, 2, 0)}} {
		oh, ow := c.Out(size, size)
		images, y, w := make([]float32, n*imageChannels*size*size), newMap(n, c.K, oh, ow), make([]float32, c.WeightLen())
		flops := 2 * float64(n*oh*ow*c.K*imageChannels*c.R*c.S)
		report := func(b *testing.B) {
			b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		}
		b.Run(fmt.Sprintf("%dx%d/forward", c.R, c.S), func(b *testing.B) {
			for b.Loop() {
				c.Forward(y, images, n, size, size, w)
			}
			report(b)
		})
		b.Run(fmt.Sprintf("%dx%d/weights", c.R, c.S), func(b *testing.B) {
			for b.Loop() {
				c.BackwardWeights(w, images, n, size, size, y)
			}
			report(b)
		})
	}
}
