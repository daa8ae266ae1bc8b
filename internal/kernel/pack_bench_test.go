package kernel

import "testing"

func BenchmarkTransposeWeights(b *testing.B) {
	const kb, cb, taps = 24, 28, 9
	from, to := make([]float32, kb*cb*taps*Block*Block), make([]float32, kb*cb*taps*Block*Block)
	b.SetBytes(int64(2 * len(from) * floatBytes))
	for b.Loop() {
		transposeWeights(to, from, kb, cb, taps)
	}
}
