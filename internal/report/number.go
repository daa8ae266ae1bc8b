package report

import "math"

// Number returns a pointer to what JSON can hold: nil for NaN and infinities, which
// it writes as null.
func Number(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
