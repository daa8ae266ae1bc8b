//go:build !race

package kernel

import (
	"math/rand/v2"
	"testing"

	"github.com/inception-go/inception/internal/parallel"
)

// TestPassesTakeNoMemoryForEachImage: beside a large heap it is not collected for
// many steps. The race detector has pools lose what they are given.
func TestPassesTakeNoMemoryForEachImage(t *testing.T) {
	defer parallel.SetThreads(parallel.Threads())
	parallel.SetThreads(1)
	eachISA(t, func(t *testing.T) {
		if !HasBF16() {
			t.Skip("a hundred times slower")
		}
		c := Conv{64, 64, Square(3, 1, 1)}
		dw, w := make([]float32, c.WeightLen()), make([]float32, c.WeightLen())
		taken := func(n int, pass func(x, y MapBF16)) float64 {
			r := rand.New(rand.NewPCG(1, 2))
			x, y := newViewBF16(r, n, c.C, 8, 8, false, true), newViewBF16(r, n, c.K, 8, 8, false, true)
			return testing.AllocsPerRun(5, func() { pass(x.MapBF16, y.MapBF16) })
		}
		for name, pass := range map[string]func(x, y MapBF16){
			"forward":             func(x, y MapBF16) { c.ForwardRounded(y, x, w) },
			"gradient of data":    func(x, y MapBF16) { c.BackwardDataBF16(x, y, w) },
			"gradient of weights": func(x, y MapBF16) { c.BackwardWeightsBF16(dw, x, y) },
		} {
			const few, many, unrelated = 2, 32, 10
			if one, all := taken(few, pass), taken(many, pass); all > one+unrelated {
				t.Errorf("%s: %v allocations for %d images, %v for %d", name, all, many, one, few)
			}
		}
	})
}
