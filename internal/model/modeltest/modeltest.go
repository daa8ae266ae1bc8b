// Package modeltest makes the weights and pixels of golden files: numbers that
// follow from names, so that no weights need to be shipped. testdata/golden.py of
// package model makes the same for PyTorch.
package modeltest

import (
	"hash/fnv"
	"math"

	"github.com/inception-go/inception/internal/ops"
)

// Values returns the values of a parameter, in file order: uniform numbers from
// splitmix64 seeded with the FNV hash of its key, scaled by its kind.
func Values(p *ops.Param) []float32 {
	values := Uniform(p.Name, p.Count())
	scale := func(by float64) {
		for i, u := range values {
			values[i] = (2*u - 1) * float32(by)
		}
	}
	switch p.Kind {
	case ops.ConvWeight, ops.ImageWeight, ops.SeparableWeight:
		scale(math.Sqrt(6 / float64(p.Shape[1]*p.Shape[2]*p.Shape[3])))
	case ops.LinearWeight:
		scale(math.Sqrt(3 / float64(p.Shape[1])))
	case ops.Beta:
		scale(0.2)
	case ops.Bias, ops.RunningMean:
		scale(0.1)
	default:
		for i := range values {
			values[i] += 0.5
		}
	}
	return values
}

// Uniform returns n numbers in [0, 1) determined by key.
func Uniform(key string, n int) []float32 {
	h := fnv.New64a()
	h.Write([]byte(key))
	values := make([]float32, n)
	for i := range values {
		z := h.Sum64() + uint64(i) + 0x9E3779B97F4A7C15
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
		values[i] = float32(z>>40) / (1 << 24)
	}
	return values
}
