package kernel

import "testing"

func TestPeakGFLOPS(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		if peak := PeakGFLOPS(1); peak < 0.01 || peak > 10_000 {
			t.Errorf("peak is %v GFLOP/s", peak)
		}
	})
}
