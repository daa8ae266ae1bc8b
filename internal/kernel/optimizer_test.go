package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/inception-go/inception/internal/parallel"
)

// vectorCases are the functions on plain slices with float64 twins, which get
// one value of each slice.
var vectorCases = map[string]struct {
	slices int
	run    func(v [][]float32)
	twin   func(v []float64)
}{
	"Axpy":  {2, func(v [][]float32) { Axpy(v[0], v[1], 0.3) }, func(v []float64) { v[0] += 0.3 * v[1] }},
	"Scale": {1, func(v [][]float32) { Scale(v[0], -2) }, func(v []float64) { v[0] *= -2 }},
	"EMA":   {2, func(v [][]float32) { EMA(v[0], v[1], 0.9) }, func(v []float64) { v[0] = 0.9*v[0] + 0.1*v[1] }},
	"SGD": {3, func(v [][]float32) { SGD(v[0], v[1], v[2], 0.1, 0.9) }, func(v []float64) {
		v[2] = 0.9*v[2] + v[1]
		v[0] -= 0.1 * v[2]
	}},
	"RMSProp": {4, func(v [][]float32) { RMSProp(v[0], v[1], v[2], v[3], 0.1, 0.9, 0.8, 1) }, func(v []float64) {
		v[2] = 0.9*v[2] + 0.1*v[1]*v[1]
		v[3] = 0.8*v[3] + 0.1*v[1]/math.Sqrt(v[2]+1)
		v[0] -= v[3]
	}},
	"Adam": {4, func(v [][]float32) { Adam(v[0], v[1], v[2], v[3], 0.1, 0.9, 0.999, 1e-3, 3) }, func(v []float64) {
		v[2] = 0.9*v[2] + 0.1*v[1]
		v[3] = 0.999*v[3] + 0.001*v[1]*v[1]
		m, s := v[2]/(1-math.Pow(0.9, 3)), v[3]/(1-math.Pow(0.999, 3))
		v[0] -= 0.1 * m / (math.Sqrt(s) + 1e-3)
	}},
}

func TestVectorFunctions(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for name, c := range vectorCases {
			for _, n := range []int{0, 1, 15, 16, 17, 1000, 2*chunk + 5} {
				t.Run(fmt.Sprintf("%s of %d", name, n), func(t *testing.T) {
					r := rand.New(rand.NewPCG(uint64(n), 1))
					var guards []guarded
					var values [][]float32
					for i := range c.slices {
						g := randomGuarded(r, n)
						for j := range g.data {
							if i >= 2 { // mean squares are not negative
								g.data[j] = float32(math.Abs(float64(g.data[j])))
							}
						}
						guards, values = append(guards, g), append(values, g.data)
					}
					want := make([][]float64, c.slices)
					for j := range n {
						one := make([]float64, c.slices)
						for i := range one {
							one[i] = float64(values[i][j])
						}
						c.twin(one)
						for i, v := range one {
							want[i] = append(want[i], v)
						}
					}
					c.run(values)
					for i := range values {
						near(t, fmt.Sprint("slice ", i), values[i], want[i], 4)
						guards[i].check(t, fmt.Sprint("slice ", i))
					}
				})
			}
		}
	})
}

func TestSumSquares(t *testing.T) {
	defer parallel.SetThreads(parallel.Threads())
	eachISA(t, func(t *testing.T) {
		for _, n := range []int{0, 3, 16, 33, 3*chunk + 7} {
			x := randomGuarded(rand.New(rand.NewPCG(uint64(n), 2)), n).data
			want := 0.0
			for _, v := range x {
				want += float64(v) * float64(v)
			}
			var got []float64
			for threads := 1; threads <= 3; threads++ {
				parallel.SetThreads(threads)
				got = append(got, SumSquares(x))
			}
			if math.Abs(got[0]-want) > 1e-12*(1+want) || got[1] != got[0] || got[2] != got[0] {
				t.Errorf("%d values: %v with 1, 2 and 3 threads, want %g", n, got, want)
			}
		}
	})
}
