package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/inception-go/inception/internal/parallel"
)

func TestL2IsTheLargestShareOfAProcessor(t *testing.T) {
	type cache struct{ level, size, list string }
	for _, c := range []struct {
		name string
		cpus []cache
		want int
	}{
		{"nothing is told", nil, 0},
		{"one each", []cache{{"2", "1024K", "0"}, {"2", "1024K", "1"}}, 1 << 20},
		{"hyperthreads share", []cache{{"2", "1280K", "0,2"}, {"2", "1280K", "0,2"}}, 640 << 10},
		{"small cores share, large ones have their own", []cache{{"2", "512K", "0-3"}, {"2", "1024K", "4"}}, 1 << 20},
		{"another level", []cache{{"3", "32768K", "0-15"}}, 0},
		{"garbage", []cache{{"2", "muchK", "0"}, {"2", "-5K", "0"}, {"2", "99999999999K", "0"}, {"2", "64K", "3-1"}, {"2", "64K", ""}}, 0},
	} {
		files := fstest.MapFS{"cpu0/online": {}}
		for i, f := range c.cpus {
			folder := fmt.Sprintf("cpu%d/cache/index2/", i)
			for name, text := range map[string]string{"level": f.level, "size": f.size, "shared_cpu_list": f.list} {
				files[folder+name] = &fstest.MapFile{Data: []byte(text + "\n")}
			}
		}
		if got := l2Of(files); got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.name, got, c.want)
		}
	}
	for l2, want := range map[int]int{0: 384 << 10, 128 << 10: 96 << 10, 256 << 10: 192 << 10, 1 << 20: 384 << 10, 3 << 20: 384 << 10, 1: 48 << 10} {
		if got := cacheShareOf(l2); got != want {
			t.Errorf("with %d bytes of L2 a piece keeps %d, want %d", l2, got, want)
		}
	}
}

// Machines with other caches give the same bits.
func TestTheSizeOfTheCacheCannotBeSeenInTheResult(t *testing.T) {
	defer func(before func() int) { cacheShare = before }(cacheShare)
	eachISA(t, func(t *testing.T) {
		c := Conv{64, 48, Square(3, 1, 1)}
		const n, h, w = 2, 45, 41 // 264 tiles: 16 pieces or 8; 420 in bf16
		r := rand.New(rand.NewPCG(1, 2))
		oh, ow := c.Out(h, w)
		x, y := newViewMap(r, n, c.C, h, w, false, true), newViewMap(r, n, c.K, oh, ow, false, false)
		packed := randomGuarded(r, c.WeightLen()).data
		u := make([]float32, c.WinogradLen())
		c.WinogradWeights(u, packed)
		half, result := newViewBF16(r, n, c.C, h, w, false, true), newViewBF16(r, n, c.K, oh, ow, false, false)
		halfU := make([]BF16, c.WinogradBF16Len())
		c.WinogradWeightsBF16(halfU, packed)
		var want []float32
		var wantHalf []BF16
		for _, l2 := range []int{1, 256 << 10, 1 << 20} {
			cacheShare = func() int { return cacheShareOf(l2) }
			clear(y.Data)
			c.ForwardWinograd(y.Map, x.Map, u, make([]float32, c.K), false)
			if want == nil {
				want = slices.Clone(y.Data)
			}
			c.ForwardWinogradBF16(result.MapBF16, half.MapBF16, halfU, make([]float32, c.K), false)
			if wantHalf == nil {
				wantHalf = slices.Clone(result.Data)
			}
			if !slices.Equal(result.Data, wantHalf) {
				t.Errorf("with %d bytes of L2 the results in bf16 are others", l2)
			}
			if !slices.Equal(y.Data, want) {
				t.Errorf("with %d bytes of L2 the results are others", l2)
			}
		}
	})
}

// A thread that keeps all weights takes the same pieces in another order.
func TestWhetherTheCacheKeepsTheWeightsCannotBeSeenInTheResult(t *testing.T) {
	defer parallel.SetThreads(parallel.Threads())
	defer func(before func() int) { cacheShare = before }(cacheShare)
	c := Conv{64, 96, Square(3, 1, 1)} // 55,296 weights: too many for 48 KB in any precision, and several groups
	const n, h, w = 2, 45, 41
	r := rand.New(rand.NewPCG(1, 2))
	same := func(t *testing.T, run func() []float32) {
		var want []float32
		for _, threads := range []int{1, 2, 5, 40} {
			parallel.SetThreads(threads)
			for _, l2 := range []int{1, 1 << 20} {
				cacheShare = func() int { return cacheShareOf(l2) }
				got := run()
				if want == nil {
					want = got
				}
				if !slices.Equal(got, want) {
					t.Errorf("with %d threads and %d bytes of L2 the results are others", threads, l2)
				}
			}
		}
	}
	x, y := newViewMap(r, n, c.C, h, w, false, true), newViewMap(r, n, c.K, h, w, false, false)
	packed := randomGuarded(r, c.WeightLen()).data
	eachISA(t, func(t *testing.T) {
		same(t, func() []float32 {
			clear(y.Data)
			c.Forward(y.Map, x.Map, packed)
			return slices.Clone(y.Data)
		})
	})
	bytes, results := newViewInt8(r, n, c.C, h, w, false, true), newViewInt8(r, n, c.K, h, w, false, false)
	oihw, weights := randomInt8Weights(r, c)
	eachInt8(t, func(t *testing.T) {
		weights.W = make([]int8, c.Int8WeightLen())
		c.PackInt8(weights.W, oihw, c.K, c.C)
		same(t, func() []float32 {
			results.clear()
			c.ForwardInt8(results.MapInt8, bytes.MapInt8, weights)
			Dequantise(y.Map, results.MapInt8, 1)
			return slices.Clone(y.Data)
		})
	})
}
